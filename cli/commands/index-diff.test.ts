import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexCab } from '#local/upstream/cabs/index-cab.ts';
import type { InventedPublication } from '#local/upstream/invent/model.ts';
import { inventPublication } from '#local/upstream/invent/publication.ts';
import { firstMonth } from '#local/upstream/invent/world.ts';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { main } from '../main.ts';

let folder: string;
let january: InventedPublication;
let february: InventedPublication;
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-diff-'));
  january = inventPublication(1, firstMonth);
  february = inventPublication(1, firstMonth + 1);
  await writeFile(path('january.cab'), indexCab(january));
  await writeFile(path('february.cab'), indexCab(february));
  await writeFile(path('broken.cab'), 'this is no cabinet, though it is long enough to be one');
});
afterAll(() => rm(folder, { recursive: true }));

async function diff(...args: readonly string[]) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed) => ({
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const exitCode = await main(['index', 'diff', ...args], {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: {},
  });
  return { exitCode, ...printed };
}

const units = ({ updates }: InventedPublication) =>
  updates.flatMap((update) => (update.kind === 'unit' ? [update] : []));
const without = (from: ReadonlySet<string>, others: ReadonlySet<string>): Set<string> =>
  new Set([...from].filter((id) => !others.has(id)));
const ids = (updates: readonly { readonly updateId: string }[]): Set<string> =>
  new Set(updates.map(({ updateId }) => updateId));

describe('kbroker index diff', () => {
  it('says in words what the later month brought, by KB and the newest first', async () => {
    const { exitCode, stdout, stderr } = await diff(path('january.cab'), path('february.cab'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const added = units(february).filter(({ updateId }) => !ids(january.updates).has(updateId));
    expect(stdout).toMatch(/^Before {6}.*january\.cab: wsusscn2, .*\nAfter {7}.*february\.cab/);
    expect(stdout).toContain('they differ');
    expect(stdout).toMatch(new RegExp(`^New {9}${added.length} updates to install \\(\\d+ KBs\\)`, 'm'));
    // Month after month the older updates of a series get one superseder more: counted, and not listed.
    expect(stdout).toMatch(/^Changed {5}([1-9]\d*) updates to install .*; \1 of them only in what supersedes them$/m);
    expect(stdout).not.toContain('\nChanged updates');
    expect(stdout).toMatch(/^Renumbered {2}[1-9]\d* updates with another RevisionId, which is no news$/m);
    const [, listed = ''] = stdout.split('\nNew updates\n');
    const dates = [...(listed.split('\n\n')[0] ?? '').matchAll(/^ {2}(\d{4}-\d\d-\d\d) {2}KB/gm)].map(
      ([, date]) => date,
    );
    expect(dates.length).toBeGreaterThan(3);
    expect(dates).toEqual(dates.toSorted().reverse());
  });

  it('prints JSON with the whole lists', async () => {
    const { exitCode, stdout } = await diff(path('january.cab'), path('february.cab'), '--json');
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    const [before, after] = [ids(january.updates), ids(february.updates)];
    expect(document).toMatchObject({
      version: 1,
      same: false,
      before: { packageId: january.packageId, files: january.files.length },
      after: { packageId: february.packageId, files: february.files.length },
    });
    expect(ids(document.added)).toEqual(without(after, before));
    expect(ids(document.withdrawn)).toEqual(without(before, after));
    const digests = (files: readonly { readonly sha1: string }[]) => new Set(files.map(({ sha1 }) => sha1));
    expect(digests(document.files.added)).toEqual(without(digests(february.files), digests(january.files)));
    expect(document.bytes.added).toBe(
      february.files.filter(({ sha1 }) => !digests(january.files).has(sha1)).reduce((sum, { size }) => sum + size, 0),
    );
  });

  it('of one index with itself is the same, and ends well', async () => {
    const { exitCode, stdout } = await diff(path('january.cab'), path('january.cab'));
    expect(exitCode).toBe(0);
    expect(stdout).toContain('the same updates and files');
    expect(stdout).toMatch(/^New {9}0 updates to install \(0 KBs\), 0 parts of bundles, 0 categories and detectoids$/m);
    expect(stdout).toMatch(/^Renumbered {2}0 updates/m);
    expect(JSON.parse((await diff(path('january.cab'), path('january.cab'), '--json')).stdout)).toMatchObject({
      same: true,
      renumbered: 0,
      added: [],
      files: { added: [], changed: [], gone: [] },
    });
  });

  it('takes the index out of a package (.msu)', async () => {
    const members = [{ name: 'WSUSSCAN.cab', data: indexCab(february) }];
    await writeFile(path('february.msu'), encodeCab({ members, compression: 'mszip' }));
    const { stdout } = await diff(path('february.cab'), path('february.msu'));
    expect(stdout).toMatch(/^After {7}.*february\.msu: its WSUSSCAN\.cab, wsusscn2, /m);
    expect(stdout).toContain('the same updates and files');
    expect(JSON.parse((await diff(path('february.cab'), path('february.msu'), '--json')).stdout)).toMatchObject({
      after: { file: path('february.msu'), member: 'WSUSSCAN.cab' },
    });
  });

  it('lists some KBs, and all on demand', async () => {
    await writeFile(
      path('small.cab'),
      indexCab({
        ...january,
        updates: january.updates.filter(({ kind }) => kind !== 'unit' && kind !== 'payload'),
        files: [],
      }),
    );
    const some = await diff(path('small.cab'), path('february.cab'));
    expect(some.stdout).toMatch(/^ {2}and [1-9]\d* older KBs; --all lists them$/m);
    const all = await diff(path('small.cab'), path('february.cab'), '--all');
    expect(all.stdout).not.toContain('--all');
    expect(all.stdout.split('\n').length).toBeGreaterThan(some.stdout.split('\n').length);
  });

  it.each([
    ['missing.cab', /missing\.cab: no such file/],
    ['broken.cab', /broken\.cab: .*MSCF/],
    ['.', /: is a folder, not a file/],
  ])('ends with 1 and one line when %s cannot be read', async (name, message) => {
    const { exitCode, stdout, stderr } = await diff(path('january.cab'), path(name));
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
