import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '#cli/main.ts';
import { type ByteSink, CabReader } from '#shared/cabinet/index.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { readIndex } from '#shared/index/index.ts';
import { type Generated, generateIndex } from './generate.ts';
import { measuredMonth } from './month.ts';

const scale = 1 / 1000;
let folder: string;
/** Two publications of one world, one month apart. */
let first: { readonly path: string; readonly generated: Generated };
let second: typeof first;

async function generate(name: string, options: { month?: number; seed?: number; workers?: number } = {}) {
  const out = join(folder, name);
  return { path: out, generated: await generateIndex({ seed: 1, month: measuredMonth, scale, out, ...options }) };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'full-size-'));
  first = await generate('first.cab');
  second = await generate('second.cab', { month: measuredMonth + 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Each file of the outer cabinet by its name. */
function innerCabs(path: string): Map<string, Uint8Array> {
  const cabs = new Map<string, Uint8Array>();
  const reader = new CabReader({
    onMember: ({ name }): ByteSink => {
      const chunks: Uint8Array[] = [];
      return {
        write: (chunk) => void chunks.push(Uint8Array.from(chunk)),
        end: () => void cabs.set(name, Buffer.concat(chunks)),
      };
    },
  });
  reader.write(readFileSync(path));
  reader.end();
  return cabs;
}

const catalogOf = async (path: string): Promise<Catalog> =>
  readIndex(
    (async function* () {
      yield readFileSync(path);
    })(),
    { depth: 'everything' },
  );

describe('an invented index of full size, here a thousandth of it', () => {
  it('is what its generator says, and publishable but for a signature', async () => {
    const printed: string[] = [];
    const stdout = { write: (text: string) => void printed.push(text) };
    const io = { stdout, stderr: { write: () => undefined }, env: {} };
    expect(await main(['index', 'inspect', first.path, '--json'], io)).toBe(0);
    const head = JSON.parse(printed.join(''));
    const { generated } = first;
    expect(head).toMatchObject({
      layout: 'wsusscn2',
      packageId: generated.packageId,
      createdAt: '2026-07-14T13:54:06Z',
      bytes: generated.bytes,
      members: 1 + generated.innerCabs + generated.innerFiles,
      counts: {
        updates: generated.updates,
        units: generated.bundles,
        leaves: generated.leaves,
        evaluated: generated.evaluated,
        files: generated.fileLocations,
      },
      // It is not signed, which is all that is wrong with it.
      publishable: { ok: false, reason: 'the signature is not good: unsigned: the cabinet carries no signature' },
    });
    expect(head.skipped).toEqual([{ name: 'files/', members: 1 }]);
  });

  it('has the shape of a real one', async () => {
    const { generated } = first;
    const updates = [...(await catalogOf(first.path)).updates.values()];
    expect(updates.filter(({ supersededBy }) => supersededBy.length > 0)).toHaveLength(generated.supersededBlocks);
    const largest = Math.max(...updates.map(({ payload }) => payload.length));
    expect(largest).toBeGreaterThanOrEqual(14);
    expect(largest).toBeLessThanOrEqual(19);
    expect(generated.core.p50).toBeGreaterThan(400);
    expect(generated.core.p50).toBeLessThan(1000);
    expect(generated.core.p99).toBeGreaterThan(100_000);
    // Each update has a core and an extended fragment, titles are in up to 37 languages.
    expect(generated.innerFiles / generated.updates).toBeGreaterThan(4);
  });

  it('is the same from the same seed, however many threads make it, and another from another', async () => {
    const again = await generate('again.cab', { workers: 1 });
    expect(sha256(readFileSync(again.path))).toBe(sha256(readFileSync(first.path)));
    expect(again.generated).toEqual(first.generated);
    const other = await generate('other.cab', { seed: 2 });
    expect(other.generated.packageId).not.toBe(first.generated.packageId);
  });

  it('leaves no half-written file', async () => {
    // What was written cannot take the place of a folder, which is noticed last.
    mkdirSync(join(folder, 'taken'));
    await expect(generate('taken')).rejects.toThrow('EISDIR');
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describe('the publication of the next month', () => {
  it('keeps the updates, numbers those of the first cabinet anew, and adds some', async () => {
    const [before, after] = [await catalogOf(first.path), await catalogOf(second.path)];
    const key = ({ updateId, revision }: { updateId: string; revision: number }) => `${updateId} ${revision}`;
    const numbers = new Map([...after.updates.values()].map((update) => [key(update), update.revisionId]));
    const kept = [...before.updates.values()].filter((update) => numbers.has(key(update)));
    const revised = before.updates.size - kept.length;
    expect(revised).toBe(1);
    expect(after.updates.size).toBeGreaterThan(before.updates.size);
    const moved = kept.filter((update) => numbers.get(key(update)) !== update.revisionId);
    expect(moved.length).toBeGreaterThan(3);
    expect(Math.max(...moved.map(({ revisionId }) => revisionId))).toBeLessThan(1000);
    const lastBefore = Math.max(...before.updates.keys());
    expect([...after.updates.keys()].some((id) => id > lastBefore)).toBe(true);
    expect(second.generated.supersededRefs).toBeGreaterThan(first.generated.supersededRefs);
  });

  it('leaves the cabinets in the middle as they are, but for that of a revised update', async () => {
    const [before, after] = [innerCabs(first.path), innerCabs(second.path)];
    const same = [...before.keys()].filter(
      (name) => sha256(before.get(name) ?? Buffer.alloc(0)) === sha256(after.get(name) ?? Buffer.alloc(1)),
    );
    expect(before.size).toBe(5);
    // One of the two classic ones has the revised update; a third begins where they are full.
    expect(same).toHaveLength(1);
    expect(['package3.cab', 'package4.cab']).toEqual(expect.arrayContaining(same));
    expect(after.has('package5.cab')).toBe(true);
  });
});

describe('the command', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url)), ...args], { encoding: 'utf8' });

  it('prints its counts as JSON', () => {
    const out = join(folder, 'by-command.cab');
    const { status, stdout } = run('--out', out, '--scale', '1/1000', '--month', '2026-07', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(first.generated);
    expect(sha256(readFileSync(out))).toBe(sha256(readFileSync(first.path)));
  });

  it('explains itself, and says what is allowed', () => {
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: npm run full-size') });
    const cases: [string[], string][] = [
      [[], '--out FILE is missing'],
      [['--out', 'x', '--scale', '2'], '--scale is 2, allowed is'],
      [['--out', 'x', '--scale', '1/0'], '--scale is 1/0, allowed is'],
      [['--out', 'x', '--month', '2025-12'], '--month is 2025-12, allowed is 2026-01 to 2035-12'],
      [['--out', 'x', '--seed', '-1'], '--seed'],
      [['--out', 'x', '--colour'], '--colour'],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = run(...args);
      expect({ args, status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
    }
    expect(existsSync('x')).toBe(false);
    const failed = run('--out', join(folder, 'no/such/folder.cab'), '--scale', '1/1000');
    expect(failed).toMatchObject({ status: 1, stderr: expect.stringContaining('ENOENT') });
  });
});
