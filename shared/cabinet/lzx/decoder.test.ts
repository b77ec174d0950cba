import { describe, expect, test } from 'vitest';
import { BitWriter } from '../testing/bit-writer.ts';
import { markup, randomBytes } from '../testing/corpus.ts';
import { type HuffmanCode, huffmanCode } from '../testing/huffman-code.ts';
import { encodeLzx, type LzxOptions } from '../testing/lzx-encoder.ts';
import { codeLengthsOf } from '../testing/lzx-trees.ts';
import { cabErrorOf } from '../testing/unpack.ts';
import { LzxDecoder } from './decoder.ts';
import { blockTypes, frameLength, lengthSymbols, literalSymbols, positionSlots } from './format.ts';

/** Streams written bit by bit, for a window of 2^15 bytes. */
const windowBits = 15;
const mainSymbols = literalSymbols + 8 * positionSlots(windowBits);

/** One symbol of a compressed block: a literal, or a match with what follows its main symbol. */
type Token = number | { slot: number; length: number; footer?: [value: number, bits: number] };

const literals = (text: string): Token[] => [...text].map((letter) => letter.charCodeAt(0));

const mainSymbol = (token: Token) =>
  typeof token === 'number' ? token : literalSymbols + token.slot * 8 + Math.min(token.length - 2, 7);
const lengthSymbol = (token: Token) => (typeof token === 'object' && token.length >= 9 ? [token.length - 9] : []);

class Stream {
  readonly out = new BitWriter();
  #main: Uint8Array = new Uint8Array(mainSymbols);
  #length: Uint8Array = new Uint8Array(lengthSymbols);
  #rest: () => void = () => undefined;

  /** @param translationSize 0 for no call translation */
  constructor(translationSize = 0) {
    if (translationSize === 0) this.out.write(0, 1);
    else {
      this.out.write(1, 1);
      this.out.write(translationSize >>> 16, 16);
      this.out.write(translationSize & 0xffff, 16);
    }
  }

  header(type: number, length: number): this {
    this.out.write(type, 3);
    this.out.write(length >>> 16, 8);
    this.out.write(length & 0xffff, 16);
    return this;
  }

  trees(main: Uint8Array, length: Uint8Array): this {
    codeLengthsOf(main.subarray(0, literalSymbols), this.#main.subarray(0, literalSymbols)).write(this.out);
    codeLengthsOf(main.subarray(literalSymbols), this.#main.subarray(literalSymbols)).write(this.out);
    codeLengthsOf(length, this.#length).write(this.out);
    this.#main = main;
    this.#length = length;
    return this;
  }

  /** A block with trees for all its tokens, of which {@link rest} writes the later ones. */
  verbatim(length: number, tokens: readonly Token[], later: readonly Token[] = []): this {
    const all = [...tokens, ...later];
    const main = codeFor(all.map(mainSymbol), mainSymbols);
    const lengths = codeFor(all.flatMap(lengthSymbol), lengthSymbols);
    this.header(blockTypes.verbatim, length).trees(main.lengths, lengths.lengths);
    const write = (token: Token) => {
      this.#put(main, mainSymbol(token));
      for (const symbol of lengthSymbol(token)) this.#put(lengths, symbol);
      if (typeof token === 'object' && token.footer !== undefined) this.out.write(...token.footer);
    };
    for (const token of tokens) write(token);
    this.#rest = () => {
      for (const token of later) write(token);
    };
    return this;
  }

  rest(): this {
    this.#rest();
    return this;
  }

  uncompressed(length: number, offsets: readonly [number, number, number], bytes: Uint8Array): this {
    this.header(blockTypes.uncompressed, length);
    this.out.alignForBytes();
    const view = new DataView(new ArrayBuffer(12));
    for (const [i, offset] of offsets.entries()) view.setUint32(i * 4, offset, true);
    return this.raw(new Uint8Array(view.buffer)).raw(bytes);
  }

  raw(bytes: Uint8Array): this {
    this.out.writeBytes(bytes);
    return this;
  }

  frame(): Uint8Array {
    return this.out.takeFrame();
  }

  #put(code: HuffmanCode, symbol: number): void {
    this.out.write(code.codes[symbol] ?? 0, code.lengths[symbol] ?? 0);
  }
}

function codeFor(used: readonly number[], symbols: number): HuffmanCode {
  const frequencies = new Uint32Array(symbols);
  for (const symbol of used) frequencies[symbol] = (frequencies[symbol] ?? 0) + 1;
  return huffmanCode(frequencies, 16);
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const decode = (frame: Uint8Array, length: number) => text(new LzxDecoder(windowBits).decodeBlock(frame, length));

/** Compresses with the encoder and decodes; compares frame by frame. */
function roundTrip(data: Uint8Array, options: LzxOptions): number {
  const decoder = new LzxDecoder(options.windowBits);
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
    const decoder = new LzxDecoder(16);
    const first = encodeLzx(markup(20_000, 1), { windowBits: 16 });
    const second = markup(10_000, 2);
    const [frame = new Uint8Array(0)] = encodeLzx(second, { windowBits: 16, translateCalls: false });
    for (const block of first) decoder.decodeBlock(block, 20_000);
    decoder.reset();
    expect(text(decoder.decodeBlock(frame, second.length))).toBe(text(second));
    decoder.reset();
    const before = new Stream().verbatim(3, [0x41, { slot: 0, length: 2 }]).frame();
    expect(text(new LzxDecoder(windowBits).decodeBlock(before, 3))).toBe('AAA');
    const tooFar = new Stream().verbatim(2, [{ slot: 0, length: 2 }]).frame();
    const used = new LzxDecoder(windowBits);
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
    expect(decode(new Stream().verbatim(21, tokens).frame(), 21)).toBe(expected);
  });

