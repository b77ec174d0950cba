import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '#shared/stores/store-error.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { MemoryCatalogStore, MemoryIndexStore, MemorySyncJournal } from '#test/kit/memory-stores.ts';
import { type Origin, serveFile, startOrigin } from '#test/kit/origin.ts';
import { packIndex } from '#test/kit/pack-slice.ts';
import { hex, sound } from '#test/kit/sound-index.ts';
import { at, pointerOf, sha256 } from '#test/kit/values.ts';
import { measureSync, type SyncPorts, syncIndex } from './sync-index.ts';

const indexUrl = 'http://download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab';
/** Two publications of one file: the second names another address for it. */
const first = packIndex(sound);
const moved = { ...sound, packageXml: sound.packageXml.replace('/c/a.cab', '/d/a.cab') };
const second = packIndex(moved);
/** Readable, and without FileLocations: nothing in it can be fetched. */
const withoutLocations = packIndex({
  ...sound,
  packageXml: sound.packageXml.replace(/<FileLocations>.*<\/FileLocations>/, '<FileLocations></FileLocations>'),
});

let origin: Origin;
let index: MemoryIndexStore;
let catalog: MemoryCatalogStore;
let journal: MemorySyncJournal;
let seconds: number;
let runs: number;

beforeEach(async () => {
  origin = await startOrigin();
  index = new MemoryIndexStore();
  catalog = new MemoryCatalogStore();
  journal = new MemorySyncJournal();
  seconds = 0;
  runs = 0;
});
afterEach(() => origin.close());

function ports(more: Partial<SyncPorts> = {}): SyncPorts {
  const timing = { now: Date.now, random: Math.random, sleep: async () => {} };
  return {
    upstream: createUpstream({ dispatcher: origin.agent, timing }),
    index,
    catalog,
    journal,
    indexUrl,
    now: () => {
      seconds += 1;
      return new Date(at(seconds));
    },
    newRunId: () => {
      runs += 1;
      return `run-${runs}`;
    },
    ...more,
  };
}

const publish = (bytes: Uint8Array, etag: string): void => {
  origin.answer = serveFile(bytes, etag);
};
const sync = async (more: Partial<SyncPorts> = {}) => (await syncIndex(ports(more), {})).result;

/** Everything the stores hold, to see whether a run changed any of it. */
const everything = async () =>
  structuredClone({
    staged: [...index.staged],
    stored: [...index.stored],
    pointer: index.pointer,
    facts: [...catalog.facts],
    snapshots: [...catalog.snapshots],
    refusal: await journal.refusal(),
    runs: [...journal.runs],
  });

/** A store whose method fails once, after or instead of doing its work: as if the process died there. */
function dying<T extends object>(store: T, method: keyof T & string, when: 'before' | 'after'): T {
  let died = false;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== method || died) return value.bind(target);
      return async (...args: unknown[]) => {
        died = true;
        if (when === 'after') await value.apply(target, args);
        throw new Error(`died at ${method}`);
      };
    },
  });
}

