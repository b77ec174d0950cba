import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { translateCalls } from '../testing/e8-encoder.ts';
import { undoCallTranslation } from './e8.ts';

const size = 12_000_000;

describe('x86 call translation', () => {
  test('an absolute operand becomes relative to its instruction', () => {
    const frame = Uint8Array.of(0x90, 0xe8, 0x00, 0x10, 0x00, 0x00, ...new Uint8Array(20));
    undoCallTranslation(frame, 0x100, size);
    expect(new DataView(frame.buffer).getInt32(2, true)).toBe(0x1000 - 0x101);
  });

  test('a negative operand comes from beyond the translation size', () => {
    const frame = new Uint8Array(30);
    frame[0] = 0xe8;
    new DataView(frame.buffer).setInt32(1, -5, true);
    undoCallTranslation(frame, 5, size);
    expect(new DataView(frame.buffer).getInt32(1, true)).toBe(size - 5);
  });

  test('operands outside the range stay', () => {
    for (const operand of [size, 0x7fffffff, -6, -0x80000000]) {
      const frame = new Uint8Array(30);
      frame[0] = 0xe8;
      new DataView(frame.buffer).setInt32(1, operand, true);
      const before = frame.slice();
      undoCallTranslation(frame, 5, size);
      expect(frame).toEqual(before);
    }
  });

  test('operand bytes are not looked at for further calls', () => {
    const frame = Uint8Array.of(0xe8, 0xe8, 0x00, 0x00, 0x00, ...new Uint8Array(20));
    undoCallTranslation(frame, 0, size);
    expect([...frame.subarray(0, 6)]).toEqual([0xe8, 0xe8, 0, 0, 0, 0]);
    undoCallTranslation(frame, 1, size);
    expect([...frame.subarray(0, 6)]).toEqual([0xe8, 0xe7, 0, 0, 0, 0]);
  });

  test('the last ten bytes of a frame are never the beginning of a call', () => {
    for (const [length, changed] of [
      [10, false],
      [11, true],
    ] as const) {
      const frame = new Uint8Array(length);
      frame.set([0xe8, 100, 0, 0, 0]);
      undoCallTranslation(frame, 7, size);
      expect(frame[1]).toBe(changed ? 93 : 100);
    }
  });

  test('reverses what the encoder does', () => {
    const byte = fc.oneof(
      { weight: 1, arbitrary: fc.constant(0xe8) },
      fc.integer({ min: 0, max: 255 }),
      fc.constant(0),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 300 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (bytes, anySize) => {
        const stream = Uint8Array.from(bytes);
        const translated = translateCalls(stream, anySize);
        undoCallTranslation(translated, 0, anySize);
        expect(translated).toEqual(stream);
      }),
    );
  });
});
