import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupCatalog, targetPaths } from '#shared/contract/signed-documents.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import { keyholdersOf, rulesOf, signedRules } from '#shared/repository/author.ts';
import { signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { sign, textOf } from '#shared/repository/metadata.ts';
import { MemoryPayloadCleaning } from '#test/kit/memory-cleaning.ts';
import { fleetHostOf } from '#test/kit/operators-api.ts';
import {
  bookWith,
  feedMessage,
  hour,
  keyOf,
  type PublisherBench,
  publisherBench,
  rulesMessage,
} from '#test/kit/publisher.ts';
import { emptyBook, throwawaySigner } from '#test/kit/signed-repository.ts';
import { at, catalogOf, guid, pointerOf, sha1, sha256, unit } from '#test/kit/values.ts';
import { measurePublish, publishRepository } from './publish-repository.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-publish-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the publisher', () => {
  it('waits for administrators', async () => {
    const { ports, publish } = publisherBench(folder);
    expect(await publish(feedMessage)).toEqual({ outcome: 'uninitialized' });
    expect(ports.repository.files.size).toBe(0);
  });

  it('publishes a first version that hosts believe, once', async () => {
    const { initialize, ports, publish, messageOf, read, documents } = publisherBench(folder);
    expect(await initialize()).toMatchObject({ outcome: 'published', version: 1 });
    expect((await (await read()).metadata('rules')).signed.version).toBe(1);
    const before = new Map(ports.repository.files);
    expect(await publish(feedMessage)).toMatchObject({ outcome: 'unchanged', version: 1 });
    // The message again, and another first version of somebody who was slower.
    expect(await publish(messageOf(await documents()))).toMatchObject({ outcome: 'refused' });
    expect(ports.repository.files).toEqual(before);
  });

  it('publishes rules that an administrator signed, and no others', async () => {
    const { initialize, putRules, ports, publish, titles } = publisherBench(folder);
    await initialize();
    await putRules(bookWith('a*'));
    expect(await publish(rulesMessage)).toMatchObject({ outcome: 'published', version: 2 });
    expect(await titles()).toBe('a*');
    expect(await publish(rulesMessage)).toMatchObject({ outcome: 'unchanged' });
    // Somebody who can write to the table, and not sign.
    await putRules(bookWith('*'), ports.signer);
    expect(await publish(rulesMessage)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/rules of version 3 has 0 of 1 signatures/),
    });
    expect(await titles()).toBe('a*');
    await putRules(bookWith('b*'));
    expect(await publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect(await titles()).toBe('b*');
  });

  it('names the index, and files that are held and needed, for each group', async () => {
    const { initialize, ports, publish, fleet, read, putRules } = publisherBench(folder);
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
    expect(await publish(feedMessage)).toMatchObject({ outcome: 'published' });
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
    expect(await publish(feedMessage)).toMatchObject({ outcome: 'unchanged' });
    // A change of the rules in between leaves that for the next sweep.
    await ports.index.moveCurrent(pointerOf(sha256('next index')), ports.index.pointer?.tag);
    await putRules(bookWith('a*'));
    expect(await publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect((await (await read()).target(targetPaths.index))?.sha256).toBe(pointer.sha256);
    await publish(feedMessage);
    expect((await (await read()).target(targetPaths.index))?.sha256).toBe(sha256('next index'));
    // A file that was retired is left out, though its bytes are there.
    const cleaning = new MemoryPayloadCleaning(ports.payloads);
    await cleaning.retire((await cleaning.list('held', { limit: 9 })).items, at(9));
    expect(await publish(feedMessage)).toMatchObject({ outcome: 'published' });
    expect(await (await read()).document(targetPaths.groupCatalog('pilots'), groupCatalog)).toBeUndefined();
  });

  it('says how long the signatures of administrators are good', async () => {
    const { initialize, publish, clock } = publisherBench(folder);
    await initialize();
    const day = 24 * 3600;
    clock.now += 24 * hour;
    const report = await publish(feedMessage);
    expect(report).toMatchObject({ outcome: 'published', signaturesEndSeconds: 364 * day });
    expect(measurePublish(report)).toMatchObject({ SignaturesEndSeconds: 364 * day });
    clock.now += 365 * 24 * hour;
    expect((await publish(feedMessage)).signaturesEndSeconds).toBe(-day);
  });

  it('signs again what is a day old, and the feed each week, before anything of it ends', async () => {
    const { initialize, current, publish, clock } = publisherBench(folder);
    await initialize();
    clock.now += 23 * hour;
    expect(await publish(feedMessage)).toMatchObject({ outcome: 'unchanged', ageSeconds: 23 * 3600 });
    clock.now += hour;
    expect(await publish(feedMessage)).toMatchObject({ outcome: 'published', version: 2, ageSeconds: 0 });
    const feedVersion = async () => (await current()).feed.signed.version;
    expect(await feedVersion()).toBe(1);
    clock.now += 6 * 24 * hour;
    await publish(feedMessage);
    expect(await feedVersion()).toBe(2);
  });

  it('of four at once all come to the same, and one wins', async () => {
    const { initialize, publish, putRules, titles } = publisherBench(folder);
    await initialize();
    await putRules(bookWith('a*'));
    const runs = await Promise.allSettled([1, 2, 3, 4].map(() => publish(rulesMessage)));
    expect(runs.filter((run) => run.status === 'fulfilled' && run.value.outcome === 'published')).toHaveLength(1);
    expect(await titles()).toBe('a*');
    expect(await publish(rulesMessage)).toMatchObject({ outcome: 'unchanged', version: 2 });
  });
});

