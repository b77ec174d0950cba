/**
 * The attacks that the specification of TUF names (section 1.5.2 of version 1.0.34), each against the client that agents
 * run, on a repository of this broker's own layout. Each test says which role is refused and why, and that what was
 * believed before is believed still.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildKey } from '#shared/contract/keys.ts';
import { groupCatalog, groupRules, targetPaths } from '#shared/contract/signed-documents.ts';
import type { TrustRole } from '#shared/contract/trust.ts';
import { delegationsOf, keyholdersOf, rootOf, rulesOf } from '#shared/repository/author.ts';
import { openTrustedRepository } from '#shared/repository/client.ts';
import { signFeed, signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { parseMetadata, publicKeyOf, type RoleMetadata, sign, textOf, unsigned } from '#shared/repository/metadata.ts';
import type { RepositoryErrorCode } from '#shared/repository/repository-error.ts';
import { targetDocument, targetEntries } from '#shared/repository/targets.ts';
import type { Signer } from '#shared/signing/port.ts';
import { SignedRepository, throwawaySigner } from '#test/kit/signed-repository.ts';

const day = 86_400_000;
const bookWith = (title: string) => ({
  packages: [{ name: 'base', priority: 0, rules: [{ effect: 'allow' as const, when: { title } }] }],
  assignments: { groups: { pilot: ['base'] }, hosts: {} },
});
const files = [{ sha1: '1'.repeat(40), sha256: '2'.repeat(64), size: 3 }];

let folder: string;
let repository: SignedRepository;
/** Bytes that came over the network. */
let received: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-attack-'));
  received = 0;
  await start();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function start(options: Parameters<typeof SignedRepository.make>[0] = {}): Promise<void> {
  repository = await SignedRepository.make({
    book: bookWith('good'),
    feed: { catalogs: { pilot: files } },
    ...options,
  });
}

/** What a host believes of its rules; all of the version is looked at. */
async function believed(): Promise<unknown> {
  const version = await openTrustedRepository({
    folder: join(folder, 'trust'),
    rootSha256: repository.rootSha256,
    fetch: async (key, maxBytes) => {
      const bytes = await repository.fetch(key, maxBytes);
      received += bytes?.byteLength ?? 0;
      return bytes;
    },
  }).refresh();
  for (const role of ['rules', 'custom', 'agent', 'feed'] as const) await version.metadata(role);
  await version.document(targetPaths.groupCatalog('pilot'), groupCatalog);
  return (await version.document(targetPaths.groupRules('pilot'), groupRules))?.packages[0]?.rules[0]?.when.title;
}

/** Metadata that a host holds, as it is on its disk. */
async function held(): Promise<Readonly<Record<string, string>>> {
  const read = async (role: TrustRole) =>
    [role, await readFile(join(folder, 'trust', `${role}.json`), 'utf8')] as const;
  return Object.fromEntries(
    await Promise.all((['root', 'timestamp', 'snapshot', 'targets', 'rules'] as const).map(read)),
  );
}

/** Expects a refusal, that it changes nothing that was believed of this role, and that it lasts. */
async function refused(code: RepositoryErrorCode | RegExp, role: TrustRole | undefined): Promise<void> {
  const before = await held();
  for (let times = 0; times < 2; times += 1)
    await expect(believed()).rejects.toMatchObject({
      name: 'RepositoryError',
      code: typeof code === 'string' ? code : expect.stringMatching(code),
      role,
    });
  if (role !== undefined && role in before) expect((await held())[role]).toBe(before[role]);
}

const putTimestamp = (timestamp: RoleMetadata<'timestamp'>): void =>
  repository.put({ kind: 'timestamp' }, textOf(timestamp));
const administrator = (): Signer => repository.administrators[0] as Signer;
const online = () => ({ signer: repository.online, now: repository.now() });

/** Signs again with other members. */
async function changed<R extends TrustRole>(
  metadata: RoleMetadata<R>,
  role: R,
  more: Readonly<Record<string, unknown>>,
  ...signers: readonly Signer[]
): Promise<RoleMetadata<R>> {
  const next = unsigned(role, { ...metadata.signed.toJSON(), ...more });
  for (const signer of signers) await sign(next, signer);
  return next;
}

