import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '#shared/stores/store-error.ts';
import { serveFile, serveRanges } from '#test/kit/origin.ts';
import { packIndex } from '#test/kit/pack-slice.ts';
import { signedCab } from '#test/kit/signed-index.ts';
import { hex, sound } from '#test/kit/sound-index.ts';
import { altered, dying, first, indexUrl, moved, SyncBench, second, withoutLocations } from '#test/kit/sync-bench.ts';
import { at, sha256 } from '#test/kit/values.ts';
import { measureSync } from './sync-index.ts';

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
});
afterEach(() => bench.close());

const lastSeen = (header: string): unknown => bench.origin.seen.at(-1)?.headers[header];

describe('a publication', () => {
  it('is taken in: bytes, facts, snapshot, and the pointer that tells where it came from', async () => {
    const { index, catalog, journal } = bench;
    bench.publish(first, '"one"');
    expect(await bench.sync()).toEqual({
      outcome: 'published',
      sha256: sha256(first),
      updates: 4,
      files: 1,
      stored: true,
      // A file, two units that can be installed, and the units of each of their two KBs.
      factsWritten: 5,
    });
    expect(index.staged.size + index.uploads.size).toBe(0);
    expect([...index.stored.keys()]).toEqual([sha256(first)]);
    expect((await catalog.fileFacts([hex('a.cab')])).get(hex('a.cab'))).toEqual({
      sha1: hex('a.cab'),
      sha256: hex('a.cab', 'sha256'),
      name: 'a.cab',
      size: 12_293_231_150,
      url: 'http://download.windowsupdate.com/c/a.cab',
    });
    expect((await catalog.getSnapshot(sha256(first)))?.updates.size).toBe(4);
    expect(index.pointer?.pointer).toMatchObject({
      sha256: sha256(first),
      bytes: first.byteLength,
      createdAt: '2026-07-14T13:54:06Z',
      updates: 4,
      files: 1,
      origin: { url: indexUrl, etag: '"one"' },
    });
    expect(await journal.copy()).toBeUndefined();
    expect(await journal.unfinished()).toBeUndefined();
    expect(bench.goneOn).toEqual([]);
    const publishedAt = index.pointer?.pointer.publishedAt;
    expect(bench.events.sent).toEqual([
      { type: 'IndexPublished', detail: { version: 1, sha256: sha256(first), updates: 4, files: 1, publishedAt } },
    ]);
  });

  it('that is the known one is neither downloaded nor written', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    const before = await bench.everything();
    const requests = bench.origin.seen.length;
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(await bench.everything()).toEqual(before);
    expect(bench.origin.seen).toHaveLength(requests + 1);
    expect(lastSeen('if-none-match')).toBe('"one"');
    expect(bench.events.sent).toHaveLength(1);
  });

  it('with the known bytes under another ETag only changes the pointer', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    const before = await bench.everything();
    bench.publish(first, '"two"');
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(bench.index.pointer?.pointer).toEqual({
      ...before.pointer?.pointer,
      origin: { url: indexUrl, etag: '"two"' },
    });
    expect({ ...(await bench.everything()), pointer: before.pointer }).toEqual(before);
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(lastSeen('if-none-match')).toBe('"two"');
  });

  it('writes the facts that changed, and no others', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.publish(second, '"two"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(second), factsWritten: 1 });
    const facts = await bench.catalog.fileFacts([hex('a.cab')]);
    expect(facts.get(hex('a.cab'))?.url).toBe('http://download.windowsupdate.com/d/a.cab');
    const packageXml = moved.packageXml.replace('2026-07-14T13', '2026-07-14T14');
    bench.publish(signedCab(packIndex({ ...moved, packageXml })), '"three"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', factsWritten: 0 });
  });

  it('that comes back is not stored a second time', async () => {
    for (const [bytes, etag] of [
      [first, '"one"'],
      [second, '"two"'],
    ] as const) {
      bench.publish(bytes, etag);
      await bench.sync();
    }
    bench.publish(first, '"three"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first), stored: false });
    expect(bench.index.staged.size).toBe(0);
    expect(bench.index.pointer?.pointer.sha256).toBe(sha256(first));
  });

  it('is asked for without conditions when the address changed', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    await bench.sync({ indexUrl: 'http://catalog.s.download.windowsupdate.com/wsusscn2.cab' });
    expect(bench.origin.seen.map(({ headers }) => headers['if-none-match'])).not.toContain('"one"');
  });

  it('is taken in when the earlier snapshot is lost or damaged', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.catalog.snapshots.clear();
    bench.publish(second, '"two"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', factsWritten: 1 });
    bench.publish(first, '"three"');
    const getSnapshot = () => Promise.reject(new StoreError('corrupt', 'damaged'));
    const catalog = altered(bench.catalog, { getSnapshot });
    expect(await bench.sync({ catalog })).toMatchObject({ outcome: 'published', factsWritten: 1 });
  });

  it('after a run that died over its facts is compared with what is kept, not with the last catalogue', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    // This run wrote the facts of the second publication and died; then the first came back to Microsoft's servers.
    bench.publish(second, '"two"');
    await expect(bench.sync({ catalog: dying(bench.catalog, 'putFacts', 'after') })).rejects.toThrow('died');
    expect(await bench.journal.unfinished()).toMatchObject({ sha256: sha256(second) });
    bench.seconds += 25 * 3600;
    bench.endsAt += 25 * 3600;
    const packageXml = sound.packageXml.replace('2026-07-14T13', '2026-07-14T14');
    bench.publish(signedCab(packIndex({ ...sound, packageXml })), '"three"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', factsWritten: 1 });
    const facts = await bench.catalog.fileFacts([hex('a.cab')]);
    expect(facts.get(hex('a.cab'))?.url).toBe('http://download.windowsupdate.com/c/a.cab');
    expect(await bench.journal.unfinished()).toBeUndefined();
  });
});