  test('the longest match has 257 bytes', () => {
    const frame = new Stream().verbatim(258, [0x78, { slot: 0, length: 257 }]).frame();
    expect(decode(frame, 258)).toBe('x'.repeat(258));
  });

  test('an uncompressed block sets the offsets that are repeated', () => {
    const stream = new Stream().uncompressed(8, [4, 6, 8], Buffer.from('abcdefgh')).verbatim(6, [
      { slot: 0, length: 2 }, // 4 back: ef
      { slot: 1, length: 2 }, // 6 back: ef
      { slot: 2, length: 2 }, // 8 back: ef
    ]);
    expect(decode(stream.frame(), 14)).toBe('abcdefghefefef');
  });

  test('an uncompressed block of odd length has a pad byte', () => {
    const stream = new Stream().uncompressed(3, [1, 1, 1], Buffer.from('abc')).raw(Uint8Array.of(0x99));
    expect(decode(stream.verbatim(2, literals('de')).frame(), 5)).toBe('abcde');
  });

  test('the pad byte at the end of a frame may stand in this data block or in the next', () => {
    for (const here of [true, false]) {
      const stream = new Stream().verbatim(1, literals('!'));
      stream.uncompressed(frameLength - 1, [1, 1, 1], Buffer.alloc(frameLength - 1, '.'));
      if (here) stream.raw(Uint8Array.of(0));
      const first = stream.frame();
      if (!here) stream.raw(Uint8Array.of(0));
      const second = stream.verbatim(3, literals('end')).frame();
      const decoder = new LzxDecoder(windowBits);
      expect(text(decoder.decodeBlock(first, frameLength))).toBe(`!${'.'.repeat(frameLength - 1)}`);
      expect(text(decoder.decodeBlock(second, 3))).toBe('end');
    }
  });

  test('after an uncompressed block over two frames the bit stream goes on at an odd byte', () => {
    const stream = new Stream().verbatim(1, literals('!'));
    // 32,767 bytes of it in the first frame and 3 in the second: even, so without a pad byte.
    stream.uncompressed(frameLength + 2, [1, 1, 1], Buffer.alloc(frameLength - 1, '.'));
    const first = stream.frame();
    const second = stream.raw(Buffer.from('abc')).verbatim(3, literals('end')).frame();
    const decoder = new LzxDecoder(windowBits);
    decoder.decodeBlock(first, frameLength);
    expect(text(decoder.decodeBlock(second, 6))).toBe('abcend');
  });

  test('a compressed block goes on in the next frame, at a new word', () => {
    const stream = new Stream().verbatim(
      frameLength + 10,
      [...literals('a'.repeat(frameLength - 3)), ...literals('abc')],
      [
        ...literals('d'),
        { slot: 4, length: 9, footer: [0, 1] }, // offset 2, into the frame before
      ],
    );
    const first = stream.frame();
    const second = stream.rest().frame();
    const decoder = new LzxDecoder(windowBits);
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
    expect(text(new LzxDecoder(15).decodeBlock(new Stream().verbatim(16, shifted).frame(), 16)).slice(2, 6)).toBe(
      '\0\0\x10\0',
    );
    const size = 12_000_000;
    const streams = [
      new Stream(size).verbatim(16, shifted),
      new Stream(size).uncompressed(16, [1, 1, 1], Uint8Array.of(0x90, ...call)),
      new Stream(size).uncompressed(2, [1, 1, 1], Uint8Array.of(0x90, 0xe8)).verbatim(14, tokens.slice(1)),
    ];
    for (const stream of streams) {
      const output = new LzxDecoder(15).decodeBlock(stream.frame(), 16);
      expect(operand(output.subarray(1))).toBe(0x100000 - 1);
    }
  });

