import {
  alignedSymbols,
  blockTypes,
  frameLength,
  lengthSymbols,
  literalSymbols,
  positionSlots,
} from '../lzx/format.ts';
import { BitWriter } from './bit-writer.ts';
import { translateFrame } from './e8-encoder.ts';
import { type HuffmanCode, huffmanCode } from './huffman-code.ts';
import { type BlockCode, costOf, writeTokens } from './lzx-block.ts';
import {
  countSymbols,
  cutAtFrame,
  frameEnd,
  literal,
  type RecentOffsets,
  Tokenizer,
  type Tokens,
} from './lzx-tokens.ts';
import { codeLengthsOf } from './lzx-trees.ts';

/** Translation size that Microsoft's encoder always writes. */
const microsoftTranslationSize = 12_000_000;
/** Below this a frame of many small blocks could outgrow what a CFDATA block may hold. */
const minBlockLength = 512;
const maxBlockLength = 2 ** 24 - 1;
/** No multiple of a frame, so that blocks begin anywhere in a frame and reach over frames. */
const defaultBlockLength = 100_000;
/**
 * Bytes that a frame may grow by when compressed. Beyond it uncompressed blocks follow, of which 64 of the least length
 * take 1.2 KB, so that a frame stays below the 6 KiB of growth that readers provide for.
 */
const maxGrowth = 4096;
/** What is received beyond the window before the window is moved to the front. */
const slideLength = 2 ** 22;

/** Choices of the LZX encoder. */
export interface LzxOptions {
  /** Binary logarithm of the window's size. */
  readonly windowBits: number;
  /** @default the smallest of the three for each block, and `uncompressed` where nothing is gained */
  readonly blockType?: 'verbatim' | 'aligned' | 'uncompressed';
  /** Unpacked bytes of a block, 512 to 16,777,215. @default 100,000 */
  readonly blockLength?: number;
  /** Translate x86 calls and say so, as Microsoft's encoder always does. @default true */
  readonly translateCalls?: boolean;
}

/** Compresses one folder's stream. Returns the data of its CFDATA blocks, one for each 32,768 bytes. */
export function encodeLzx(stream: Uint8Array, options: LzxOptions): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const encoder = new LzxEncoder(options, (data) => void frames.push(data), stream.length);
  encoder.write(stream);
  encoder.end();
  return frames;
}

/** Compresses one folder's stream as it comes, with memory for the window and a few blocks only. */
export class LzxEncoder {
  readonly #options: LzxOptions;
  readonly #onFrame: (data: Uint8Array, unpacked: number) => void;
  readonly #tokenizer: Tokenizer;
  readonly #windowSize: number;
  readonly #mainSymbols: number;
  readonly #blockLength: number;
  readonly #out = new BitWriter();
  /** Position in the stream up to which bytes were written, translated, and made into blocks. */
  #received = 0;
  #translated = 0;
  #encoded = 0;
  /** Position up to which the frames were handed over. */
  #handedOver = 0;
  #mainBefore: Uint8Array;
  #lengthBefore: Uint8Array = new Uint8Array(lengthSymbols);
  #recent: RecentOffsets = [1, 1, 1];

  /**
   * @param onFrame called with the data of each CFDATA block and the bytes it stands for, 32,768 but for the last
   * @param streamLength when it is known, less memory is taken for short streams
   */
  constructor(
    options: LzxOptions,
    onFrame: (data: Uint8Array, unpacked: number) => void,
    streamLength = Number.POSITIVE_INFINITY,
  ) {
    const blockLength = options.blockLength ?? defaultBlockLength;
    if (!Number.isInteger(blockLength) || blockLength < minBlockLength || blockLength > maxBlockLength) {
      throw new RangeError(`blockLength is ${blockLength}; ${minBlockLength} to ${maxBlockLength} go`);
    }
    this.#blockLength = blockLength;
    this.#options = options;
    this.#onFrame = onFrame;
    this.#mainSymbols = literalSymbols + 8 * positionSlots(options.windowBits);
    this.#mainBefore = new Uint8Array(this.#mainSymbols);
    this.#windowSize = 2 ** options.windowBits;
    const room = this.#windowSize + Math.max(slideLength, 2 * (blockLength + frameLength));
    const places = Math.min(this.#windowSize, 2 ** Math.ceil(Math.log2(streamLength + 1)));
    this.#tokenizer = new Tokenizer(new Uint8Array(Math.min(room, streamLength)), this.#windowSize, places);
    if (this.#translates) {
      this.#out.write(1, 1);
      this.#out.write(microsoftTranslationSize >>> 16, 16);
      this.#out.write(microsoftTranslationSize & 0xffff, 16);
    } else {
      this.#out.write(0, 1);
    }
  }

  get #translates(): boolean {
    return this.#options.translateCalls ?? true;
  }