describe('a run that dies', () => {
  it.each([
    ['index', 'beginUpload', 'after'],
    ['index', 'openStaged', 'before'],
    ['index', 'promote', 'before'],
    ['index', 'promote', 'after'],
    ['catalog', 'putFacts', 'before'],
    ['catalog', 'putFacts', 'after'],
    ['catalog', 'putSnapshot', 'after'],
    ['index', 'moveCurrent', 'before'],
    ['index', 'moveCurrent', 'after'],
    ['index', 'drop', 'before'],
    ['journal', 'putCopy', 'before'],
    ['journal', 'putCopy', 'after'],
    ['journal', 'putUnfinished', 'after'],
    ['journal', 'clearUnfinished', 'before'],
    ['journal', 'clearRefusal', 'before'],
    ['journal', 'clearCopy', 'before'],
    ['journal', 'clearCopy', 'after'],
  ] as const)('at %s.%s (%s it) is healed by the next one', async (store, method, when) => {
    const { index, catalog, journal } = bench;
    bench.publish(withoutLocations, '"bad"');
    await bench.sync();
    bench.publish(first, '"one"');
    const before = index.pointer;
    const dead = { index, catalog, journal }[store];
    await expect(bench.sync({ [store]: dying(dead, method as never, when) })).rejects.toThrow(`died at ${method}`);
    // Until the very end nobody sees anything of it.
    const afterwards = ['clearUnfinished', 'clearRefusal', 'clearCopy', 'drop'].includes(method);
    if (!afterwards && !(method === 'moveCurrent' && when === 'after')) expect(index.pointer).toBe(before);

    const healed = await bench.sync();
    expect(['published', 'unchanged']).toContain(healed.outcome);
    expect(index.pointer?.pointer.sha256).toBe(sha256(first));
    expect((await catalog.fileFacts([hex('a.cab')])).size).toBe(1);
    expect(await catalog.getSnapshot(sha256(first))).toBeDefined();
    expect(await bench.sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    // Told at least once, whenever it died.
    expect(bench.events.of('IndexPublished')).toContainEqual(expect.objectContaining({ sha256: sha256(first) }));
    expect(await journal.copy()).toBeUndefined();
    expect(index.staged.size).toBe(0);
    // The refusal of the earlier publication may stay for people to read; it must not hide the current one.
    expect(lastSeen('if-none-match')).toBe('"one"');
  });

  it('without a word, three times over the same index, leads to a refusal that says so', async () => {
    bench.publish(first, '"one"');
    for (let run = 1; run <= 3; run += 1) {
      let killed = false;
      const openStaged = () => {
        killed = true;
        return Promise.reject(new Error('killed'));
      };
      // A process that is killed writes nothing more.
      const putCopy: typeof bench.journal.putCopy = async (copy, known) => {
        if (!killed) await bench.journal.putCopy(copy, known);
      };
      const dies = { index: altered(bench.index, { openStaged }), journal: altered(bench.journal, { putCopy }) };
      await expect(bench.sync(dies)).rejects.toThrow('killed');
    }
    const reason = expect.stringMatching(/3 runs .* ran out of memory or time/);
    expect(await bench.sync()).toEqual({ outcome: 'refused', sha256: sha256(first), reason });
    expect([...bench.index.refused.keys()]).toEqual([sha256(first)]);
    expect(await bench.sync()).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('still offers') });
    expect((await bench.invoke({ runId: 'asked' })).result).toMatchObject({ outcome: 'published' });
  });
});

