import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveRanges } from '#test/kit/origin.ts';
import { altered, dying, first, SyncBench, second } from '#test/kit/sync-bench.ts';
import { at, sha256 } from '#test/kit/values.ts';
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

/** Parts that were asked for since the last call, from 0; the first one also comes with the news of the index. */
function partsAsked(): number[] {
  const asked = bench.origin.seen.splice(0).flatMap(({ headers }) => {
    const from = /^bytes=(\d+)-/.exec(headers.range ?? '')?.[1];
    return from === undefined ? [] : Number(from) / partBytes;
  });
  return asked.sort((a, b) => a - b);
}

const allParts = Array.from({ length: parts }, (_, at) => at);

/** Answers all but the requests for these parts, which get an answer of the test's own. */
function except(
  bytes: Uint8Array,
  etag: string,
  hits: (part: number, request: number) => boolean,
  own: (response: ServerResponse) => void,
): void {
  const serve = serveRanges(bytes, etag);
  let requests = 0;
  bench.origin.answer = (request, response) => {
    const from = /^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
    requests += 1;
    if (request.headers['if-match'] !== undefined && hits(Number(from) / partBytes, requests)) own(response);
    else serve(request, response);
  };
}

const unavailable = (response: ServerResponse): void => {
  response.writeHead(503).end();
};

describe('a copy', () => {
  it('is made of parts that are each fetched once', async () => {
    bench.publish(first, '"one"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(partsAsked()).toEqual(allParts);
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
    except(first, '"one"', (part) => part >= 3, unavailable);
    expect(await bench.sync()).toEqual({ outcome: 'failed', reason: expect.stringContaining('503') });
    expect(bench.index.pointer).toBeUndefined();
    partsAsked();
    bench.publish(first, '"one"');
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(partsAsked()).toEqual(allParts.slice(3));
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
    partsAsked();
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(partsAsked()).toEqual(allParts.slice(kept));
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
    partsAsked();
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
    expect(partsAsked()).toHaveLength(secondParts + 4);
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
      except(second, '"two"', (part) => part >= 2, unavailable);
      expect(await bench.sync()).toMatchObject({ outcome: 'failed' });
      expect(await bench.journal.copy()).toMatchObject({ state: 'copying', etag: '"two"' });
      bench.seconds += hours * 3600;
      bench.endsAt += hours * 3600;
      bench.publish(first, '"one"');
      partsAsked();
      expect((await bench.sync(indexUrl === undefined ? {} : { indexUrl })).outcome).toMatch(/published|unchanged/);
      expect(partsAsked()).toEqual(allParts);
      expect(bench.index.uploads.size).toBe(0);
      expect(bench.index.pointer?.pointer.sha256).toBe(sha256(first));
    }
  });

  it('whose upload was dropped by somebody is begun anew', async () => {
    except(first, '"one"', (part) => part >= 2, unavailable);
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
    except(first, '"one"', (part) => part >= 3, unavailable);
    await bench.sync();
    bench.publish(first, '"one"');
    await Promise.allSettled([bench.sync(), bench.sync()]);
    await bench.sync();
    expect(bench.index.stored.get(sha256(first))?.equals(first)).toBe(true);
    expect(bench.index.uploads.size + bench.index.staged.size).toBe(0);
  });
});

