import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveRanges } from '#test/kit/origin.ts';
import { altered, dying, first, SyncBench, second, unavailable } from '#test/kit/sync-bench.ts';
import { sha256 } from '#test/kit/values.ts';
import { defaultLimits } from './ports.ts';

/** Small parts, so that a small index is many. */
const partBytes = 512;
const parts = Math.ceil(first.byteLength / partBytes);

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
  bench.limits = { ...defaultLimits, partBytes, partsInFlight: 2 };
});
afterEach(() => bench.close());

const allParts = Array.from({ length: parts }, (_, at) => at);

describe('a copy', () => {
  it('is made of parts that are each fetched once', async () => {
    bench.publish(first, '"one"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(bench.partsAsked()).toEqual(allParts);
    expect(bench.index.uploads.size).toBe(0);
  });

  it('holds a few parts at a time, no more', async () => {
    let most = 0;
    let now = 0;
    const { upstream } = bench.ports();
    const getRange: typeof upstream.getRange = async (...args) => {
      now += 1;
      most = Math.max(most, now);
      try {
        return await upstream.getRange(...args);
      } finally {
        now -= 1;
      }
    };
    bench.publish(first, '"one"');
    await bench.sync({ upstream: altered(upstream, { getRange }) });
    expect(most).toBe(2);
  });

  it('that breaks off in the middle goes on with the parts that are missing', async () => {
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    bench.except(first, '"one"', (part) => part >= 3, unavailable);
    expect(await bench.sync()).toEqual({ outcome: 'failed', reason: expect.stringContaining('503') });
    expect(bench.index.pointer).toBeUndefined();
    bench.partsAsked();
    bench.publish(first, '"one"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(bench.partsAsked()).toEqual(allParts.slice(3));
  });

  it.each([
    ['put', 'before', 0],
    ['put', 'after', 1],
    ['complete', 'before', parts],
    ['complete', 'after', parts],
  ] as const)('whose process dies at %s (%s it) goes on', async (method, when, kept) => {
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    bench.publish(first, '"one"');
    const upload = (copyId: string, uploadId: string) => dying(bench.index.upload(copyId, uploadId), method, when);
    await expect(bench.sync({ index: altered(bench.index, { upload }) })).rejects.toThrow('died');
    bench.partsAsked();
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(bench.partsAsked()).toEqual(allParts.slice(kept));
    expect(bench.index.uploads.size + bench.index.staged.size).toBe(0);
  });

  it('is begun again when the file changes under it, and mixes nothing', async () => {
    let changed = false;
    const [one, two] = [serveRanges(first, '"one"'), serveRanges(second, '"two"')];
    bench.origin.answer = (request, response) => {
      if (request.headers.range?.startsWith(`bytes=${2 * partBytes}-`)) changed = true;
      (changed ? two : one)(request, response);
    };
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(second) });
    expect(bench.index.pointer?.pointer.origin.etag).toBe('"two"');
    expect(bench.index.uploads.size + bench.index.staged.size).toBe(0);
  });

  it('keeps its parts while nodes of a CDN disagree about the file', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.partsAsked();
    const [old, news] = [serveRanges(first, '"one"'), serveRanges(second, '"two"')];
    let request = 0;
    bench.origin.answer = (asked, response) => {
      request += 1;
      (request === 4 || request === 6 ? old : news)(asked, response);
    };
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(second) });
    const secondParts = Math.ceil(second.byteLength / partBytes);
    // Twice the old node refused a part; each time the origin was asked for the index again.
    expect(bench.partsAsked()).toHaveLength(secondParts + 4);
  });

  it('of a file that changes all the time is given up, and the current index stays', async () => {
    let tag = 0;
    bench.origin.answer = (request, response) => {
      tag += 1;
      serveRanges(first, `"${tag}"`)(request, response);
    };
    expect(await bench.sync()).toEqual({ outcome: 'failed', reason: expect.stringMatching(/changed .* 4 times/) });
    expect(bench.index.pointer).toBeUndefined();
    bench.publish(first, '"at rest"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('that is older than a day, or of another address, is dropped and begun anew', async () => {
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    for (const [hours, indexUrl] of [
      [25, undefined],
      [0, 'http://catalog.s.download.windowsupdate.com/wsusscn2.cab'],
    ] as const) {
      bench.except(second, '"two"', (part) => part >= 2, unavailable);
      expect(await bench.sync()).toMatchObject({ outcome: 'failed' });
      expect(await bench.journal.copy()).toMatchObject({ state: 'copying', etag: '"two"' });
      bench.seconds += hours * 3600;
      bench.endsAt += hours * 3600;
      bench.publish(first, '"one"');
      bench.partsAsked();
      expect((await bench.sync(indexUrl === undefined ? {} : { indexUrl })).outcome).toMatch(/published|unchanged/);
      expect(bench.partsAsked()).toEqual(allParts);
      expect(bench.index.uploads.size).toBe(0);
      expect(bench.index.pointer?.pointer.sha256).toBe(sha256(first));
    }
  });

  it('whose upload was dropped by somebody is begun anew', async () => {
    bench.except(first, '"one"', (part) => part >= 2, unavailable);
    await bench.sync();
    bench.index.uploads.clear();
    bench.publish(first, '"one"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
  });

  it('whose object was dropped by somebody before it was read is begun anew', async () => {
    bench.publish(first, '"one"');
    await expect(bench.sync({ index: dying(bench.index, 'openStaged', 'before') })).rejects.toThrow('died');
    bench.index.staged.clear();
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
  });

  it('whose object is gone is not taken for another one that a dead run left', async () => {
    bench.publish(first, '"one"');
    await expect(bench.sync({ catalog: dying(bench.catalog, 'putFacts', 'before') })).rejects.toThrow('died');
    expect(await bench.journal.unfinished()).toMatchObject({ sha256: sha256(first) });
    bench.seconds += 25 * 3600;
    bench.endsAt += 25 * 3600;
    bench.publish(second, '"two"');
    await expect(bench.sync({ index: dying(bench.index, 'openStaged', 'before') })).rejects.toThrow('died');
    bench.index.staged.clear();
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(second) });
  });

  it('is made by two runs at once without harm: one publishes, the other finds it unchanged or stands back', async () => {
    bench.publish(first, '"one"');
    const outcomes = await Promise.allSettled([bench.sync(), bench.sync(), bench.sync()]);
    const results = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.outcome : 'thrown'));
    expect(results.filter((outcome) => outcome === 'thrown')).toEqual([]);
    await bench.sync();
    expect(bench.index.pointer?.pointer.sha256).toBe(sha256(first));
    expect(bench.index.stored.get(sha256(first))?.equals(first)).toBe(true);
    expect(bench.index.uploads.size + bench.index.staged.size).toBe(0);
    expect(await bench.journal.copy()).toBeUndefined();
  });

  it('that two runs go on with is completed once, of the right parts', async () => {
    bench.except(first, '"one"', (part) => part >= 3, unavailable);
    await bench.sync();
    bench.publish(first, '"one"');
    await Promise.allSettled([bench.sync(), bench.sync()]);
    await bench.sync();
    expect(bench.index.stored.get(sha256(first))?.equals(first)).toBe(true);
    expect(bench.index.uploads.size + bench.index.staged.size).toBe(0);
  });
});