describe('rollback', () => {
  it('of the timestamp', async () => {
    const old = repository.parts.timestamp;
    await repository.publish({ book: bookWith('newer') });
    expect(await believed()).toBe('newer');
    putTimestamp(old);
    await refused('rolled-back', 'timestamp');
  });

  it('of the snapshot, under a newer timestamp', async () => {
    const { snapshot } = repository.parts;
    await repository.publish({ book: bookWith('newer') });
    expect(await believed()).toBe('newer');
    putTimestamp(await signTimestamp(snapshot, 9, online()));
    await refused('rolled-back', 'timestamp');
  });

  it.each(['targets', 'rules', 'custom', 'agent', 'feed'] as const)('of %s, in a newer snapshot', async (role) => {
    const { parts } = repository;
    // One version on, for each role by who signs it.
    const newer =
      role === 'feed'
        ? await signFeed({}, 2, online())
        : await changed(parts[role] as RoleMetadata<'rules'>, role as 'rules', { version: 2 }, administrator());
    await repository.compose(
      { ...parts, [role]: newer },
      role === 'feed' ? (newer as RoleMetadata<'feed'>) : parts.feed,
    );
    await believed();
    await repository.compose(
      { ...repository.parts, [role]: parts[role] },
      role === 'feed' ? parts.feed : repository.parts.feed,
    );
    await refused('rolled-back', 'snapshot');
  });

  it('of the root: one that is not the next is not looked at as it', async () => {
    await believed();
    const again = repository.parts.root;
    repository.put({ kind: 'metadata', role: 'root', version: 2 }, textOf(again));
    await refused('rolled-back', 'root');
  });
});

describe('freeze', () => {
  it.each(['timestamp', 'snapshot', 'feed'] as const)('%s has ended, and nothing newer comes', async (role) => {
    await believed();
    const past = () => new Date(Date.now() - 31 * day);
    const now = repository.now;
    const late = { signer: repository.online, now: past() };
    const { parts } = repository;
    const feed = role === 'feed' ? await signFeed({}, 2, late) : parts.feed;
    repository.parts = { ...parts, feed };
    repository.putMetadata('feed');
    const snapshot = await signSnapshot({ ...parts, feed }, 2, role === 'snapshot' ? late : online());
    repository.putMetadata('snapshot', snapshot);
    putTimestamp(await signTimestamp(snapshot, 2, role === 'timestamp' ? late : online()));
    await refused('expired', role);
    repository.now = now;
  });

  it.each(['rules', 'targets', 'root'] as const)('%s of administrators has ended', async (role) => {
    await believed();
    const expires = '2020-01-01T00:00:00Z';
    const { parts } = repository;
    const ended = await changed(
      parts[role] as RoleMetadata<'rules'>,
      role as 'rules',
      { version: 2, expires },
      administrator(),
    );
    if (role === 'root') repository.putRoot(ended as unknown as RoleMetadata<'root'>);
    else await repository.compose({ ...parts, [role]: ended }, parts.feed);
    // A root that is signed well is the next one to begin with, also when it has ended.
    if (role === 'root') await expect(believed()).rejects.toMatchObject({ code: 'expired', role });
    else await refused('expired', role);
  });
});

describe('mix and match', () => {
  it('a snapshot that the timestamp does not mean', async () => {
    await believed();
    await repository.publish({ book: bookWith('b') });
    const other = await signSnapshot(
      { ...repository.parts, rules: rulesOf(bookWith('c'), 1, new Date()) },
      2,
      online(),
    );
    repository.putMetadata('snapshot', other);
    // Signatures differ in length by a byte or two: it is one or the other.
    await refused(/mixed|too-long/, 'snapshot');
  });

  it('rules that the snapshot does not mean, though an administrator signed them', async () => {
    await believed();
    await repository.publish({ book: bookWith('b') });
    const other = rulesOf(bookWith('c'), 1, new Date());
    await sign(other, administrator());
    repository.putMetadata('rules', other);
    // Signatures differ in length by a byte or two: it is one or the other.
    await expect(believed()).rejects.toMatchObject({ code: expect.stringMatching(/mixed|too-long/), role: 'rules' });
  });

  it('a role that the snapshot leaves out', async () => {
    await believed();
    const { parts } = repository;
    const full = await signSnapshot(parts, 2, online());
    const { 'rules.json': _, ...meta } = (full.signed.toJSON() as { meta: Record<string, unknown> }).meta;
    const without = await changed(full, 'snapshot', { meta }, repository.online);
    repository.putMetadata('snapshot', without);
    putTimestamp(await signTimestamp(without, 2, online()));
    // Which was there before: taking it away is a rollback.
    await expect(believed()).rejects.toMatchObject({
      name: 'RepositoryError',
      role: expect.stringMatching(/snapshot|rules/),
    });
  });
});

