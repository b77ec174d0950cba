import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IndexExaminer } from '#shared/index/index.ts';
import { serveRanges } from '#test/kit/origin.ts';
import { packIndex } from '#test/kit/pack-slice.ts';
import { altered, dying, first, moved, SyncBench, second } from '#test/kit/sync-bench.ts';
import { at, pointerOf, sha256, streamOf } from '#test/kit/values.ts';
import { measureSync } from './sync-index.ts';

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
});
afterEach(() => bench.close());

describe('a failure', () => {
  it('of the origin is a result, not an exception, and changes nothing', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    const before = await bench.everything();
    bench.origin.answer = (_request, response) => response.writeHead(503).end();
    const report = await bench.invoke();
    expect(report.result).toEqual({ outcome: 'failed', reason: expect.stringContaining('503') });
    expect(measureSync(report)).toMatchObject({ SyncFailed: 1, SyncPublished: 0 });
    expect(report.indexAgeSeconds).toBeDefined();
    expect(await bench.everything()).toEqual(before);
  });

  it('to be the first at the pointer leaves the other run its result', async () => {
    const faster = pointerOf(sha256('what the other run published'));
    const serve = serveRanges(first, '"one"');
    bench.origin.answer = (request, response) => {
      bench.index.moveCurrent(faster, undefined).then(
        () => serve(request, response),
        () => serve(request, response),
      );
    };
    const reason = expect.stringContaining('not the one that was read');
    expect(await bench.sync()).toEqual({ outcome: 'failed', reason });
    expect(bench.index.pointer?.pointer).toEqual(faster);
  });

  it('that nobody expects is thrown, and recorded when somebody asked for the run', async () => {
    bench.publish(first, '"one"');
    const dies = { index: dying(bench.index, 'has', 'before') };
    await expect(bench.invoke({ runId: 'asked-for' }, dies)).rejects.toThrow('died at has');
    expect(bench.journal.runs.get('asked-for')).toMatchObject({
      runId: 'asked-for',
      state: 'ended',
      startedAt: at(1),
      result: { outcome: 'failed', reason: 'died at has' },
    });
  });

  it('that cannot even be recorded shows both reasons', async () => {
    bench.publish(first, '"one"');
    const putRun = () => Promise.reject(new Error('died at putRun'));
    const dies = { index: dying(bench.index, 'has', 'before'), journal: altered(bench.journal, { putRun }) };
    await expect(bench.invoke({ runId: 'asked-for' }, dies)).rejects.toMatchObject({
      errors: [{ message: 'died at has' }, { message: 'died at putRun' }],
    });
  });

  it('of an origin that sends no end: a run stops at its signal', async () => {
    bench.origin.answer = (_request, response) => {
      response.writeHead(200);
      response.write('1');
    };
    const report = await bench.invoke({}, {}, AbortSignal.timeout(50));
    expect(report.result).toEqual({ outcome: 'failed', reason: expect.stringContaining('stopped') });
    expect(bench.index.staged.size).toBe(0);
  });

  it('of the store to send any more bytes ends with the time', async () => {
    bench.publish(first, '"one"');
    const openStaged = async () =>
      (async function* () {
        yield first.subarray(0, 100);
        await new Promise(() => {});
      })();
    const index = altered(bench.index, { openStaged });
    const { result } = await bench.invoke({}, { index }, AbortSignal.timeout(50));
    expect(result).toEqual({
      outcome: 'failed',
      reason: expect.stringMatching(/over at byte 100 of \d+ \(examining\)/),
    });
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('of the clock while facts are written is a result, and the pointer stays', async () => {
    bench.publish(first, '"one"');
    const time = new AbortController();
    const putFacts: typeof bench.catalog.putFacts = (catalog, options) => {
      time.abort();
      return bench.catalog.putFacts(catalog, options);
    };
    const { result } = await bench.invoke({}, { catalog: altered(bench.catalog, { putFacts }) }, time.signal);
    expect(result).toEqual({ outcome: 'failed', reason: expect.stringMatching(/time was over after \d+ facts/) });
    expect(bench.index.pointer).toBeUndefined();
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('of the store to say anything of the current catalogue ends with the time', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.publish(second, '"two"');
    const getSnapshot = () => new Promise<never>(() => {});
    const catalog = altered(bench.catalog, { getSnapshot });
    const { result } = await bench.invoke({}, { catalog }, AbortSignal.timeout(100));
    expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('the time was over') });
  });

  it('of the bytes to arrive gives the memory of the decoder back', async () => {
    const given = vi.spyOn(IndexExaminer.prototype, 'abort');
    try {
      bench.publish(first, '"one"');
      const openStaged = async () => streamOf(first.subarray(0, 1000), 100, new Error('broken off'));
      await expect(bench.sync({ index: altered(bench.index, { openStaged }) })).rejects.toThrow('broken off');
      expect(given).toHaveBeenCalledOnce();
    } finally {
      given.mockRestore();
    }
  });

  it('of the staging object to stay what was verified is seen before anything is written', async () => {
    bench.publish(first, '"one"');
    let opened = 0;
    const openStaged = async (copyId: string) => {
      opened += 1;
      return opened === 1 ? bench.index.openStaged(copyId) : streamOf(packIndex(moved));
    };
    const index = altered(bench.index, { openStaged });
    const reason = expect.stringContaining('not those that were verified');
    expect(await bench.sync({ index })).toEqual({ outcome: 'failed', reason });
    expect(bench.catalog.facts.size).toBe(0);
    expect(bench.index.pointer).toBeUndefined();
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('of the clock while the index is read is a result, and the next run reads it', async () => {
    bench.publish(first, '"one"');
    const time = new AbortController();
    const openStaged = (copyId: string) => {
      time.abort();
      return bench.index.openStaged(copyId);
    };
    const index = altered(bench.index, { openStaged });
    const { result } = await bench.invoke({}, { index }, time.signal);
    expect(result).toEqual({ outcome: 'failed', reason: expect.stringMatching(/the time was over at byte 0 of \d+/) });
    const requests = bench.origin.seen.length;
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
    expect(bench.origin.seen).toHaveLength(requests);
  });
});