describe('a publication', () => {
  it('is taken in: bytes, facts, snapshot, and the pointer that tells where it came from', async () => {
    publish(first, '"one"');
    expect(await sync()).toEqual({
      outcome: 'published',
      sha256: sha256(first),
      updates: 4,
      files: 1,
      stored: true,
      factsWritten: 1,
    });
    expect(index.staged.size).toBe(0);
    expect([...index.stored.keys()]).toEqual([sha256(first)]);
    expect(catalog.facts.get(hex('a.cab'))).toEqual({
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
  });

  it('that is the known one is neither downloaded nor written', async () => {
    publish(first, '"one"');
    await sync();
    const before = await everything();
    expect(await sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(await everything()).toEqual(before);
    expect(origin.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"one"']);
  });

  it('with the known bytes under another ETag only changes the pointer', async () => {
    publish(first, '"one"');
    await sync();
    const before = await everything();
    publish(first, '"two"');
    expect(await sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(index.pointer?.pointer).toEqual({
      ...before.pointer?.pointer,
      origin: { url: indexUrl, etag: '"two"' },
    });
    expect({ ...(await everything()), pointer: before.pointer }).toEqual(before);
    expect(await sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    expect(origin.seen.at(-1)?.headers['if-none-match']).toBe('"two"');
  });

  it('writes the facts that changed, and no others', async () => {
    publish(first, '"one"');
    await sync();
    publish(second, '"two"');
    expect(await sync()).toMatchObject({ outcome: 'published', sha256: sha256(second), factsWritten: 1 });
    expect(catalog.facts.get(hex('a.cab'))?.url).toBe('http://download.windowsupdate.com/d/a.cab');
    const retitled = packIndex({ ...moved, packageXml: moved.packageXml.replace('2026-07-14T13', '2026-07-14T14') });
    publish(retitled, '"three"');
    expect(await sync()).toMatchObject({ outcome: 'published', factsWritten: 0 });
  });

  it('that comes back is not stored a second time', async () => {
    publish(first, '"one"');
    await sync();
    publish(second, '"two"');
    await sync();
    publish(first, '"three"');
    expect(await sync()).toMatchObject({ outcome: 'published', sha256: sha256(first), stored: false });
    expect(index.staged.size).toBe(0);
    expect(index.pointer?.pointer.sha256).toBe(sha256(first));
  });

  it('is asked for without conditions when the address changed', async () => {
    publish(first, '"one"');
    await sync();
    await sync({ indexUrl: 'http://catalog.s.download.windowsupdate.com/wsusscn2.cab' });
    expect(origin.seen.at(-1)?.headers['if-none-match']).toBeUndefined();
  });

  it('is taken in when the earlier snapshot is lost or damaged', async () => {
    publish(first, '"one"');
    await sync();
    catalog.snapshots.clear();
    publish(second, '"two"');
    expect(await sync()).toMatchObject({ outcome: 'published', factsWritten: 1 });
    publish(first, '"three"');
    const damaged = Object.assign(Object.create(catalog), {
      getSnapshot: async () => {
        throw new StoreError('corrupt', 'damaged');
      },
    });
    expect(await sync({ catalog: damaged })).toMatchObject({ outcome: 'published', factsWritten: 1 });
  });
});

describe('a run that dies', () => {
  it.each([
    ['index', 'stage', 'after'],
    ['index', 'promote', 'before'],
    ['index', 'promote', 'after'],
    ['index', 'open', 'before'],
    ['catalog', 'putFileFacts', 'before'],
    ['catalog', 'putFileFacts', 'after'],
    ['catalog', 'putSnapshot', 'after'],
    ['index', 'moveCurrent', 'before'],
    ['index', 'moveCurrent', 'after'],
    ['journal', 'clearRefusal', 'before'],
  ] as const)('at %s.%s (%s it) is healed by the next one', async (store, method, when) => {
    publish(withoutLocations, '"bad"');
    await sync();
    publish(first, '"one"');
    const before = index.pointer;
    const dead = { index, catalog, journal }[store];
    const dies = { [store]: dying(dead, method as never, when) };
    await expect(sync(dies)).rejects.toThrow(`died at ${method}`);
    // Until the very end nobody sees anything of it.
    if (method !== 'clearRefusal' && !(method === 'moveCurrent' && when === 'after'))
      expect(index.pointer).toBe(before);

    const healed = await sync();
    expect(['published', 'unchanged']).toContain(healed.outcome);
    expect(index.pointer?.pointer.sha256).toBe(sha256(first));
    expect(catalog.facts.size).toBe(1);
    expect(await catalog.getSnapshot(sha256(first))).toBeDefined();
    expect(await sync()).toEqual({ outcome: 'unchanged', sha256: sha256(first) });
    // The refusal of the earlier publication may stay for people to read; it must not hide the current one.
    expect(origin.seen.at(-1)?.headers['if-none-match']).toBe('"one"');
  });
});

describe('a publication that is refused', () => {
  it.each([
    ['cannot be read', Buffer.from('no cabinet at all, but long enough for a header'), /MSCF/],
    ['has no FileLocations', withoutLocations, /FileLocations/],
  ])('because it %s is recorded, and the pointer stays', async (_why, bytes, reason) => {
    publish(first, '"one"');
    await sync();
    const before = index.pointer;
    publish(bytes, '"bad"');
    expect(await sync()).toEqual({
      outcome: 'refused',
      sha256: sha256(bytes),
      reason: expect.stringMatching(reason),
    });
    expect(index.pointer).toBe(before);
    expect(await journal.refusal()).toMatchObject({ sha256: sha256(bytes), etag: '"bad"' });
    expect(catalog.snapshots.has(sha256(bytes))).toBe(false);
  });

  it('is not downloaded again while the origin offers it, also before any publication', async () => {
    publish(withoutLocations, '"bad"');
    await sync();
    const before = await everything();
    expect(await sync()).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('still offers') });
    expect(origin.seen.at(-1)?.headers['if-none-match']).toBe('"bad"');
    expect(await everything()).toEqual(before);
  });

  it('is looked at again when a person asks, as after a mended decoder', async () => {
    publish(first, '"one"');
    await journal.putRefusal({ at: at(0), sha256: sha256(first), etag: '"one"', reason: 'an older decoder' });
    expect(await sync()).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('an older decoder') });
    const { result } = await syncIndex(ports(), { runId: 'asked' });
    expect(result).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(await journal.refusal()).toBeUndefined();
  });

  it('is known by its bytes too, under another ETag', async () => {
    publish(withoutLocations, '"bad"');
    await sync();
    publish(withoutLocations, '"still bad"');
    expect(await sync()).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('FileLocations') });
    expect(await journal.refusal()).toMatchObject({ etag: '"still bad"' });
    expect(index.staged.size).toBe(0);
  });

  it('is forgotten when a good one follows, or the current one comes back', async () => {
    publish(first, '"one"');
    await sync();
    for (const [bytes, etag] of [
      [second, '"two"'],
      [second, '"three"'],
    ] as const) {
      publish(withoutLocations, `"bad before ${etag.slice(1)}`);
      expect(await sync()).toMatchObject({ outcome: 'refused' });
      publish(bytes, etag);
      await sync();
      expect(await journal.refusal()).toBeUndefined();
      expect(index.pointer?.pointer.origin.etag).toBe(etag);
    }
  });
});