describe('what does not count', () => {
  const days = 24 * 3600;

  it('does not hide how old the timestamp is', async () => {
    const of = publisherBench(folder);
    expect(measurePublish(await of.publish(feedMessage))).toEqual({ RepositoryAgeSeconds: 0 });
    const first = of.messageOf((await of.documents()).slice(1));
    expect(measurePublish(await of.publish(first))).toEqual({ RepositoryRefused: 1, RepositoryAgeSeconds: 0 });
    await of.initialize();
    of.clock.now += 2 * 24 * hour;
    // The key that signs is one that no root names: nothing can be signed that hosts would believe.
    const { publicKey, sign: signs } = throwawaySigner();
    of.ports.signer = { publicKey, sign: signs };
    const report = await of.publish(feedMessage);
    expect(report).toMatchObject({
      outcome: 'refused',
      version: 1,
      reason: expect.stringMatching(/this broker signs with/),
    });
    expect(measurePublish(report)).toMatchObject({ RepositoryRefused: 1, RepositoryAgeSeconds: 2 * days });
    expect((await of.current()).timestamp.signed.version).toBe(1);
  });

  it('rules that nobody signed ring the alarm, and all else goes on', async () => {
    const of = publisherBench(folder);
    await of.initialize();
    // Nothing is lost with a signature of what is published already.
    const lost = { ...of.ports, rules: { get: () => of.ports.rules.get(), signed: async () => undefined } };
    expect(await publishRepository(lost, rulesMessage)).toMatchObject({ outcome: 'unchanged' });
    await of.putRules(bookWith('*'), null);
    const report = await of.publish(rulesMessage);
    expect(report).toMatchObject({
      outcome: 'refused',
      version: 1,
      reason: 'nobody signed revision 1 of the rules; published is revision 0',
    });
    expect(measurePublish(report)).toMatchObject({ RepositoryRefused: 1, RepositoryAgeSeconds: 0 });
    of.clock.now += 24 * hour;
    expect(await of.publish(feedMessage)).toMatchObject({ outcome: 'refused', version: 2, ageSeconds: 0 });
    expect(await of.titles()).toBeUndefined();
    await of.putRules(bookWith('a*'));
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect(await of.titles()).toBe('a*');
  });

  it.each([
    ['that an administrator did not sign', /rules of version 2 has 0 of 1 signatures/],
    ['that nobody signed', /nobody signed revision 1 of the rules/],
    ['whose number is taken', /rules of version 2 is there already/],
  ])('rules %s do not hold up other keyholders', async (which, reason) => {
    const of = publisherBench(folder);
    await of.initialize();
    await of.read('old');
    const second = throwawaySigner();
    const administrators = [await keyOf(of.administrator), await keyOf(second)];
    const message = await of.keyChange({ administrators }, [of.administrator]);
    const { revision } = await of.ports.rules.get();
    if (which === 'that nobody signed') of.ports.rules.signed = async () => undefined;
    else if (which === 'whose number is taken')
      await of.ports.repository.create({ kind: 'metadata', role: 'rules', version: 2 }, 'other bytes');
    else
      await of.ports.rules.putSigned(revision, await signedRules(emptyBook, revision, of.ports.signer, of.ports.now()));
    expect(await of.publish(message)).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(reason) });
    const { root, targets, rules } = await of.current();
    expect([root, targets, rules].map(({ signed }) => signed.version)).toEqual([2, 2, 1]);
    expect(keyholdersOf(root).administrators).toEqual(administrators);
    for (const host of ['old', 'new']) expect(await of.titles(host)).toBeUndefined();
  });
});

