import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildKey } from '#shared/contract/keys.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { groupCatalog, groupRules, targetPaths } from '#shared/contract/signed-documents.ts';
import type { SignedDocument } from '#shared/contract/trust.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import {
  addSignature,
  documentsForKeyholders,
  initialDocuments,
  type Keyholders,
  keyholdersOf,
  rulesOf,
  signedRules,
} from '#shared/repository/author.ts';
import { openTrustedRepository } from '#shared/repository/client.ts';
import { signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { publicKeyOf, sha256Of, sign, textOf } from '#shared/repository/metadata.ts';
import { readPublished } from '#shared/repository/published.ts';
import type { Signer } from '#shared/signing/port.ts';
import type { RepositoryStore } from '#shared/stores/repository/port.ts';
import { MemoryPayloadCleaning } from '#test/kit/memory-cleaning.ts';
import { MemoryIndexStore } from '#test/kit/memory-index.ts';
import { MemoryRepositoryStore } from '#test/kit/memory-repository.ts';
import { MemoryRuleStore } from '#test/kit/memory-rules.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from '#test/kit/memory-stores.ts';
import { fleetHostOf } from '#test/kit/operators-api.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { at, catalogOf, guid, pointerOf, sha1, sha256, unit } from '#test/kit/values.ts';
import type { PublishPorts } from './ports.ts';
import { publishRepository } from './publish-repository.ts';

const hour = 3_600_000;
const rules = { version: 1, kind: 'rules' } as const;
const feed = { version: 1, kind: 'feed' } as const;
const bookWith = (title: string): RuleBook => ({
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { title } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: {} },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-publish-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A publisher on memory stores, its clock, and an administrator. */
function setting() {
  const clock = { now: Math.floor(Date.now() / 1000) * 1000 };
  const administrator = throwawaySigner();
  const fleet = { asOf: clock.now, partitions: [] as FleetPartition[] };
  const ports = {
    repository: new MemoryRepositoryStore(),
    signer: throwawaySigner(),
    rules: new MemoryRuleStore(),
    index: new MemoryIndexStore(),
    catalog: new MemoryCatalogStore(),
    payloads: new MemoryPayloadStore(),
    fleet: { current: async () => fleet },
    now: () => new Date(clock.now),
  } satisfies PublishPorts;
  const asked: string[] = [];
  let root = '';
  const documents = async (signers: readonly Signer[] = [administrator], threshold = 1) => {
    const { book, revision } = await ports.rules.get();
    const made = await initialDocuments({
      signers,
      threshold,
      onlineKey: await ports.signer.publicKey(),
      book,
      revision,
      now: ports.now(),
    });
    root = sha256Of(made[0]?.text ?? '');
    await ports.rules.putSigned(revision, made.find(({ role }) => role === 'rules')?.text ?? '');
    return made.filter(({ role }) => role !== 'rules');
  };
  /** What a host that pinned the first root reads; another folder is another host. */
  const read = (host = 'pc') =>
    openTrustedRepository({
      folder: join(folder, host),
      rootSha256: root,
      fetch: async (key) => {
        asked.push(buildKey(key));
        const text = await ports.repository.read(key);
        return text === undefined ? undefined : Buffer.from(text);
      },
    }).refresh();
  const titles = async (host?: string) => {
    const found = await (await read(host)).document(targetPaths.groupRules('pilots'), groupRules);
    return found?.packages[0]?.rules[0]?.when.title;
  };
  const send = (change: readonly SignedDocument[]) =>
    publishRepository(ports, { version: 1, kind: 'documents', documents: [...change] });
  return {
    clock,
    ports,
    administrator,
    fleet,
    asked,
    documents,
    send,
    initialize: async () => send(await documents()),
    /** Writes rules as the API does. */
    async putRules(book: RuleBook, signer = administrator) {
      const { revision } = await ports.rules.get();
      const signed = await signedRules(book, revision + 1, signer, ports.now());
      await ports.rules.put({ book, changedAt: at(1), changedBy: 'ada', signed }, revision);
    },
    read,
    titles,
  };
}

const keyOf = async (signer: Signer) => publicKeyOf(await signer.publicKey());
const change = async (of: ReturnType<typeof setting>, next: Partial<Keyholders>, signers: readonly Signer[]) => {
  const current = await readPublished((key) => of.ports.repository.read(key));
  if (current === undefined) throw new Error('there is no repository');
  const { book, revision } = await of.ports.rules.get();
  let made = await documentsForKeyholders(
    current,
    { ...keyholdersOf(current.root), ...next },
    { signer: signers[0] as Signer, book, now: of.ports.now() },
  );
  for (const other of signers.slice(1)) made = await addSignature(made, other);
  const signed = made.find(({ role }) => role === 'rules')?.text;
  await of.ports.rules.put({ book, changedAt: at(1), changedBy: 'ada', signed }, revision);
  return of.send(made.filter(({ role }) => role !== 'rules'));
};

describe('the publisher', () => {
  it('waits for administrators', async () => {
    const { ports } = setting();
    expect(await publishRepository(ports, feed)).toEqual({ outcome: 'uninitialized' });
    expect(ports.repository.files.size).toBe(0);
  });

  it('publishes a first version that hosts believe, once', async () => {
    const { initialize, ports, read, send, documents } = setting();
    expect(await initialize()).toMatchObject({ outcome: 'published', version: 1 });
    expect((await (await read()).metadata('rules')).signed.version).toBe(1);
    const before = new Map(ports.repository.files);
    expect(await publishRepository(ports, feed)).toMatchObject({ outcome: 'unchanged', version: 1 });
    // The message again, and another first version of somebody who was slower.
    expect(await send(await documents())).toMatchObject({ outcome: 'refused' });
    expect(ports.repository.files).toEqual(before);
  });

  it('publishes rules that an administrator signed, and no others', async () => {
    const { initialize, putRules, ports, titles } = setting();
    await initialize();
    await putRules(bookWith('a*'));
    expect(await publishRepository(ports, rules)).toMatchObject({ outcome: 'published', version: 2 });
    expect(await titles()).toBe('a*');
    expect(await publishRepository(ports, rules)).toMatchObject({ outcome: 'unchanged' });
    // Somebody who can write to the table, and not sign.
    await putRules(bookWith('*'), ports.signer);
    expect(await publishRepository(ports, rules)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/rules of version 3 has 0 of 1 signatures/),
    });
    expect(await titles()).toBe('a*');
    await putRules(bookWith('b*'));
    expect(await publishRepository(ports, rules)).toMatchObject({ outcome: 'published' });
    expect(await titles()).toBe('b*');
  });

  it('names the index, and files that are held and needed, for each group', async () => {
    const { initialize, ports, fleet, read, putRules } = setting();
    await initialize();
    const files = [sha1('held'), sha1('missing')];
    await ports.catalog.putFacts(catalogOf([unit(1, { payload: files })]), { previous: undefined, at: at(0) });
    const held = { sha1: sha1('held'), sha256: sha256('held'), size: 4, heldAt: at(3) };
    await ports.payloads.record(held);
    const pointer = pointerOf(sha256('index'));
    await ports.index.moveCurrent(pointer, undefined);
    const { partition } = new FleetPartition().apply(
      [
        { kind: 'host', host: fleetHostOf('pc-1') },
        {
          kind: 'report',
          report: {
            machineId: 'pc-1',
            reportVersion: 1,
            reportedAt: Date.parse(at(3)),
            updates: [{ updateId: guid(1), revision: 200, kbs: ['5000001'], state: 'MISSING' }],
          },
        },
      ],
      Date.now(),
    );
    fleet.partitions = [partition];
    expect(await publishRepository(ports, feed)).toMatchObject({ outcome: 'published' });
    const version = await read();
    expect(await version.target(targetPaths.index)).toMatchObject({
      sha256: pointer.sha256,
      length: pointer.bytes,
      custom: { publishedAt: pointer.publishedAt },
    });
    expect(await version.document(targetPaths.groupCatalog('pilots'), groupCatalog)).toEqual({
      version: 1,
      group: 'pilots',
      files: [{ sha1: held.sha1, sha256: held.sha256, size: 4 }],
    });
    expect(await publishRepository(ports, feed)).toMatchObject({ outcome: 'unchanged' });
    // A change of the rules in between leaves that for the next sweep.
    await ports.index.moveCurrent(pointerOf(sha256('next index')), ports.index.pointer?.tag);
    await putRules(bookWith('a*'));
    expect(await publishRepository(ports, rules)).toMatchObject({ outcome: 'published' });
    expect((await (await read()).target(targetPaths.index))?.sha256).toBe(pointer.sha256);
    await publishRepository(ports, feed);
    expect((await (await read()).target(targetPaths.index))?.sha256).toBe(sha256('next index'));
    // A file that was retired is left out, though its bytes are there.
    const cleaning = new MemoryPayloadCleaning(ports.payloads);
    await cleaning.retire((await cleaning.list('held', { limit: 9 })).items, at(9));
    expect(await publishRepository(ports, feed)).toMatchObject({ outcome: 'published' });
    expect(await (await read()).document(targetPaths.groupCatalog('pilots'), groupCatalog)).toBeUndefined();
  });

  it('signs again what is a day old, and the feed each week, before anything of it ends', async () => {
    const { initialize, ports, clock } = setting();
    await initialize();
    clock.now += 23 * hour;
    expect(await publishRepository(ports, feed)).toMatchObject({ outcome: 'unchanged', ageSeconds: 23 * 3600 });
    clock.now += hour;
    expect(await publishRepository(ports, feed)).toMatchObject({ outcome: 'published', version: 2, ageSeconds: 0 });
    const feedVersion = async () => (await readPublished((key) => ports.repository.read(key)))?.feed.signed.version;
    expect(await feedVersion()).toBe(1);
    clock.now += 6 * 24 * hour;
    await publishRepository(ports, feed);
    expect(await feedVersion()).toBe(2);
  });

  it('goes on after a run that died at any write, and hosts always see a whole version', async () => {
    for (let writes = 0; ; writes += 1) {
      const { initialize, ports, putRules, titles } = setting();
      await initialize();
      await putRules(bookWith('a*'));
      let left = writes;
      const { repository } = ports;
      const spend = (): void => {
        left -= 1;
        if (left < 0) throw new Error('killed');
      };
      const dying: RepositoryStore = {
        read: (key) => repository.read(key),
        timestamp: () => repository.timestamp(),
        create: async (...file) => {
          spend();
          return repository.create(...file);
        },
        moveTimestamp: async (...file) => {
          spend();
          return repository.moveTimestamp(...file);
        },
      };
      const died = await publishRepository({ ...ports, repository: dying }, rules).then(
        () => false,
        () => true,
      );
      expect([undefined, 'a*']).toContain(await titles(`before ${writes}`));
      await putRules(bookWith('b*'));
      expect(await publishRepository(ports, rules)).toMatchObject({ outcome: 'published' });
      expect(await titles(`after ${writes}`)).toBe('b*');
      if (died) continue;
      expect(writes).toBeGreaterThan(4);
      return;
    }
  });

  it('of four at once all come to the same, and one wins', async () => {
    const { initialize, ports, putRules, titles } = setting();
    await initialize();
    await putRules(bookWith('a*'));
    const runs = await Promise.allSettled([1, 2, 3, 4].map(() => publishRepository(ports, rules)));
    expect(runs.filter((run) => run.status === 'fulfilled' && run.value.outcome === 'published')).toHaveLength(1);
    expect(await titles()).toBe('a*');
    expect(await publishRepository(ports, rules)).toMatchObject({ outcome: 'unchanged', version: 2 });
  });
});

