import { describe, expect, test } from 'vitest';
import { markup, randomBytes } from '../testing/corpus.ts';
import { lzxBlocks } from '../testing/folder-blocks.ts';
import { encodeLzx } from '../testing/lzx-encoder.ts';
import { codeFor, LzxStream, literals, mainSymbols, type Token, windowBits } from '../testing/lzx-stream.ts';
import { cabErrorOf } from '../testing/unpack.ts';

import { blockTypes, frameLength, lengthSymbols, literalSymbols } from './format.ts';

describe('damage to an LZX block', () => {
  const fault = (frame: Uint8Array, length: number) =>
    cabErrorOf(() => lzxBlocks(windowBits).decodeBlock(frame, length));

  test.each([0, 4, 5, 6, 7])('block type %i does not exist', (type) => {
    const error = fault(new LzxStream().header(type, 10).frame(), 10);
    expect(error).toMatchObject({ code: 'bad-data', reason: `LZX block type ${type} does not exist` });
  });

  test('every cut of a block is noticed', () => {
    const data = Buffer.concat([markup(600, 1), randomBytes(700, 2), markup(500, 3)]);
    for (const blockType of ['verbatim', 'aligned', 'uncompressed'] as const) {
      const [frame = new Uint8Array(0)] = encodeLzx(data, { windowBits, blockType, blockLength: 600 });
      const decoder = lzxBlocks(windowBits);
      const pad = blockType === 'uncompressed' ? 0 : 2;
      for (let length = 0; length < frame.length - pad; length++) {
        decoder.reset();
        const error = cabErrorOf(() => decoder.decodeBlock(frame.subarray(0, length), data.length));
        expect(error.code).toBe('bad-data');
      }
    }
  });

  test('a match before the first byte, or with an offset of 0 or beyond the window', () => {
    const reason = 'LZX match reaches back before the first byte';
    expect(fault(new LzxStream().verbatim(3, [0x41, { slot: 4, length: 2, footer: [0, 1] }]).frame(), 3).reason).toBe(
      reason,
    );
    for (const offset of [0, 9, 32_769, 0xffffffff]) {
      const stream = new LzxStream().uncompressed(8, [offset, 1, 1], Buffer.from('abcdefgh'));
      expect(fault(stream.verbatim(2, [{ slot: 0, length: 2 }]).frame(), 10).reason).toBe(reason);
    }
  });

  test('a match beyond the end of its block or frame', () => {
    const reason = 'LZX match goes beyond the end of its block or frame';
    const tokens: Token[] = [0x41, { slot: 0, length: 3 }];
    expect(fault(new LzxStream().verbatim(3, tokens).verbatim(1, literals('x')).frame(), 4).reason).toBe(reason);
    expect(fault(new LzxStream().verbatim(4, tokens).frame(), 3).reason).toBe(reason);
  });

  test('a match with a length symbol when the length tree is empty', () => {
    // The main symbol asks for a length symbol, and there is none.
    const main = codeFor([0x41, literalSymbols + 7], mainSymbols);
    const out = new LzxStream().header(blockTypes.verbatim, 20).trees(main.lengths, new Uint8Array(lengthSymbols)).out;
    out.write(0b01, 2);
    out.write(0, 16);
    expect(fault(out.takeFrame(), 20).reason).toBe('LZX match uses an empty length tree');
  });

  test('trees that are no complete code', () => {
    const aligned = (lengths: number[]) => {
      const stream = new LzxStream().header(blockTypes.aligned, 10);
      for (const length of lengths) stream.out.write(length, 3);
      return fault(stream.frame(), 10).reason;
    };
    expect(aligned([1, 1, 1, 0, 0, 0, 0, 0])).toBe('LZX aligned offset tree is oversubscribed');
    expect(aligned([1, 2, 0, 0, 0, 0, 0, 0])).toBe('LZX aligned offset tree is incomplete');
    expect(aligned([0, 0, 0, 0, 0, 0, 0, 0])).toBe('LZX aligned offset tree is empty');

    const preTree = (lengths: Record<number, number>, ...codes: [number, number][]) => {
      const stream = new LzxStream().header(blockTypes.verbatim, 10);
      for (let i = 0; i < 20; i++) stream.out.write(lengths[i] ?? 0, 4);
      for (const code of codes) stream.out.write(...code);
      stream.out.align();
      stream.raw(new Uint8Array(100));
      return fault(stream.frame(), 10).reason;
    };
    expect(preTree({})).toBe('LZX pretree is empty');
    expect(preTree({ 3: 1 })).toBe('LZX pretree is incomplete');
    expect(preTree({ 3: 1, 4: 1, 5: 1 })).toBe('LZX pretree is oversubscribed');
    expect(preTree({ 18: 1, 19: 1 }, [1, 1], [0, 1], [1, 1])).toBe('LZX pretree: a run of a run');
    const longRuns = Array.from({ length: 6 }, (): [number, number] => [31, 6]);
    expect(preTree({ 18: 1, 19: 1 }, ...longRuns)).toBe('LZX code lengths run beyond their tree');

    const trees = (main: number[], length: number[]) => {
      const lengths = [new Uint8Array(mainSymbols), new Uint8Array(lengthSymbols)] as const;
      lengths[0].set(main);
      lengths[1].set(length);
      return fault(
        new LzxStream()
          .header(blockTypes.verbatim, 10)
          .trees(...lengths)
          .frame(),
        10,
      ).reason;
    };
    expect(trees([], [])).toBe('LZX main tree is empty');
    expect(trees([1, 2], [])).toBe('LZX main tree is incomplete');
    expect(trees([1, 1, 2], [])).toBe('LZX main tree is oversubscribed');
    expect(trees([1, 1], [1])).toBe('LZX length tree is incomplete');
    expect(trees([1, 1], [1, 1, 16])).toBe('LZX length tree is oversubscribed');
  });

  test('a frame after a short one, and a frame that is too long', () => {
    const decoder = lzxBlocks(windowBits);
    decoder.decodeBlock(new LzxStream().verbatim(3, literals('abc')).frame(), 3);
    expect(cabErrorOf(() => decoder.decodeBlock(new Uint8Array(10), 1)).reason).toBe(
      'LZX frame after one that was shorter than 32,768 bytes',
    );
    expect(fault(new Uint8Array(10), frameLength + 1).reason).toBe('LZX frame of 32769 bytes; at most 32768');
  });
});