  write(bytes: Uint8Array): void {
    const { data } = this.#tokenizer;
    for (let at = 0; at < bytes.length; ) {
      let room = this.#tokenizer.base + data.length - this.#received;
      if (room === 0) {
        this.#slide();
        room = this.#tokenizer.base + data.length - this.#received;
      }
      const part = bytes.subarray(at, at + room);
      data.set(part, this.#received - this.#tokenizer.base);
      this.#received += part.length;
      at += part.length;
      this.#encodeWholeBlocks();
    }
  }

  /** No more bytes come. */
  end(): void {
    this.#translateUpTo(this.#received);
    while (this.#encoded < this.#received) {
      this.#encodeBlock(this.#encoded, Math.min(this.#encoded + this.#blockLength, this.#received));
    }
    if (this.#received % frameLength !== 0) this.#takeFrame(this.#received);
  }

  /** Whole frames only are translated, so that a block waits for the end of the frame that it ends in. */
  #encodeWholeBlocks(): void {
    for (;;) {
      const end = this.#encoded + this.#blockLength;
      const until = Math.ceil(end / frameLength) * frameLength;
      if (until > this.#received) return;
      this.#translateUpTo(until);
      this.#encodeBlock(this.#encoded, end);
    }
  }

  #translateUpTo(end: number): void {
    const { data, base } = this.#tokenizer;
    for (; this.#translated < end; this.#translated += frameLength) {
      if (!this.#translates) continue;
      const at = this.#translated - base;
      const frame = data.subarray(at, Math.min(at + frameLength, this.#received - base));
      translateFrame(frame, this.#translated, microsoftTranslationSize);
    }
  }

  /** Makes room by forgetting what lies before the window. */
  #slide(): void {
    const { data, base } = this.#tokenizer;
    const keepFrom = Math.max(base, this.#encoded - this.#windowSize);
    data.copyWithin(0, keepFrom - base, this.#received - base);
    this.#tokenizer.base = keepFrom;
  }

  #takeFrame(position: number): void {
    this.#onFrame(this.#out.takeFrame(), position - this.#handedOver);
    this.#handedOver = position;
  }

  #encodeBlock(start: number, end: number): void {
    this.#encoded = end;
    if (this.#options.blockType === 'uncompressed') {
      this.#tokenizer.forgetUpTo(end);
      this.#writeUncompressed(start, end, this.#recent);
      return;
    }
    this.#encodeTokens(this.#tokenizer.tokenize(start, end, this.#recent));
  }

  /** Writes a block, or several when a part of it would grow too much. */
  #encodeTokens(tokens: Tokens): void {
    const { start, end } = tokens;
    const code = this.#codeFor(tokens);
    const cost = costOf(tokens, code);
    const growthBefore = this.#out.length - (start % frameLength);
    const grows = cost.growth.some((bytes, i) => bytes + (i === 0 ? growthBefore : 0) > maxGrowth);
    const parts = grows ? cutAtFrame(tokens) : undefined;
    if (parts !== undefined) {
      for (const part of parts) this.#encodeTokens(part);
      return;
    }
    const gainsNothing = cost.bits >= (end - start + 16) * 8;
    if (grows || (gainsNothing && this.#options.blockType === undefined)) {
      this.#writeUncompressed(start, end, tokens.recentAfter);
    } else {
      this.#writeCompressed(tokens, code);
    }
  }

  #codeFor(tokens: Tokens): BlockCode {
    const frequencies = countSymbols(tokens, this.#mainSymbols);
    const main = huffmanCode(frequencies.main, 16);
    const length = huffmanCode(frequencies.length, 16);
    const trees = [
      codeLengthsOf(main.lengths.subarray(0, literalSymbols), this.#mainBefore.subarray(0, literalSymbols)),
      codeLengthsOf(main.lengths.subarray(literalSymbols), this.#mainBefore.subarray(literalSymbols)),
      codeLengthsOf(length.lengths, this.#lengthBefore),
    ];
    return { main, length, aligned: this.#alignedCode(frequencies.aligned), trees };
  }

  /** The aligned tree is worth its 24 bits when offsets favour some of the eight low-bit patterns. */
  #alignedCode(frequencies: Uint32Array): HuffmanCode | undefined {
    const { blockType } = this.#options;
    if (blockType === 'verbatim') return undefined;
    const used = frequencies.some((count) => count > 0);
    // A complete tree is demanded even if nothing uses it.
    const code = huffmanCode(used ? frequencies : new Uint32Array(alignedSymbols).fill(1), 7);
    const saved = frequencies.reduce((sum, count, i) => sum + count * (3 - (code.lengths[i] as number)), 0);
    return blockType === 'aligned' || saved > 24 ? code : undefined;
  }

  #writeCompressed(tokens: Tokens, code: BlockCode): void {
    const { start, end } = tokens;
    const out = this.#out;
    this.#writeBlockHeader(code.aligned === undefined ? blockTypes.verbatim : blockTypes.aligned, end - start);
    if (code.aligned !== undefined) for (const length of code.aligned.lengths) out.write(length, 3);
    for (const tree of code.trees) tree.write(out);
    this.#mainBefore = code.main.lengths;
    this.#lengthBefore = code.length.lengths;
    this.#recent = tokens.recentAfter;
    let from = tokens.from;
    for (const cut of tokens.cuts) {
      writeTokens(out, tokens, from, cut.token, code);
      this.#takeFrame(cut.position);
      from = cut.token;
    }
    writeTokens(out, tokens, from, tokens.to, code);
    if (end % frameLength === 0) this.#takeFrame(end);
  }

  /**
   * A block of odd length is followed by a pad byte. Should the frame end there, readers differ on whether the pad byte
   * stands in this CFDATA block or in the next; so the last byte then goes into a compressed block of its own.
   *
   * @param recent offsets that the block's header sets for the matches after it
   */
  #writeUncompressed(start: number, end: number, recent: RecentOffsets): void {
    const isOdd = (end - start) % 2 === 1;
    if (isOdd && end % frameLength === 0) {
      if (end - 1 > start) this.#writeUncompressed(start, end - 1, recent);
      const tokens = literal(this.#byteAt(end - 1), end - 1, recent);
      this.#writeCompressed(tokens, this.#codeFor(tokens));
      return;
    }
    this.#recent = recent;
    const out = this.#out;
    const { data, base } = this.#tokenizer;
    this.#writeBlockHeader(blockTypes.uncompressed, end - start);
    out.alignForBytes();
    const offsets = new DataView(new ArrayBuffer(12));
    for (const [i, offset] of recent.entries()) offsets.setUint32(i * 4, offset, true);
    out.writeBytes(new Uint8Array(offsets.buffer));
    for (let position = start; position < end; ) {
      const until = Math.min(end, frameEnd(position));
      out.writeBytes(data.subarray(position - base, until - base));
      position = until;
      if (position === end && isOdd) out.writeBytes(new Uint8Array(1));
      if (position % frameLength === 0) this.#takeFrame(position);
    }
  }

  #byteAt(position: number): number {
    return this.#tokenizer.data[position - this.#tokenizer.base] as number;
  }

  #writeBlockHeader(type: number, length: number): void {
    this.#out.write(type, 3);
    this.#out.write(length >>> 16, 8);
    this.#out.write(length & 0xffff, 16);
  }
}