describe('after the role of the publisher was stolen', () => {
  /** Signs other rules online, and all that makes hosts find them. */
  async function forge(of: ReturnType<typeof setting>, revision: number): Promise<void> {
    const current = await readPublished((key) => of.ports.repository.read(key));
    if (current === undefined) throw new Error('there is no repository');
    const forged = rulesOf(bookWith('*'), revision, of.ports.now());
    await sign(forged, of.ports.signer);
    const online = { signer: of.ports.signer, now: of.ports.now() };
    const version = current.snapshot.signed.version + 1;
    const snapshot = await signSnapshot({ ...current, rules: forged }, version, online);
    const timestamp = await signTimestamp(snapshot, current.timestamp.signed.version + 1, online);
    const { repository } = of.ports;
    await repository.create({ kind: 'metadata', role: 'rules', version: forged.signed.version }, textOf(forged));
    await repository.create({ kind: 'metadata', role: 'snapshot', version }, textOf(snapshot));
    await repository.moveTimestamp(textOf(timestamp), (await repository.timestamp())?.tag);
  }

  it('the next change takes the place of what was forged; who saw it comes back once the online key is another', async () => {
    const of = setting();
    await of.initialize();
    await of.putRules(bookWith('a*'));
    await publishRepository(of.ports, rules);
    expect(await of.titles('saw it')).toBe('a*');
    await forge(of, 90);
    await expect(of.titles('saw it')).rejects.toMatchObject({ code: 'unsigned', role: 'rules' });
    await of.putRules(bookWith('b*'));
    expect(await publishRepository(of.ports, rules)).toMatchObject({ outcome: 'published' });
    expect(await of.titles('came later')).toBe('b*');
    // It believed a snapshot that names a later version: an older one would be a rollback.
    await expect(of.titles('saw it')).rejects.toMatchObject({ code: 'rolled-back' });
    const old = of.ports.signer;
    const { publicKey, sign: signs } = throwawaySigner();
    of.ports.signer = { publicKey, sign: signs };
    const [before, after] = [await keyOf(old), await keyOf(of.ports.signer)];
    expect(await change(of, { online: [before, after] }, [of.administrator])).toMatchObject({ outcome: 'published' });
    expect(await change(of, { online: [after] }, [of.administrator])).toMatchObject({ outcome: 'published' });
    expect(await of.titles('saw it')).toBe('b*');
    expect(await of.titles('came later')).toBe('b*');
  });

  it('a number that was taken is named, and the next one goes on', async () => {
    const of = setting();
    await of.initialize();
    await forge(of, 1);
    await of.putRules(bookWith('a*'));
    expect(await publishRepository(of.ports, rules)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/rules of version 2 is there already, with other bytes: sign the next one/),
    });
    await of.putRules(bookWith('b*'));
    expect(await publishRepository(of.ports, rules)).toMatchObject({ outcome: 'published' });
    expect(await of.titles()).toBe('b*');
  });
});

