import { describe, expect, it } from 'vitest';
import type { CustomDocument, PackageAssignments, PackageManifestDocument } from '#shared/contract/packages.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { parseMetadata, type RoleMetadata, unsigned } from './metadata.ts';
import { checkPackages, listPackages, manifestTarget, noAssignments, signedPackages } from './packages.ts';

const now = new Date('2026-01-01T00:00:00Z');
const signer = throwawaySigner();
const manifest = (name: string, changes: Partial<PackageManifestDocument> = {}): PackageManifestDocument => ({
  version: 1,
  name,
  packageVersion: '1.0',
  kind: 'command',
  title: name,
  files: [{ name: 'a.exe', sha256: 'a'.repeat(64), size: 3 }],
  command: { program: '{file:a.exe}', arguments: [] },
  detection: { kind: 'file', path: 'C:\\a' },
  prerequisites: {},
  exitCodes: { success: [0], restart: [], notNeeded: [] },
  reboot: 'never',
  timeoutSeconds: 60,
  publishedAt: '2026-01-01T00:00:00Z',
  ...changes,
});
const empty = unsigned('custom', { version: 1, expires: '2027-01-01T00:00:00Z', targets: {} });

/** The role with these packages, and what travels with it. */
async function made(
  packages: readonly PackageManifestDocument[],
  assignments: PackageAssignments = noAssignments,
): Promise<{ readonly custom: RoleMetadata<'custom'>; readonly contents: CustomDocument[] }> {
  const targets = packages.map(manifestTarget);
  const manifests = Object.fromEntries(targets.map(({ document, entry }) => [document.path, entry]));
  const { text, book } = await signedPackages({ manifests, assignments }, { version: 2, signer, now });
  const contents = [book, ...targets.map(({ document }) => document)].map(({ path, text: said }) => ({
    path,
    text: said,
  }));
  return { custom: parseMetadata('custom', text), contents };
}

describe('packages that came along', () => {
  const pilots = { groups: { pilots: ['one/1.0'] }, hosts: { 'pc-1': ['two/1.0'] } };

  it('are written with all that follows from them', async () => {
    const { custom, contents } = await made([manifest('one'), manifest('two')], pilots);
    const written = checkPackages(custom, empty, contents);
    expect(written.map(({ path }) => path)).toEqual([
      'custom/packages/one-1.0.json',
      'custom/packages/two-1.0.json',
      'custom/book.json',
      'custom/groups/pilots.json',
      expect.stringMatching(/^custom\/hosts\/[0-9a-f]\.json$/),
    ]);
    expect(listPackages(custom)).toMatchObject([
      { name: 'one', packageVersion: '1.0', kind: 'command', files: [{ size: 3 }] },
      { name: 'two' },
    ]);
    expect(checkPackages(custom, custom), 'signed again, it names nothing new').toEqual([]);
  });

  it('that are there already need not come again', async () => {
    const before = await made([manifest('one')]);
    const { custom, contents } = await made([manifest('one'), manifest('two')], pilots);
    const without = contents.filter(({ path }) => path !== 'custom/packages/one-1.0.json');
    expect(checkPackages(custom, before.custom, without)[0]?.path).toBe('custom/packages/two-1.0.json');
  });

  it('are refused when one is missing, or is another than its name, digest or facts say', async () => {
    const { custom, contents } = await made([manifest('one')]);
    const [book = { path: '', text: '' }, one = { path: '', text: '' }] = contents;
    const check = (...given: CustomDocument[]) => checkPackages(custom, empty, given);
    expect(() => check(book)).toThrow('custom/packages/one-1.0.json is new and did not come along');
    expect(() => check(one)).toThrow('custom/book.json did not come along');
    expect(() => check(book, { ...one, text: one.text.replace('{file:a.exe}', 'evil.exe') })).toThrow(
      'is not what custom says of it',
    );
    expect(() => check(book, { ...one, text: '{}' })).toThrow('is not of the agreed shape');
    const { document } = manifestTarget(manifest('two'));
    expect(() => check(book, { ...one, text: document.text })).toThrow('belongs at custom/packages/two-1.0.json');
  });

  it('need not come again after somebody published what no administrator signed', async () => {
    const { custom, contents } = await made([manifest('one')]);
    expect(checkPackages(custom, undefined)).toEqual([]);
    const [book = { path: '', text: '' }] = contents;
    expect(checkPackages(custom, undefined, [book]).map(({ path }) => path)).toEqual(['custom/book.json']);
  });

  it('never change in place', async () => {
    const before = await made([manifest('one')]);
    const { custom, contents } = await made([manifest('one', { title: 'other' })]);
    expect(() => checkPackages(custom, before.custom, contents)).toThrow(/is there with another content/);
  });

  it('are not assigned without being signed, nor signed for others than the book says', async () => {
    const lost = await made([], { groups: { pilots: ['gone/1'] }, hosts: {} });
    expect(() => checkPackages(lost.custom, empty, lost.contents)).toThrow(
      'gone/1 is assigned, and no such package is signed',
    );
    const { custom } = await made([manifest('one')], { groups: { pilots: ['one/1.0'] }, hosts: {} });
    const { contents } = await made([manifest('one')]);
    expect(() => checkPackages(custom, empty, contents)).toThrow('names other documents than those that follow');
  });

  it('are at most as many as a role may name, in words', async () => {
    const many = Array.from({ length: 499 }, (_, number) => manifest(`p${number}`));
    await expect(made(many)).rejects.toThrow(/499 versions of packages.* are 500 signed documents; at most 499/);
  });
});
