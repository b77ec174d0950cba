import { describe, expect, it } from 'vitest';
import { maximumPayloadBytes } from './lambda/sandbox.ts';
import { roomFor } from './stream-record.ts';

const record = (bytes: number) => ({ sequence: '1', createdAt: 0, json: 'x'.repeat(bytes) });

describe('a batch', () => {
  it('has as many records as fit into one invocation', () => {
    const half = record(maximumPayloadBytes / 2 - 200);
    expect(roomFor([half, half, half], 0)).toBe(2);
    expect(roomFor([half, half], maximumPayloadBytes / 2)).toBe(1);
    expect(roomFor([half], maximumPayloadBytes)).toBe(0);
    expect(roomFor([], 0)).toBe(0);
  });

  it('has one at least', () => {
    expect(roomFor([record(maximumPayloadBytes + 1), record(1)], 0)).toBe(1);
  });
});
