import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type CapturedLog, captureLog, invoke } from '#test/kit/invoke.ts';
import type { Invocation } from './invocation.ts';
import { scheduleHandler } from './schedule-handler.ts';
import { createTelemetry } from './telemetry.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const handlerOf = (run: (event: { runId?: string | undefined }, invocation: Invocation) => Promise<number>) =>
  scheduleHandler({
    telemetry: createTelemetry('a-service'),
    event: z.object({ runId: z.optional(z.string()) }),
    run,
    measure: (queued) => ({ RequestsQueued: queued, SyncFailed: 0 }),
    answer: (queued) => ({ queued }),
  });

describe('a scheduled function', () => {
  it('runs on what a scheduler sends, answers, logs and measures', async () => {
    const events: unknown[] = [];
    const handler = handlerOf(async (event) => events.push(event));
    expect(await invoke(handler, { version: '0', 'detail-type': 'Scheduled Event' })).toEqual({ queued: 1 });
    expect(await invoke(handler, { runId: 'r' })).toEqual({ queued: 2 });
    expect(events).toEqual([{}, { runId: 'r' }]);
    expect(log.metric('RequestsQueued')).toEqual([1, 2]);
    expect(log.lines.find((line) => line.message === 'finished')).toMatchObject({
      service: 'a-service',
      requestId: 'request-1',
      result: 1,
    });
    const emf = log.lines.find((line) => '_aws' in line);
    expect(emf).toMatchObject({
      service: 'a-service',
      _aws: { CloudWatchMetrics: [{ Namespace: 'kbroker', Dimensions: [['service']] }] },
    });
  });

  it('throws what it cannot do, after logging it', async () => {
    const handler = handlerOf(async () => {
      throw new Error('no table');
    });
    await expect(invoke(handler, {})).rejects.toThrow('no table');
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'ERROR', error: expect.objectContaining({ message: 'no table' }) }),
    );
    await expect(invoke(handler, { runId: 7 })).rejects.toThrow();
  });

  it('is told to stop before Lambda ends it, with time to clean up', async () => {
    let seen: Invocation | undefined;
    const handler = handlerOf(async (_event, invocation) => {
      seen = invocation;
      await new Promise((resolve) => invocation.signal.addEventListener('abort', resolve));
      return 0;
    });
    const startedAt = Date.now();
    await invoke(handler, {}, 400);
    expect(Date.now() - startedAt).toBeLessThan(400);
    expect(seen?.requestId).toBe('request-1');
    expect(Number(seen?.deadlineAt)).toBeGreaterThanOrEqual(startedAt + 390);
  });
});