describe('keyholders', () => {
  it('change: hosts of before follow, and new ones begin with the first root', async () => {
    const of = setting();
    await of.initialize();
    await of.read('old');
    const second = throwawaySigner();
    const both = [of.administrator, second];
    expect(await change(of, { administrators: await Promise.all(both.map(keyOf)) }, both)).toMatchObject({
      outcome: 'published',
    });
    const alone = { administrators: [await keyOf(second)] };
    expect(await change(of, alone, both)).toMatchObject({ outcome: 'published' });
    await of.putRules(bookWith('c*'), second);
    expect(await publishRepository(of.ports, rules)).toMatchObject({ outcome: 'published' });
    expect(await of.titles('old')).toBe('c*');
    expect(await of.titles('new')).toBe('c*');
    expect((await (await of.read('new')).metadata('root')).signed.version).toBe(3);
    await of.putRules(bookWith('d*'), of.administrator);
    expect(await publishRepository(of.ports, rules)).toMatchObject({ outcome: 'refused' });
    expect(await of.titles('old')).toBe('c*');
  });

  it('that do not count change nothing, and do not hold up the rest', async () => {
    const of = setting();
    await of.initialize();
    const thief = throwawaySigner();
    expect(await change(of, { administrators: [await keyOf(thief)] }, [thief])).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/root of version 2 has 0 of 1/),
    });
    expect((await (await of.read()).metadata('root')).signed.version).toBe(1);
    await of.putRules(bookWith('a*'));
    expect(await publishRepository(of.ports, rules)).toMatchObject({ outcome: 'published' });
    expect(await of.titles()).toBe('a*');
  });
});