it('a run that dies over what it writes, ever again, is no reason to refuse the index', async () => {
  bench.publish(first, '"one"');
  for (let run = 1; run <= 4; run += 1) {
    let killed = false;
    const putFacts = () => {
      killed = true;
      return Promise.reject(new Error('killed'));
    };
    const putCopy: typeof bench.journal.putCopy = async (copy, known) => {
      if (!killed) await bench.journal.putCopy(copy, known);
    };
    const dies = { catalog: altered(bench.catalog, { putFacts }), journal: altered(bench.journal, { putCopy }) };
    await expect(bench.sync(dies)).rejects.toThrow('killed');
  }
  expect(await bench.sync()).toMatchObject({ outcome: 'published', factsWritten: 5 });
});

describe('the age of the index', () => {
  it('counts from the day Microsoft made it', async () => {
    expect((await bench.invoke({}, { now: () => new Date(at(0)) })).indexAgeSeconds).toBeUndefined();
    bench.publish(first, '"one"');
    const now = () => new Date('2026-07-15T13:54:06Z');
    bench.endsAt = 48 * 3600;
    const report = await bench.invoke({}, { now });
    expect(report.indexAgeSeconds).toBe(24 * 3600);
    expect(measureSync(report)).toEqual({ IndexAgeSeconds: 86_400, SyncFailed: 0, SyncRefused: 0, SyncPublished: 1 });
  });

  it('counts from its publication here when the index does not say', async () => {
    const packageXml = sound.packageXml.replace(/ CreationDate="2026-07-14[^"]*"/, '');
    bench.publish(signedCab(packIndex({ ...sound, packageXml })), '"x"');
    let hours = 0;
    const now = () => new Date(Date.UTC(2026, 6, 14, hours));
    bench.endsAt = 48 * 3600;
    await bench.invoke({}, { now });
    hours = 3;
    expect((await bench.invoke({}, { now })).indexAgeSeconds).toBe(3 * 3600);
  });
});

it('an origin without ranges or without a strong tag is copied in one go', async () => {
  bench.origin.answer = serveFile(first, '"one"');
  expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
  expect(bench.index.pointer?.pointer.origin.etag).toBe('"one"');
  bench.origin.answer = serveRanges(second, 'W/"two"');
  expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(second) });
  expect(bench.index.pointer?.pointer.origin.etag).toBe('W/"two"');
  expect(await bench.sync()).toMatchObject({ outcome: 'unchanged' });
});
