import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupCatalog, groupRules, indexFacts, targetPaths } from '#shared/contract/signed-documents.ts';
import { openTrustedRepository, type TrustedRepository } from '#shared/repository/client.ts';
import { SignedRepository } from '#test/kit/signed-repository.ts';

const pilot = (title: string) => ({
  packages: [
    {
      name: 'base',
      priority: 0,
      rules: [{ effect: 'allow' as const, when: { title } }],
      settings: { defaultAllow: false },
    },
  ],
  assignments: { groups: { pilot: ['base'] }, hosts: {} },
});
const index = { sha256: 'a'.repeat(64), bytes: 5, publishedAt: '2026-11-26T00:00:00Z' };
const files = [{ sha1: '1'.repeat(40), sha256: '2'.repeat(64), size: 3 }];

let folder: string;
let repository: SignedRepository;
let client: TrustedRepository;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-'));
  repository = await SignedRepository.make({ book: pilot('a*'), feed: { index, catalogs: { pilot: files } } });
  client = open();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (rootSha256 = repository.rootSha256): TrustedRepository =>
  openTrustedRepository({ folder: join(folder, 'trust'), rootSha256, fetch: repository.fetch });

const titleFor = async (): Promise<unknown> => {
  const version = await client.refresh();
  const rules = await version.document(targetPaths.groupRules('pilot'), groupRules);
  return rules?.packages[0]?.rules[0]?.when.title;
};

describe('the client of the signed repository', () => {
  it('begins with the pinned root, and reads rules, index and catalogue', async () => {
    const version = await client.refresh();
    expect(await version.document(targetPaths.groupRules('pilot'), groupRules)).toMatchObject({ group: 'pilot' });
    expect(await version.document(targetPaths.groupRules('nobody'), groupRules)).toBeUndefined();
    const target = await version.target(targetPaths.index);
    expect(target).toMatchObject({ length: 5, sha256: index.sha256 });
    expect(indexFacts.safeParse(target?.custom).success).toBe(true);
    expect(await version.document(targetPaths.groupCatalog('pilot'), groupCatalog)).toMatchObject({ files });
    expect((await version.metadata('rules')).signed.version).toBe(1);
    expect((await version.metadata('root')).signed.version).toBe(1);
  });

  it('asks twice when nothing changed, and four times when a rule did', async () => {
    await titleFor();
    repository.asked.length = 0;
    expect(await titleFor()).toBe('a*');
    expect(repository.asked).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
    await repository.publish({ book: pilot('b*') });
    repository.asked.length = 0;
    expect(await titleFor()).toBe('b*');
    expect(repository.asked).toEqual([
      'metadata/2.root.json',
      'metadata/timestamp.json',
      'metadata/2.snapshot.json',
      'metadata/2.rules.json',
    ]);
  });

  it('reads a document once for each digest, and keeps one for each path', async () => {
    const read = async () =>
      (await client.refresh()).document(targetPaths.groupCatalog('pilot'), groupCatalog).then((it) => it?.files.length);
    expect(await read()).toBe(1);
    repository.asked.length = 0;
    expect(await read()).toBe(1);
    expect(repository.asked.filter((key) => key.startsWith('targets/'))).toEqual([]);
    await repository.publish({ feed: { index, catalogs: { pilot: [] } } });
    expect(await read()).toBe(0);
    expect(await readdir(join(folder, 'trust', 'documents'))).toEqual(['catalog__pilot.json']);
  });

  it('documents that are large together are objects of their own', async () => {
    const long = Array.from({ length: 60 }, (_, n) => ({
      effect: 'allow' as const,
      when: { title: `${'x'.repeat(60)}${n}` },
    }));
    const book = pilot('a*');
    await repository.publish({ book: { ...book, packages: [{ name: 'base', priority: 0, rules: long }] } });
    const version = await client.refresh();
    expect((await version.document(targetPaths.groupRules('pilot'), groupRules))?.packages[0]?.rules).toHaveLength(60);
    expect(repository.asked.at(-1)).toMatch(/^targets\/rules\/groups\/[0-9a-f]{64}\.pilot\.json$/);
  });

  it('begins again from the pinned root when a crash left half of a file, whatever file it is', async () => {
    expect(await titleFor()).toBe('a*');
    for (const name of await readdir(join(folder, 'trust'))) {
      if (!name.endsWith('.json')) continue;
      await writeFile(join(folder, 'trust', name), '{"signa');
      expect(await titleFor(), name).toBe('a*');
    }
  });

  it('begins anew with another pinned root', async () => {
    await titleFor();
    repository = await SignedRepository.make({ book: pilot('c*') });
    client = open();
    expect(await titleFor()).toBe('c*');
  });

  it('throws on what went wrong on the way as it was', async () => {
    const wrong = new Error('no connection');
    client = openTrustedRepository({
      folder: join(folder, 'trust'),
      rootSha256: repository.rootSha256,
      fetch: async (key, maxBytes) => {
        if (key.kind === 'metadata' && key.role === 'snapshot') throw wrong;
        return repository.fetch(key, maxBytes);
      },
    });
    await expect(client.refresh()).rejects.toBe(wrong);
  });

  it('follows a chain of roots to the newest', async () => {
    await titleFor();
    for (let n = 0; n < 3; n++) await repository.rotate({});
    expect(await titleFor()).toBe('a*');
    expect((await (await client.refresh()).metadata('root')).signed.version).toBe(4);
  });
});