describe('wrong keys', () => {
  it.each(['timestamp', 'snapshot', 'targets', 'rules', 'custom', 'agent', 'feed'] as const)(
    '%s is signed by a stranger',
    async (role) => {
      await believed();
      const { parts } = repository;
      const forged = await changed(
        parts[role] as RoleMetadata<'rules'>,
        role as 'rules',
        { version: 2 },
        throwawaySigner(),
      );
      if (role === 'timestamp') putTimestamp(forged as unknown as RoleMetadata<'timestamp'>);
      else if (role === 'snapshot') {
        repository.putMetadata('snapshot', forged);
        putTimestamp(await signTimestamp(forged as unknown as RoleMetadata<'snapshot'>, 2, online()));
      } else {
        const next = { ...parts, [role]: forged };
        await repository.compose(next, next.feed);
      }
      await refused('unsigned', role);
    },
  );

  it.each(['targets', 'rules', 'custom', 'agent'] as const)('%s is signed by the online key', async (role) => {
    await believed();
    const { parts } = repository;
    const forged = await changed(
      parts[role] as RoleMetadata<'rules'>,
      role as 'rules',
      { version: 2 },
      repository.online,
    );
    await repository.compose({ ...parts, [role]: forged }, parts.feed);
    await refused('unsigned', role);
  });

  it('a threshold of two is not met by one who signs twice, nor by a signature that another key made', async () => {
    await rm(folder, { recursive: true });
    await start({ administrators: 3, threshold: 2 });
    await believed();
    const { parts } = repository;
    const keyholders = keyholdersOf(parts.root);
    const one = delegationsOf(keyholders, 2, new Date());
    await sign(one, administrator());
    // The same signature under the id of another administrator.
    const json = JSON.parse(textOf(one)) as { signatures: { keyid: string; sig: string }[] };
    const [, second] = keyholders.administrators;
    json.signatures.push({ keyid: second?.keyId ?? '', sig: json.signatures[0]?.sig ?? '' });
    const copied = parseMetadata('targets', JSON.stringify(json));
    await repository.compose({ ...parts, targets: copied }, parts.feed);
    await refused('unsigned', 'targets');
  });
});

describe('the root', () => {
  it('is followed when enough of the old and of the new administrators signed it', async () => {
    expect(await believed()).toBe('good');
    await repository.rotate({ administrators: [throwawaySigner(), throwawaySigner()], threshold: 2 });
    await repository.publish({ book: bookWith('by the new') });
    expect(await believed()).toBe('by the new');
  });

  it.each(['the old', 'the new'] as const)('is refused when %s administrator did not sign it', async (who) => {
    await believed();
    const next = throwawaySigner();
    const keyholders = keyholdersOf(repository.parts.root);
    const root = rootOf({ ...keyholders, administrators: [publicKeyOf(await next.publicKey())] }, 2, new Date());
    await sign(root, who === 'the old' ? next : administrator());
    repository.putRoot(root);
    await refused('unsigned', 'root');
  });

  it('of before does not count any more: its administrator signs rules in vain', async () => {
    await believed();
    const before = administrator();
    await repository.rotate({ administrators: [throwawaySigner()] });
    expect(await believed()).toBe('good');
    const { parts } = repository;
    const forged = rulesOf(bookWith('by the old'), 9, new Date());
    await sign(forged, before);
    await repository.compose({ ...parts, rules: forged }, parts.feed);
    await refused('unsigned', 'rules');
  });

  it('with other online keys makes what the old ones signed worthless', async () => {
    await believed();
    const before = repository.online;
    await repository.rotate({ online: throwawaySigner() });
    expect(await believed()).toBe('good');
    putTimestamp(await signTimestamp(repository.parts.snapshot, 99, { signer: before, now: new Date() }));
    await refused('unsigned', 'timestamp');
  });
});

