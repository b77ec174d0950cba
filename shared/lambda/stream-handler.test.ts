import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CapturedLog, captureLog, invoke } from '#test/kit/invoke.ts';
import { type RowChange, streamHandler } from './stream-handler.ts';
import { createTelemetry } from './telemetry.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const handlerOf = (run: (changes: readonly RowChange[]) => Promise<number>) =>
  streamHandler({
    telemetry: createTelemetry('a-service'),
    run,
    measure: (unreadable) => ({ UnreadableRows: unreadable }),
    otherwise: async (event) => ({ otherwise: event }),
  });

const record = (more: object) => ({
  eventID: '1',
  eventName: 'INSERT',
  eventSource: 'aws:dynamodb',
  dynamodb: { ApproximateCreationDateTime: 1_784_030_400, Keys: { id: { S: 'a' } }, SequenceNumber: '1', ...more },
});

describe('a function behind a stream', () => {
  it('gets rows in plain values', async () => {
    const seen: RowChange[] = [];
    const handler = handlerOf(async (changes) => seen.push(...changes));
    const NewImage = {
      id: { S: 'a' },
      number: { N: '-1.5e3' },
      yes: { BOOL: true },
      nothing: { NULL: true },
      bytes: { B: 'AP8=' },
      list: { L: [{ S: 'x' }, { M: { inner: { N: '1' } } }] },
      texts: { SS: ['x', 'y'] },
      numbers: { NS: ['1', '2'] },
      odd: { X: 1 },
      odder: 7,
    };
    expect(await invoke(handler, { Records: [record({ NewImage }), record({})] })).toBeUndefined();
    expect(seen).toEqual([
      {
        at: 1_784_030_400_000,
        keys: { id: 'a' },
        row: {
          id: 'a',
          number: -1500,
          yes: true,
          nothing: null,
          bytes: Uint8Array.of(0, 255),
          list: ['x', { inner: 1 }],
          texts: new Set(['x', 'y']),
          numbers: new Set([1, 2]),
          odd: undefined,
          odder: undefined,
        },
      },
      { at: 1_784_030_400_000, keys: { id: 'a' } },
    ]);
    expect(log.metric('UnreadableRows')).toEqual([2]);
  });

  it('fails its batch with whatever it throws, and with an event that is none of a stream', async () => {
    const handler = handlerOf(async () => {
      throw new Error('as asked');
    });
    await expect(invoke(handler, { Records: [record({})] })).rejects.toThrow('as asked');
    await expect(invoke(handler, { Records: [{ body: 'of a queue' }] })).rejects.toThrow();
    expect(log.lines.filter(({ message }) => message === 'the invocation failed')).toHaveLength(2);
  });

  it('leaves events that come from elsewhere to others', async () => {
    const handler = handlerOf(async () => 0);
    expect(await invoke(handler, { rebuild: true })).toEqual({ otherwise: { rebuild: true } });
    expect(await invoke(handler, null)).toEqual({ otherwise: null });
  });
});
