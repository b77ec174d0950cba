import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import { type CapturedLog, captureLog, invoke } from '#test/kit/invoke.ts';
import { sha1 } from '#test/kit/values.ts';
import { type Delivery, queueHandler } from './queue-handler.ts';
import { createTelemetry } from './telemetry.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const record = (messageId: string, body: unknown, receiveCount = '1') => ({
  messageId,
  receiptHandle: 'handle',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  attributes: { ApproximateReceiveCount: receiveCount, SentTimestamp: '1' },
  eventSource: 'aws:sqs',
});
const message = (text: string) => ({ version: 1, sha1: sha1(text) });

const handlerOf = (run: (sha1: string, delivery: Delivery) => Promise<number>) =>
  queueHandler({
    telemetry: createTelemetry('a-service'),
    message: fetchPayloadMessage,
    run: (body, delivery) => run(body.sha1, delivery),
    measure: (bytes) => ({ PayloadBytes: bytes }),
    measureFailure: ({ receiveCount }) => ({ FetchFailed: 1, RequestsGivenUp: receiveCount > 2 ? 1 : 0 }),
  });
const failed = (...messageIds: string[]) => ({
  batchItemFailures: messageIds.map((itemIdentifier) => ({ itemIdentifier })),
});

describe('a batch', () => {
  it('is worked one record after the other, each with its delivery', async () => {
    const seen: unknown[] = [];
    let running = 0;
    const handler = handlerOf(async (digest, { messageId, receiveCount }) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise(setImmediate);
      running -= 1;
      seen.push([digest, messageId, receiveCount]);
      return 10;
    });
    const Records = [record('m1', message('a')), record('m2', message('b'), '3')];
    expect(await invoke(handler, { Records })).toEqual(failed());
    expect(seen).toEqual([
      [sha1('a'), 'm1', 1],
      [sha1('b'), 'm2', 3],
    ]);
    expect(log.metric('PayloadBytes')).toEqual([10, 10]);
  });

  it.each([
    ['not JSON', 'not json'],
    ['JSON of something else', { hello: 'world' }],
    ['of another version', { ...message('x'), version: 2 }],
    ['with a forged digest', { version: 1, sha1: '../../etc/passwd' }],
    ['empty', ''],
  ])('with a record that is %s fails that one only', async (_what, bad) => {
    const done: string[] = [];
    const handler = handlerOf(async (digest) => done.push(digest));
    const Records = [record('m1', message('a')), record('m2', bad, '3'), record('m3', message('c'))];
    expect(await invoke(handler, { Records })).toEqual(failed('m2'));
    expect(done).toEqual([sha1('a'), sha1('c')]);
    expect(log.metric('FetchFailed')).toEqual([1]);
    expect(log.metric('RequestsGivenUp')).toEqual([1]);
  });

  it('with a record whose work fails fails that one only, and says why in the log', async () => {
    const handler = handlerOf(async (digest) => {
      if (digest === sha1('b')) throw new Error('cut off');
      return 1;
    });
    const Records = ['a', 'b', 'c'].map((text) => record(text, message(text)));
    expect(await invoke(handler, { Records })).toEqual(failed('b'));
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        message: 'delivery failed',
        messageId: 'b',
        error: expect.objectContaining({ message: 'cut off' }),
      }),
    );
  });

  it.each([
    ['no event', undefined],
    ['an event of something else', { hello: 'world' }],
    ['records without message ids', { Records: [{ body: '{}' }] }],
  ])('that is %s is thrown, so that nothing is acknowledged by accident', async (_what, event) => {
    await expect(
      invoke(
        handlerOf(async () => 1),
        event,
      ),
    ).rejects.toThrow();
  });

  it('leaves records for their next delivery when its time is up', async () => {
    const begun: string[] = [];
    const handler = handlerOf(async (digest, { signal }) => {
      begun.push(digest);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw new Error('stopped');
    });
    const Records = [record('m1', message('a')), record('m2', message('b'))];
    expect(await invoke(handler, { Records }, 200)).toEqual(failed('m1', 'm2'));
    expect(begun).toEqual([sha1('a')]);
  });
});
