import { describe, expect, test } from 'vitest';
import { markup, randomBytes } from '../testing/corpus.ts';
import { lzxBlocks } from '../testing/folder-blocks.ts';
import { encodeLzx, type LzxOptions } from '../testing/lzx-encoder.ts';
import { LzxStream, literals, type Token, windowBits } from '../testing/lzx-stream.ts';
import { cabErrorOf } from '../testing/unpack.ts';

import { frameLength } from './format.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const decode = (frame: Uint8Array, length: number) => text(lzxBlocks(windowBits).decodeBlock(frame, length));

/** Compresses with the encoder and decodes; compares frame by frame. */
function roundTrip(data: Uint8Array, options: LzxOptions): number {
  const decoder = lzxBlocks(options.windowBits);
  const frames = encodeLzx(data, options);
  for (const [i, frame] of frames.entries()) {
    const expected = data.subarray(i * frameLength, (i + 1) * frameLength);
    const same = Buffer.compare(decoder.decodeBlock(frame, expected.length), expected) === 0;
    expect({ frame: i, same }).toEqual({ frame: i, same: true });
  }
  return frames.reduce((sum, frame) => sum + frame.length, 0);
}

describe('windows', () => {
  test.each([15, 16, 17, 18, 19, 20, 21])(
    '2^%i bytes: matches reach back to its beginning, again and again',
    (bits) => {
      const far = randomBytes(2 ** bits - 3, bits);
      const packed = roundTrip(Buffer.concat([far, far, far]), { windowBits: bits });
      expect(packed).toBeLessThan(far.length * 1.2);
    },
  );

  test('a decoder serves another folder after a reset', () => {
    const decoder = lzxBlocks(16);
    const first = encodeLzx(markup(20_000, 1), { windowBits: 16 });
    const second = markup(10_000, 2);
    const [frame = new Uint8Array(0)] = encodeLzx(second, { windowBits: 16, translateCalls: false });
    for (const block of first) decoder.decodeBlock(block, 20_000);
    decoder.reset();
    expect(text(decoder.decodeBlock(frame, second.length))).toBe(text(second));
    decoder.reset();
    const before = new LzxStream().verbatim(3, [0x41, { slot: 0, length: 2 }]).frame();
    expect(text(lzxBlocks(windowBits).decodeBlock(before, 3))).toBe('AAA');
    const tooFar = new LzxStream().verbatim(2, [{ slot: 0, length: 2 }]).frame();
    const used = lzxBlocks(windowBits);
    used.decodeBlock(before, 3);
    used.reset();
    expect(cabErrorOf(() => used.decodeBlock(tooFar, 2)).reason).toBe('LZX match reaches back before the first byte');
  });
});

describe('blocks', () => {
  test('old offsets are repeated and change places', () => {
    const tokens: Token[] = [
      ...literals('abcdefgh'),
      { slot: 3, length: 2 }, // offset 1
      { slot: 6, length: 2, footer: [1, 2] }, // offset 7
      { slot: 1, length: 2 }, // the second latest: 1
      { slot: 1, length: 3 }, // the second latest: 7
      { slot: 2, length: 2 }, // the third latest: 1, from the beginning
      { slot: 2, length: 2 }, // the third latest: 7
    ];
    const expected = ['abcdefgh', 'hh', 'de', 'ee', 'hhh', 'hh', 'ee'].join('');
    expect(decode(new LzxStream().verbatim(21, tokens).frame(), 21)).toBe(expected);
  });

  test('the longest match has 257 bytes', () => {
    const frame = new LzxStream().verbatim(258, [0x78, { slot: 0, length: 257 }]).frame();
    expect(decode(frame, 258)).toBe('x'.repeat(258));
  });

  test('an uncompressed block sets the offsets that are repeated', () => {
    const stream = new LzxStream().uncompressed(8, [4, 6, 8], Buffer.from('abcdefgh')).verbatim(6, [
      { slot: 0, length: 2 }, // 4 back: ef
      { slot: 1, length: 2 }, // 6 back: ef
      { slot: 2, length: 2 }, // 8 back: ef
    ]);
    expect(decode(stream.frame(), 14)).toBe('abcdefghefefef');
  });

  test('an uncompressed block of odd length has a pad byte', () => {
    const stream = new LzxStream().uncompressed(3, [1, 1, 1], Buffer.from('abc')).raw(Uint8Array.of(0x99));
    expect(decode(stream.verbatim(2, literals('de')).frame(), 5)).toBe('abcde');
  });

  test('the pad byte at the end of a frame may stand in this data block or in the next', () => {
    for (const here of [true, false]) {
      const stream = new LzxStream().verbatim(1, literals('!'));
      stream.uncompressed(frameLength - 1, [1, 1, 1], Buffer.alloc(frameLength - 1, '.'));
      if (here) stream.raw(Uint8Array.of(0));
      const first = stream.frame();
      if (!here) stream.raw(Uint8Array.of(0));
      const second = stream.verbatim(3, literals('end')).frame();
      const decoder = lzxBlocks(windowBits);
      expect(text(decoder.decodeBlock(first, frameLength))).toBe(`!${'.'.repeat(frameLength - 1)}`);
      expect(text(decoder.decodeBlock(second, 3))).toBe('end');
    }
  });

  test('after an uncompressed block over two frames the bit stream goes on at an odd byte', () => {
    const stream = new LzxStream().verbatim(1, literals('!'));
    // 32,767 bytes of it in the first frame and 3 in the second: even, so without a pad byte.
    stream.uncompressed(frameLength + 2, [1, 1, 1], Buffer.alloc(frameLength - 1, '.'));
    const first = stream.frame();
    const second = stream.raw(Buffer.from('abc')).verbatim(3, literals('end')).frame();
    const decoder = lzxBlocks(windowBits);
    decoder.decodeBlock(first, frameLength);
    expect(text(decoder.decodeBlock(second, 6))).toBe('abcend');
  });

  test('a compressed block goes on in the next frame, at a new word', () => {
    const stream = new LzxStream().verbatim(
      frameLength + 10,
      [...literals('a'.repeat(frameLength - 3)), ...literals('abc')],
      [
        ...literals('d'),
        { slot: 4, length: 9, footer: [0, 1] }, // offset 2, into the frame before
      ],
    );
    const first = stream.frame();
    const second = stream.rest().frame();
    const decoder = lzxBlocks(windowBits);
    expect(text(decoder.decodeBlock(first, frameLength)).slice(-4)).toBe('aabc');
    expect(text(decoder.decodeBlock(second, 10))).toBe('dcdcdcdcdc');
  });

  test.each(['verbatim', 'aligned', 'uncompressed'] as const)('%s blocks of any length', (blockType) => {
    const data = Buffer.concat([markup(50_001, 3), randomBytes(1001, 4), markup(49_999, 5)]);
    for (const blockLength of [512, 513, 32_767, 32_768, 32_769, 1_000_000]) {
      roundTrip(data, { windowBits: 15, blockType, blockLength });
      roundTrip(data, { windowBits: 21, blockType, blockLength, translateCalls: false });
    }
  });
});

