import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markup } from '../testing/corpus.ts';
import { translateFrame } from '../testing/e8-encoder.ts';
import { lzxBlocks } from '../testing/folder-blocks.ts';
import { encodeLzx } from '../testing/lzx-encoder.ts';
import { LzxStream } from '../testing/lzx-stream.ts';
import { frameLength } from './format.ts';

const size = 12_000_000;

/** Decodes bytes that stand in uncompressed blocks, so that nothing but the call translation changes them. */
function untranslated(bytes: Uint8Array, translationSize = size): Uint8Array {
  const stream = new LzxStream(translationSize);
  const decoder = lzxBlocks(15);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += frameLength) {
    const frame = bytes.subarray(at, at + frameLength);
    const block = at === 0 ? stream.uncompressed(bytes.length, [1, 1, 1], frame) : stream.raw(frame);
    frames.push(decoder.decodeBlock(block.frame(), frame.length));
  }
  return Buffer.concat(frames);
}

/** A call with this operand at a place, among bytes that say nothing. */
function withCall(at: number, operand: number, length = at + 30): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[at] = 0xe8;
  new DataView(bytes.buffer).setInt32(at + 1, operand, true);
  return bytes;
}

const operandAt = (bytes: Uint8Array, at: number) => Buffer.from(bytes).readInt32LE(at + 1);

describe('x86 call translation', () => {
  test('an absolute operand becomes relative to its instruction', () => {
    expect(operandAt(untranslated(withCall(0x101, 0x1000)), 0x101)).toBe(0x1000 - 0x101);
    const second = frameLength + 17;
    expect(operandAt(untranslated(withCall(second, 0x100000)), second)).toBe(0x100000 - second);
  });

  test('a negative operand comes from beyond the translation size', () => {
    expect(operandAt(untranslated(withCall(5, -5)), 5)).toBe(size - 5);
  });

  test('operands outside the range stay', () => {
    for (const operand of [size, 0x7fffffff, -6, -0x80000000]) {
      const bytes = withCall(5, operand);
      expect(Buffer.compare(untranslated(bytes), bytes)).toBe(0);
    }
  });

  test('operand bytes are not looked at for further calls', () => {
    const bytes = (shift: number) => {
      const all = new Uint8Array(40);
      all.set([0xe8, 0xe8, 0x00, 0x00, 0x00], shift);
      return all;
    };
    expect([...untranslated(bytes(0)).subarray(0, 6)]).toEqual([0xe8, 0xe8, 0, 0, 0, 0]);
    expect([...untranslated(bytes(1)).subarray(1, 7)]).toEqual([0xe8, 0xe7, 0, 0, 0, 0]);
  });

  test('the last ten bytes of a frame are never the beginning of a call', () => {
    for (const length of [11, 16, 17, 27, 100, frameLength]) {
      const last = length - 10;
      expect(operandAt(untranslated(withCall(last, 100_000, length)), last)).toBe(100_000);
      expect(operandAt(untranslated(withCall(last - 1, 100_000, length)), last - 1)).toBe(100_000 - (last - 1));
    }
    const inTail = Uint8Array.of(0xe8, 100, 0, 0, 0, 0, 0, 0, 0, 0);
    expect([...untranslated(inTail)]).toEqual([...inTail]);
  });

  test('a size beyond 2^31 is read as it is', () => {
    expect(operandAt(untranslated(withCall(7, 0x7fffffff), 0xfffffff0), 7)).toBe(0x7fffffff - 7);
  });

  test('reverses what the encoder does', () => {
    const byte = fc.oneof(fc.constant(0xe8), fc.integer({ min: 0, max: 255 }), fc.constant(0));
    const bytes = fc.array(byte, { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (values, anySize) => {
        const stream = Uint8Array.from(values);
        const translated = Uint8Array.from(stream);
        translateFrame(translated, 0, anySize);
        expect(Buffer.compare(untranslated(translated, anySize), stream)).toBe(0);
      }),
    );
  });

  test.each([15, 16])(
    'frames whose calls are copies only are translated too, from one end of a window of 2^%i bytes',
    (bits) => {
      const target = 0x1000;
      const called = markup(frameLength, 7);
      for (const at of [0, 5000, frameLength - 15]) called[at] = 0xe8;
      const frames = 2 ** bits / frameLength;
      const plain = Array.from({ length: frames - 1 }, (_, i) => markup(frameLength, 20 + i));
      // Blocks are frames here, so that a tree tells of its own frame only; the third has no literals.
      const frameList = [
        markup(frameLength, 1),
        called,
        ...plain,
        called,
        markup(frameLength, 9),
        ...plain,
        ...plain,
        called,
      ];
      const data = Buffer.concat(frameList);
      for (const [i, frame] of frameList.entries()) {
        if (frame !== called) continue;
        for (const at of [0, 5000, frameLength - 15])
          data.writeInt32LE(target - (i * frameLength + at), i * frameLength + at + 1);
      }
      const decoder = lzxBlocks(bits);
      for (const [i, frame] of encodeLzx(data, { windowBits: bits, blockLength: frameLength }).entries()) {
        const expected = data.subarray(i * frameLength, (i + 1) * frameLength);
        expect({ i, same: Buffer.compare(decoder.decodeBlock(frame, frameLength), expected) }).toEqual({ i, same: 0 });
      }
    },
  );
});