describe('at the end of the time', () => {
  /** The clock ticks with each part: the invocation has time for about `count`. */
  const timeFor = (count: number): void => {
    bench.limits = { ...bench.limits, partsInFlight: 1, lastPartMilliseconds: 60_000 };
    bench.endsAt = bench.seconds + count + 60;
  };

  it('a copy stops, starts another invocation, and is published by that one', async () => {
    bench.publish(first, '"one"');
    await bench.journal.putRun({ version: 1, runId: 'asked', state: 'started', startedAt: at(0) });
    let copied = 0;
    let invocations = 0;
    let runs: { readonly runId?: string } | undefined = { runId: 'asked' };
    for (; runs !== undefined && invocations < 50; runs = bench.goneOn.shift()) {
      invocations += 1;
      timeFor(9);
      const { result } = await bench.invoke(runs);
      if (result.outcome !== 'continues') break;
      expect(result).toMatchObject({ of: first.byteLength, goesOn: 'invocation' });
      expect(result.bytes).toBeGreaterThan(copied);
      copied = result.bytes;
      expect(bench.index.pointer).toBeUndefined();
    }
    expect(invocations).toBeGreaterThan(2);
    expect(partsAsked()).toEqual(allParts);
    expect(bench.journal.runs.get('asked')).toMatchObject({
      state: 'ended',
      startedAt: at(0),
      result: { outcome: 'published' },
    });
  });

  it('an index is read by an invocation of its own when the copy took long', async () => {
    bench.publish(first, '"one"');
    bench.endsAt = 600;
    const { result } = await bench.invoke();
    expect(result).toEqual({
      outcome: 'continues',
      bytes: first.byteLength,
      of: first.byteLength,
      goesOn: 'invocation',
    });
    expect(bench.index.pointer).toBeUndefined();
    expect(bench.goneOn).toEqual([{}]);
    bench.endsAt = bench.seconds + 300;
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('a copy that got nowhere starts nothing: the schedule goes on', async () => {
    except(first, '"one"', (part) => part >= 1, unavailable);
    expect(await bench.sync()).toMatchObject({ outcome: 'failed' });
    bench.publish(first, '"one"');
    timeFor(0);
    const goesOn = { outcome: 'continues', bytes: partBytes, of: first.byteLength, goesOn: 'schedule' };
    expect(await bench.sync()).toEqual(goesOn);
    expect(bench.goneOn).toEqual([]);
    bench.endsAt = 20 * 3600;
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('a copy starts a bounded number of invocations, however slow the origin is', async () => {
    bench.limits = { ...bench.limits, partBytes: 64, maxContinuations: 3 };
    bench.publish(first, '"one"');
    for (let run = 0; run < 6; run += 1) {
      timeFor(9);
      bench.limits = { ...bench.limits, partBytes: 64, maxContinuations: 3 };
      const { result } = await bench.invoke();
      expect(result).toMatchObject({ outcome: 'continues', goesOn: run < 3 ? 'invocation' : 'schedule' });
    }
    expect(bench.goneOn).toHaveLength(3);
  });

  it('parts in flight are given up at the signal, and what arrived is kept', async () => {
    const time = new AbortController();
    except(
      first,
      '"one"',
      (part) => part >= 2,
      (response) => {
        response.writeHead(206, {
          etag: '"one"',
          'content-range': `bytes ${2 * partBytes}-${3 * partBytes - 1}/${first.byteLength}`,
        });
        response.write('and then nothing', () => time.abort());
      },
    );
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    const { result } = await bench.invoke({}, {}, time.signal);
    expect(result).toMatchObject({ outcome: 'continues', bytes: 2 * partBytes, goesOn: 'invocation' });
    bench.publish(first, '"one"');
    partsAsked();
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
    expect(partsAsked()).toEqual(allParts.slice(2));
  });
});

describe('a run that somebody asked for', () => {
  it('is told how far it is, at a bounded rate', async () => {
    const notes: string[] = [];
    const putRun: typeof bench.journal.putRun = async (run) => {
      const { phase, at: _, ...counts } = run.progress ?? {};
      notes.push(run.state === 'ended' ? 'ended' : `${phase} ${Object.values(counts).join(' ')}`);
      await bench.journal.putRun(run);
    };
    bench.publish(first, '"one"');
    bench.limits = { ...bench.limits, progressMilliseconds: 4_000 };
    await bench.invoke({ runId: 'asked' }, { journal: altered(bench.journal, { putRun }) });
    expect(notes[0]).toBe(`copying 0 ${first.byteLength}`);
    expect(notes.slice(-3)).toEqual([expect.stringMatching(/^decoding \d+ \d+$/), 'publishing 0', 'ended']);
    const copying = notes.filter((note) => note.startsWith('copying'));
    expect(copying.length).toBeGreaterThan(2);
    expect(copying.length).toBeLessThan(parts);
  });

  it('is not lost with a note that cannot be written', async () => {
    bench.publish(first, '"one"');
    const putRun: typeof bench.journal.putRun = (run) =>
      run.state === 'ended' ? bench.journal.putRun(run) : Promise.reject(new Error('throttled'));
    await bench.invoke({ runId: 'asked' }, { journal: altered(bench.journal, { putRun }) });
    expect(bench.journal.runs.get('asked')).toMatchObject({ state: 'ended', result: { outcome: 'published' } });
  });

  it('ends with the copy it waits for, whoever brings that to its end', async () => {
    except(
      first,
      '"one"',
      (part) => part >= 2,
      (response) => response.destroy(),
    );
    // The process of the first run dies without a word.
    const upload = (copyId: string, uploadId: string) => dying(bench.index.upload(copyId, uploadId), 'put', 'after');
    const putRun: typeof bench.journal.putRun = async (run) => {
      if (run.state !== 'ended') await bench.journal.putRun(run);
    };
    const dies = { index: altered(bench.index, { upload }), journal: altered(bench.journal, { putRun }) };
    await expect(bench.invoke({ runId: 'first' }, dies)).rejects.toThrow('died');
    expect(bench.journal.runs.get('first')).toMatchObject({ state: 'started', progress: { phase: 'copying' } });

    bench.publish(first, '"one"');
    await bench.invoke({ runId: 'second' });
    for (const runId of ['first', 'second'])
      expect(bench.journal.runs.get(runId)).toMatchObject({ state: 'ended', result: { outcome: 'published' } });
  });

  it('that nobody asked for leaves no trace', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    expect(bench.journal.runs.size).toBe(0);
  });
});