describe('call translation', () => {
  const call = Uint8Array.of(0xe8, 0x00, 0x00, 0x10, 0x00, ...new Uint8Array(10));
  /** Operand of the call at the beginning of a frame. */
  const operand = (frame: Uint8Array) => new DataView(frame.buffer, frame.byteOffset).getInt32(1, true);

  test('is done when the stream says so, after any kind of block', () => {
    const tokens = [...call].map((byte): Token => byte);
    const shifted = [0x90, ...tokens];
    expect(text(lzxBlocks(15).decodeBlock(new LzxStream().verbatim(16, shifted).frame(), 16)).slice(2, 6)).toBe(
      '\0\0\x10\0',
    );
    const size = 12_000_000;
    const streams = [
      new LzxStream(size).verbatim(16, shifted),
      new LzxStream(size).uncompressed(16, [1, 1, 1], Uint8Array.of(0x90, ...call)),
      new LzxStream(size).uncompressed(2, [1, 1, 1], Uint8Array.of(0x90, 0xe8)).verbatim(14, tokens.slice(1)),
    ];
    for (const stream of streams) {
      const output = lzxBlocks(15).decodeBlock(stream.frame(), 16);
      expect(operand(output.subarray(1))).toBe(0x100000 - 1);
    }
  });

  test('does not touch what later matches refer to', () => {
    // The match repeats all sixteen bytes, with the call.
    const tokens: Token[] = [0x90, ...call, { slot: 8, length: 16, footer: [2, 3] }];
    const stream = new LzxStream(12_000_000);
    const output = lzxBlocks(15).decodeBlock(stream.verbatim(32, tokens).frame(), 32);
    expect(operand(output.subarray(1))).toBe(0x100000 - 1);
    expect(operand(output.subarray(17))).toBe(0x100000 - 17);
  });

  test('ends after 32,768 frames, which is 1 GiB', { timeout: 60_000 }, () => {
    const decoder = lzxBlocks(15);
    const framesPerBlock = 256;
    const raw = new Uint8Array(frameLength);
    raw.set([0xe8, 0x78, 0x56, 0x34, 0x00], 100);
    const stream = new LzxStream(12_000_000);
    const operands = new Map<number, number>();
    for (let frame = 0; frame <= 32_768; frame++) {
      const beginsBlock = frame % framesPerBlock === 0;
      const input = beginsBlock ? stream.uncompressed(framesPerBlock * frameLength, [1, 1, 1], raw).frame() : raw;
      operands.set(frame, operand(decoder.decodeBlock(input, frameLength).subarray(100)));
    }
    for (const frame of [0, 1, 1000, 32_767]) expect(operands.get(frame)).toBe(0x345678 - (frame * frameLength + 100));
    expect(operands.get(32_768)).toBe(0x345678);
  });
});