describe('after the role of the publisher was stolen', () => {
  /** Signs other rules online, and all that makes hosts find them. */
  async function forge(of: PublisherBench, revision: number): Promise<void> {
    const current = await of.current();
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
    const of = publisherBench(folder);
    await of.initialize();
    await of.putRules(bookWith('a*'));
    await of.publish(rulesMessage);
    expect(await of.titles('saw it')).toBe('a*');
    await forge(of, 90);
    await expect(of.titles('saw it')).rejects.toMatchObject({ code: 'unsigned', role: 'rules' });
    await of.putRules(bookWith('b*'));
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect(await of.titles('came later')).toBe('b*');
    // It believed a snapshot that names a later version: an older one would be a rollback.
    await expect(of.titles('saw it')).rejects.toMatchObject({ code: 'rolled-back' });
    const old = of.ports.signer;
    const { publicKey, sign: signs } = throwawaySigner();
    of.ports.signer = { publicKey, sign: signs };
    const [before, after] = [await keyOf(old), await keyOf(of.ports.signer)];
    expect(await of.change({ online: [before, after] }, [of.administrator])).toMatchObject({ outcome: 'published' });
    expect(await of.change({ online: [after] }, [of.administrator])).toMatchObject({ outcome: 'published' });
    expect(await of.titles('saw it')).toBe('b*');
    expect(await of.titles('came later')).toBe('b*');
  });

  it('a number that was taken is named, and the next one goes on', async () => {
    const of = publisherBench(folder);
    await of.initialize();
    await forge(of, 1);
    await of.putRules(bookWith('a*'));
    expect(await of.publish(rulesMessage)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/rules of version 2 is there already, with other bytes: sign the next one/),
    });
    await of.putRules(bookWith('b*'));
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect(await of.titles()).toBe('b*');
  });
});

describe('keyholders', () => {
  it('change: hosts of before follow, and new ones begin with the first root', async () => {
    const of = publisherBench(folder);
    await of.initialize();
    await of.read('old');
    const second = throwawaySigner();
    const both = [of.administrator, second];
    expect(await of.change({ administrators: await Promise.all(both.map(keyOf)) }, both)).toMatchObject({
      outcome: 'published',
    });
    const alone = { administrators: [await keyOf(second)] };
    expect(await of.change(alone, both)).toMatchObject({ outcome: 'published' });
    await of.putRules(bookWith('c*'), second);
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect(await of.titles('old')).toBe('c*');
    expect(await of.titles('new')).toBe('c*');
    expect((await (await of.read('new')).metadata('root')).signed.version).toBe(3);
    await of.putRules(bookWith('d*'), of.administrator);
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'refused' });
    expect(await of.titles('old')).toBe('c*');
  });

  it('that do not count change nothing, and do not hold up the rest', async () => {
    const of = publisherBench(folder);
    await of.initialize();
    const thief = throwawaySigner();
    expect(await of.change({ administrators: [await keyOf(thief)] }, [thief])).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/root of version 2 has 0 of 1/),
    });
    expect((await (await of.read()).metadata('root')).signed.version).toBe(1);
    await of.putRules(bookWith('a*'));
    expect(await of.publish(rulesMessage)).toMatchObject({ outcome: 'published' });
    expect(await of.titles()).toBe('a*');
  });
});