describe('endless and oversized', () => {
  it.each([
    ['timestamp', 16_384],
    ['snapshot', 64_000],
    ['rules', 512_000],
    ['root', 512_000],
  ] as const)('%s of more bytes than allowed is given up', async (role, most) => {
    await believed();
    const long = ' '.repeat(most + 1);
    if (role === 'timestamp') repository.put({ kind: 'timestamp' }, long);
    else {
      await repository.publish({ book: bookWith('b') });
      repository.put({ kind: 'metadata', role, version: 2 }, long);
    }
    received = 0;
    await expect(believed()).rejects.toMatchObject({ code: 'too-long', role });
    expect(received).toBeLessThan(most);
  });

  it('a document is asked for with the length that its metadata promises', async () => {
    await believed();
    const [name = ''] = [...repository.objects.keys()].filter((key) => key.startsWith('targets/catalog/'));
    const text = repository.objects.get(name) ?? '';
    repository.objects.set(name, `${text}${' '.repeat(1_000_000)}`);
    await rm(join(folder, 'trust', 'documents'), { recursive: true });
    await expect(believed()).rejects.toMatchObject({ code: 'too-long' });
  });
});

describe('targets', () => {
  it('that were tampered with are refused, and not kept', async () => {
    const [name = ''] = [...repository.objects.keys()].filter((key) => key.startsWith('targets/catalog/'));
    const text = repository.objects.get(name) ?? '';
    repository.objects.set(name, text.replace('1111', '3333'));
    await expect(believed()).rejects.toMatchObject({ code: 'mixed', role: 'feed' });
    await expect(stat(join(folder, 'trust', 'documents'))).rejects.toMatchObject({ code: 'ENOENT' });
    repository.objects.set(name, text);
    expect(await believed()).toBe('good');
  });

  it('that lie on the disk of a host are proved again', async () => {
    await believed();
    const file = join(folder, 'trust', 'documents', 'catalog__pilot.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('1111', '3333'));
    expect(await believed()).toBe('good');
    expect(await readFile(file, 'utf8')).toContain('1111');
  });

  it('inside the metadata are what their digest says', async () => {
    await believed();
    const document = targetDocument(targetPaths.groupRules('pilot'), { version: 1, group: 'pilot', packages: [] });
    const { [document.path]: entry } = targetEntries([document], () => true);
    const lying = {
      ...entry,
      custom: { document: { version: 1, group: 'pilot', packages: bookWith('lie').packages } },
    };
    const { parts } = repository;
    const rules = await changed(
      parts.rules,
      'rules',
      { version: 2, targets: { [document.path]: lying } },
      administrator(),
    );
    await repository.compose({ ...parts, rules }, parts.feed);
    await expect(believed()).rejects.toMatchObject({ code: 'mixed', role: 'rules' });
  });
});

describe('delegations', () => {
  it('do not let the feed speak of rules', async () => {
    await believed();
    const document = targetDocument(targetPaths.groupRules('pilot'), {
      version: 1,
      group: 'pilot',
      packages: bookWith('from the feed').packages,
    });
    await start({ book: { ...bookWith('x'), assignments: { groups: {}, hosts: {} } } });
    await rm(join(folder, 'trust'), { recursive: true });
    const feed = await signFeed(
      targetEntries([document], () => true),
      2,
      online(),
    );
    repository.put({ kind: 'target', path: document.path, sha256: document.sha256 }, document.text);
    await repository.compose(repository.parts, feed);
    // No administrator says anything about the group, so nothing counts in it.
    expect(await believed()).toBeUndefined();
  });

  it('do not let a path climb out of its role', async () => {
    for (const path of ['rules/groups/../../index/wsusscn2.cab', '../rules/book.json', 'rules/groups/a/b.json']) {
      const feed = await signFeed({ [path]: { length: 1, hashes: { sha256: '0'.repeat(64) } } }, 2, online());
      await repository.compose(repository.parts, feed);
      expect(await believed()).toBe('good');
      expect(() => buildKey({ kind: 'target', path, sha256: '0'.repeat(64) })).not.toThrow(TypeError);
    }
    expect(() => buildKey({ kind: 'target', path: 'rules/../x', sha256: '0'.repeat(64) })).toThrow(RangeError);
  });
});