  test('does not touch what later matches refer to', () => {
    // The match repeats all sixteen bytes, with the call.
    const tokens: Token[] = [0x90, ...call, { slot: 8, length: 16, footer: [2, 3] }];
    const stream = new Stream(12_000_000);
    const output = new LzxDecoder(15).decodeBlock(stream.verbatim(32, tokens).frame(), 32);
    expect(operand(output.subarray(1))).toBe(0x100000 - 1);
    expect(operand(output.subarray(17))).toBe(0x100000 - 17);
  });

  test('ends after 32,768 frames, which is 1 GiB', { timeout: 60_000 }, () => {
    const decoder = new LzxDecoder(15);
    const framesPerBlock = 256;
    const raw = new Uint8Array(frameLength);
    raw.set([0xe8, 0x78, 0x56, 0x34, 0x00], 100);
    const stream = new Stream(12_000_000);
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

describe('damage', () => {
  const fault = (frame: Uint8Array, length: number) =>
    cabErrorOf(() => new LzxDecoder(windowBits).decodeBlock(frame, length));

  test.each([0, 4, 5, 6, 7])('block type %i does not exist', (type) => {
    const error = fault(new Stream().header(type, 10).frame(), 10);
    expect(error).toMatchObject({ code: 'bad-data', reason: `LZX block type ${type} does not exist` });
  });

  test('every cut of a block is noticed', () => {
    const data = Buffer.concat([markup(600, 1), randomBytes(700, 2), markup(500, 3)]);
    for (const blockType of ['verbatim', 'aligned', 'uncompressed'] as const) {
      const [frame = new Uint8Array(0)] = encodeLzx(data, { windowBits, blockType, blockLength: 600 });
      const pad = blockType === 'uncompressed' ? 0 : 2;
      for (let length = 0; length < frame.length - pad; length++) {
        expect(fault(frame.subarray(0, length), data.length).code).toBe('bad-data');
      }
    }
  });

  test('a match before the first byte, or with an offset of 0 or beyond the window', () => {
    const reason = 'LZX match reaches back before the first byte';
    expect(fault(new Stream().verbatim(3, [0x41, { slot: 4, length: 2, footer: [0, 1] }]).frame(), 3).reason).toBe(
      reason,
    );
    for (const offset of [0, 9, 32_769, 0xffffffff]) {
      const stream = new Stream().uncompressed(8, [offset, 1, 1], Buffer.from('abcdefgh'));
      expect(fault(stream.verbatim(2, [{ slot: 0, length: 2 }]).frame(), 10).reason).toBe(reason);
    }
  });

  test('a match beyond the end of its block or frame', () => {
    const reason = 'LZX match goes beyond the end of its block or frame';
    const tokens: Token[] = [0x41, { slot: 0, length: 3 }];
    expect(fault(new Stream().verbatim(3, tokens).verbatim(1, literals('x')).frame(), 4).reason).toBe(reason);
    expect(fault(new Stream().verbatim(4, tokens).frame(), 3).reason).toBe(reason);
  });

  test('a match with a length symbol when the length tree is empty', () => {
    // The main symbol asks for a length symbol, and there is none.
    const main = codeFor([0x41, literalSymbols + 7], mainSymbols);
    const out = new Stream().header(blockTypes.verbatim, 20).trees(main.lengths, new Uint8Array(lengthSymbols)).out;
    out.write(0b01, 2);
    out.write(0, 16);
    expect(fault(out.takeFrame(), 20).reason).toBe('LZX match uses an empty length tree');
  });

  test('trees that are no complete code', () => {
    const aligned = (lengths: number[]) => {
      const stream = new Stream().header(blockTypes.aligned, 10);
      for (const length of lengths) stream.out.write(length, 3);
      return fault(stream.frame(), 10).reason;
    };
    expect(aligned([1, 1, 1, 0, 0, 0, 0, 0])).toBe('LZX aligned offset tree is oversubscribed');
    expect(aligned([1, 2, 0, 0, 0, 0, 0, 0])).toBe('LZX aligned offset tree is incomplete');
    expect(aligned([0, 0, 0, 0, 0, 0, 0, 0])).toBe('LZX aligned offset tree is empty');

    const preTree = (lengths: Record<number, number>, ...codes: [number, number][]) => {
      const stream = new Stream().header(blockTypes.verbatim, 10);
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
        new Stream()
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
    const decoder = new LzxDecoder(windowBits);
    decoder.decodeBlock(new Stream().verbatim(3, literals('abc')).frame(), 3);
    expect(cabErrorOf(() => decoder.decodeBlock(new Uint8Array(10), 1)).reason).toBe(
      'LZX frame after one that was shorter than 32,768 bytes',
    );
    expect(fault(new Uint8Array(10), frameLength + 1).reason).toBe('LZX frame of 32769 bytes; at most 32768');
  });
});
