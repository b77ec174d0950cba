import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '#shared/stores/store-error.ts';
import { altered, dying, first, SyncBench, second, unavailable } from '#test/kit/sync-bench.ts';
import { at, sha256 } from '#test/kit/values.ts';
import { defaultLimits } from './ports.ts';

/** Small parts, so that a small index is many. */
const partBytes = 512;
const parts = Math.ceil(first.byteLength / partBytes);
const allParts = Array.from({ length: parts }, (_, at) => at);

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
  bench.limits = { ...defaultLimits, partBytes, partsInFlight: 2 };
});
afterEach(() => bench.close());

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
    expect(bench.partsAsked()).toEqual(allParts);
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
    expect(bench.goneOn).toEqual([{ continuations: 1 }]);
    bench.endsAt = bench.seconds + 300;
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
  });

  it('a copy that got nowhere starts nothing: the schedule goes on', async () => {
    bench.except(first, '"one"', (part) => part >= 1, unavailable);
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

  it('a chain of invocations is bounded also when the file changes in each of them', async () => {
    let event: (typeof bench.goneOn)[number] | undefined = {};
    let invocations = 0;
    for (; event !== undefined && invocations < 50; event = bench.goneOn.shift()) {
      bench.publish(first, `"${invocations}"`);
      bench.limits = { ...bench.limits, partBytes: 64, partsInFlight: 1, maxContinuations: 3 };
      bench.endsAt = bench.seconds + 20 + 60;
      invocations += 1;
      expect(await bench.invoke(event)).toMatchObject({ result: { outcome: 'continues' } });
    }
    expect(invocations).toBe(4);
  });

  it('a copy is not begun again when the file changes under it', async () => {
    bench.except(first, '"one"', (part) => part >= 2, unavailable);
    await bench.sync();
    const copy = await bench.journal.copy();
    bench.publish(second, '"two"');
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    bench.endsAt = bench.seconds + 60 + 3;
    bench.partsAsked();
    const reason = expect.stringMatching(/changed at the origin, and the time was over/);
    expect(await bench.sync()).toEqual({ outcome: 'failed', reason });
    expect(await bench.journal.copy()).toEqual(copy);
    bench.endsAt = 20 * 3600;
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(second) });
  });

  it('a run that waits to ask again stops, and that is no error', async () => {
    const time = new AbortController();
    bench.except(
      first,
      '"one"',
      (part) => part >= 2,
      (response) => response.writeHead(412).end(),
    );
    const sleep = async (): Promise<void> => {
      time.abort();
      time.signal.throwIfAborted();
    };
    const { result } = await bench.invoke({}, { sleep }, time.signal);
    expect(result).toEqual({ outcome: 'failed', reason: expect.stringMatching(/changed .* the time was over/) });
  });

  it('a part that the store does not take in is given up, and what arrived is kept', async () => {
    bench.publish(first, '"one"');
    bench.limits = { ...bench.limits, partsInFlight: 1 };
    const time = new AbortController();
    const upload = (copyId: string, uploadId: string) => {
      const known = bench.index.upload(copyId, uploadId);
      const put: typeof known.put = (part, bytes) => {
        if (part < 3) return known.put(part, bytes);
        time.abort();
        return new Promise(() => {});
      };
      return altered(known, { put });
    };
    const { result } = await bench.invoke({}, { index: altered(bench.index, { upload }) }, time.signal);
    expect(result).toMatchObject({ outcome: 'continues', bytes: 2 * partBytes, goesOn: 'invocation' });
  });

  it('parts in flight are given up at the signal, and what arrived is kept', async () => {
    const time = new AbortController();
    bench.except(
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
    bench.partsAsked();
    expect(await bench.sync()).toMatchObject({ outcome: 'published' });
    expect(bench.partsAsked()).toEqual(allParts.slice(2));
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
    bench.except(
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

  it('and that ended has no say any more in what becomes of its copy', async () => {
    bench.limits = { ...bench.limits, maxReadings: 1 };
    bench.except(first, '"one"', (part) => part >= 2, unavailable);
    expect((await bench.invoke({ runId: 'asked' })).result).toMatchObject({ outcome: 'failed' });
    const ended = bench.journal.runs.get('asked');
    let notes = 0;
    const putRun: typeof bench.journal.putRun = async (run) => {
      notes += 1;
      await bench.journal.putRun(run);
    };
    const journal = altered(bench.journal, { putRun });
    bench.publish(first, '"one"');
    // A run that is killed while it reads: by the schedule, so the next one by the schedule must refuse.
    let killed = false;
    const openStaged = () => {
      killed = true;
      return Promise.reject(new Error('killed'));
    };
    const putCopy: typeof bench.journal.putCopy = async (copy, known) => {
      if (!killed) await bench.journal.putCopy(copy, known);
    };
    const dies = { index: altered(bench.index, { openStaged }), journal: altered(journal, { putCopy }) };
    await expect(bench.sync(dies)).rejects.toThrow('killed');
    expect(await bench.journal.copy()).toMatchObject({ runIds: [], readings: 1 });
    expect(await bench.sync({ journal })).toMatchObject({ outcome: 'refused' });
    expect(bench.journal.runs.get('asked')).toEqual(ended);
    expect(notes).toBe(0);
  });

  it('whose row cannot be read does not stop the copy that waits for it', async () => {
    bench.except(first, '"one"', (part) => part >= 2, unavailable);
    await bench.invoke({ runId: 'asked' });
    bench.publish(first, '"one"');
    const run = () => Promise.reject(new StoreError('corrupt', 'it does not parse'));
    expect(await bench.sync({ journal: altered(bench.journal, { run }) })).toMatchObject({ outcome: 'published' });
  });

  it('that nobody asked for leaves no trace', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    expect(bench.journal.runs.size).toBe(0);
  });
});
