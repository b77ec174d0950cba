import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { indexFile } from './input.ts';
import { parseOptions } from './options.ts';
import { buildPeer } from './peer.ts';

const probe = '#include <mspack.h>\n#include <expat.h>\nint main(void) { return 0; }\n';
const compiler = 'gcc';
const canBuild =
  spawnSync(compiler, ['-x', 'c', '-', '-o', '/dev/null', '-lmspack', '-lexpat'], { input: probe }).status === 0;
if (!canBuild) {
  const message = 'the peer in C cannot be built (Debian: gcc libc6-dev libmspack-dev libexpat1-dev)';
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: an index is not read by libmspack and expat: ${message}\n\n`);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbroker-peer-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let peerBuilt: Promise<string> | undefined;
/** The peer, compiled once for all tests. */
const built = (): Promise<string> => (peerBuilt ??= buildPeer({ cacheFolder: folder }));

/** Runs a program that prints one line of JSON. */
function counts(command: string, ...args: string[]): Record<string, number> {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, number>;
}

/** An index of one update with one file. */
function indexWith({ revision, file }: { readonly revision: string; readonly file: string }): Uint8Array {
  const id = '0f1e2d3c-0000-4000-8000-000000000001';
  const xml = `<OfflineSyncPackage PackageId="${id}" CreationDate="2026-07-14T13:54:06Z" xmlns="http://schemas.microsoft.com/msus/2004/02/OfflineSync"><Updates><Update CreationDate="2026-07-14T13:54:06Z" UpdateId="${id}" RevisionNumber="1" ${revision} IsLeaf="true" DeploymentAction="Bundle"><PayloadFiles><${file} /></PayloadFiles></Update></Updates></OfflineSyncPackage>`;
  const inner = encodeCab({ members: [{ name: 'package.xml', data: Buffer.from(xml) }], compression: 'mszip' });
  return encodeCab({ members: [{ name: 'package.cab', data: inner }], compression: 'stored' });
}

const ours = (mode: string, path: string) =>
  counts(process.execPath, join(import.meta.dirname, 'runner.ts'), mode, path);

describe.skipIf(!canBuild)('the peer in C', () => {
  it('counts what our reader counts and what the generator wrote, in every mode', async () => {
    const context = { cacheFolder: folder, progress: () => undefined };
    const peer = await built();
    const { path, generated } = await indexFile({ scale: 1 / 2000, seed: 3 }, context);
    for (const mode of ['package', 'decode', 'selective', 'full']) {
      const theirs = counts(peer, mode, path);
      expect({ mode, ...theirs }).toMatchObject({ mode, ...ours(mode, path) });
      if (mode === 'decode') expect(theirs.bytes).toBe(generated.unpackedBytes);
      else expect(theirs).toMatchObject({ updates: generated.updates, locations: generated.fileLocations });
      if (mode === 'full') expect(theirs).toMatchObject(ours('tokens', path));
      // Of core fragments only the front, and one language of 37.
      if (mode === 'selective') expect(theirs.files).toBeLessThan(3 * generated.updates);
    }
  });

  it.each([
    ['RevisionId=" +5"', 'not a number:  +5'],
    ['RevisionId="-1"', 'not a number: -1'],
    ['RevisionId="0x10"', 'not a number: 0x10'],
    ['RevisionId=""', 'not a number: '],
    [`File Id="${Buffer.alloc(32).toString('base64')}"`, 'a digest of another length'],
    [`File Id="${Buffer.alloc(20).toString('base64')}abcd"`, 'a digest of another length'],
    [`File Id="${Buffer.alloc(21).toString('base64')}"`, 'not base64'],
    [`File Id="${'='.repeat(28)}"`, 'not base64'],
  ])('takes no value that our reader refuses: %s', async (wrong, message) => {
    const peer = await built();
    const path = join(folder, 'values.cab');
    const right = { revision: 'RevisionId="5"', file: `File Id="${Buffer.alloc(20).toString('base64')}"` };
    const readBoth = (changed: Partial<typeof right>) => {
      writeFileSync(path, indexWith({ ...right, ...changed }));
      const runner = join(import.meta.dirname, 'runner.ts');
      return [
        spawnSync(peer, ['package', path], { encoding: 'utf8' }),
        spawnSync(process.execPath, [runner, 'package', path], { encoding: 'utf8' }),
      ] as const;
    };
    for (const { status } of readBoth({})) expect(status).toBe(0);
    const [theirs, ours] = readBoth(wrong.startsWith('File') ? { file: wrong } : { revision: wrong });
    expect(theirs).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
    expect(ours.status).toBe(1);
  });

  it('says what is wrong', async () => {
    const peer = await built();
    expect(spawnSync(peer, ['all', 'x']).status).toBe(2);
    expect(spawnSync(peer, ['full', join(folder, 'missing')])).toMatchObject({ status: 1 });
    expect(spawnSync(peer, ['full', import.meta.filename], { encoding: 'utf8' }).stderr).toContain('cannot be opened');
  });
});

describe('the benchmark', () => {
  it('makes an index again only when it is not there as it was', async () => {
    const said: string[] = [];
    const context = { cacheFolder: folder, progress: (line: string) => void said.push(line) };
    const first = await indexFile({ scale: 1 / 2000, seed: 4 }, context);
    expect(said.length).toBeGreaterThan(0);
    said.length = 0;
    expect(await indexFile({ scale: 1 / 2000, seed: 4 }, context)).toEqual(first);
    expect(said).toEqual([]);
    rmSync(first.path);
    expect(await indexFile({ scale: 1 / 2000, seed: 4 }, context)).toEqual(first);
    expect(said.length).toBeGreaterThan(0);
  });

  it('says which arguments it takes', () => {
    expect(parseOptions(['--scale', '1/8', '--seed', '7', '--runs', '3'])).toEqual({ scale: 0.125, seed: 7, runs: 3 });
    expect(parseOptions([])).toEqual({ scale: 1, seed: 1, runs: 1 });
    expect(() => parseOptions(['--scale', '8'])).toThrow('--scale is 8, allowed is');
    expect(() => parseOptions(['--runs', '0'])).toThrow('--runs is 0, allowed is a whole number from 1 on');
    expect(() => parseOptions(['--colour'])).toThrow('--colour');
  });
});