describe('a failure', () => {
  const asked = { runId: 'asked-for' };

  it('of the origin is a result, not an exception, and changes nothing', async () => {
    publish(first, '"one"');
    await sync();
    const before = await everything();
    origin.answer = (_request, response) => response.writeHead(503).end();
    const report = await syncIndex(ports(), {});
    expect(report.result).toEqual({ outcome: 'failed', reason: expect.stringContaining('503') });
    expect(measureSync(report)).toMatchObject({ SyncFailed: 1, SyncPublished: 0 });
    expect(report.indexAgeSeconds).toBeDefined();
    expect(await everything()).toEqual(before);
  });

  it('in the middle of the body keeps nothing', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': first.byteLength });
      response.write(first.subarray(0, 100), () => response.destroy());
    };
    expect(await sync()).toEqual({ outcome: 'failed', reason: expect.stringContaining('broke off') });
    expect(index.staged.size).toBe(0);
  });

  it('to be the first at the pointer leaves the other run its result', async () => {
    const faster = pointerOf(sha256('what the other run published'));
    origin.answer = (request, response) => {
      index.moveCurrent(faster, undefined).then(() => serveFile(first, '"one"')(request, response));
    };
    expect(await sync()).toEqual({ outcome: 'failed', reason: expect.stringContaining('not the one that was read') });
    expect(index.pointer?.pointer).toEqual(faster);
  });

  it('that nobody expects is thrown, and recorded when somebody asked for the run', async () => {
    publish(first, '"one"');
    await expect(syncIndex(ports({ index: dying(index, 'has', 'before') }), asked)).rejects.toThrow('died at has');
    expect(journal.runs.get('asked-for')).toEqual({
      version: 1,
      runId: 'asked-for',
      state: 'ended',
      startedAt: at(1),
      endedAt: at(2),
      result: { outcome: 'failed', reason: 'died at has' },
    });
  });

  it('that cannot even be recorded shows both reasons', async () => {
    publish(first, '"one"');
    const failing = syncIndex(
      ports({ index: dying(index, 'has', 'before'), journal: dying(journal, 'putRun', 'before') }),
      asked,
    );
    await expect(failing).rejects.toMatchObject({
      errors: [{ message: 'died at has' }, { message: 'died at putRun' }],
    });
  });

  it('of the clock: a run stops at its signal', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200);
      response.write('1');
    };
    const report = await syncIndex(ports(), {}, AbortSignal.timeout(50));
    expect(report.result).toEqual({ outcome: 'failed', reason: expect.stringContaining('stopped') });
  });
});

describe('a run that somebody asked for', () => {
  it('records its end, and stages under its own name', async () => {
    publish(first, '"one"');
    const staging = dying(index, 'promote', 'before');
    await expect(syncIndex(ports({ index: staging }), { runId: 'mine' })).rejects.toThrow();
    expect([...index.staged.keys()]).toEqual(['mine']);
    await syncIndex(ports(), { runId: 'mine' });
    expect(journal.runs.get('mine')).toMatchObject({ state: 'ended', result: { outcome: 'published' } });
  });
});

describe('the age of the index', () => {
  it('counts from the day Microsoft made it', async () => {
    expect((await syncIndex(ports({ now: () => new Date(at(0)) }), {})).indexAgeSeconds).toBeUndefined();
    publish(first, '"one"');
    const now = () => new Date('2026-07-15T13:54:06Z');
    const report = await syncIndex(ports({ now }), {});
    expect(report.indexAgeSeconds).toBe(24 * 3600);
    expect(measureSync(report)).toEqual({ IndexAgeSeconds: 86_400, SyncFailed: 0, SyncRefused: 0, SyncPublished: 1 });
  });

  it('counts from its publication here when the index does not say', async () => {
    publish(
      packIndex({ ...sound, packageXml: sound.packageXml.replace(/ CreationDate="2026-07-14[^"]*"/, '') }),
      '"x"',
    );
    let hours = 0;
    const now = () => new Date(Date.UTC(2026, 0, 1, hours));
    await syncIndex(ports({ now }), {});
    hours = 3;
    expect((await syncIndex(ports({ now }), {})).indexAgeSeconds).toBe(3 * 3600);
  });
});
