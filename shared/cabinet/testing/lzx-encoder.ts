import {
  alignedSymbols,
  blockTypes,
  footerBits,
  frameLength,
  lengthSymbols,
  literalSymbols,
  positionSlots,
} from '../lzx/format.ts';
import { BitWriter } from './bit-writer.ts';
import { translateCalls } from './e8-encoder.ts';
import { type HuffmanCode, huffmanCode } from './huffman-code.ts';
import {
  countSymbols,
  cutAtFrame,
  frameEnd,
  literal,
  type RecentOffsets,
  slotOfSymbol,
  type Tokens,
  tokenize,
} from './lzx-tokens.ts';
import { type CodedLengths, codeLengthsOf } from './lzx-trees.ts';
import { MatchFinder } from './match-finder.ts';

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
  const encoder = new LzxEncoder(stream, options);
  return encoder.encode();
}

/** The three trees of a compressed block, and how they are written. */
interface BlockCode {
  readonly main: HuffmanCode;
  readonly length: HuffmanCode;
  readonly aligned: HuffmanCode | undefined;
  readonly trees: readonly CodedLengths[];
}

class LzxEncoder {
  readonly #data: Uint8Array;
  readonly #options: LzxOptions;
  readonly #finder: MatchFinder;
  readonly #mainSymbols: number;
  readonly #blockLength: number;
  readonly #out = new BitWriter();
  readonly #frames: Uint8Array[] = [];
  #mainBefore: Uint8Array;
  #lengthBefore: Uint8Array = new Uint8Array(lengthSymbols);
  #recent: RecentOffsets = [1, 1, 1];

  constructor(stream: Uint8Array, options: LzxOptions) {
    const blockLength = options.blockLength ?? defaultBlockLength;
    if (!Number.isInteger(blockLength) || blockLength < minBlockLength || blockLength > maxBlockLength) {
      throw new RangeError(`blockLength is ${blockLength}; ${minBlockLength} to ${maxBlockLength} go`);
    }
    this.#blockLength = blockLength;
    this.#options = options;
    this.#mainSymbols = literalSymbols + 8 * positionSlots(options.windowBits);
    this.#mainBefore = new Uint8Array(this.#mainSymbols);
    this.#data = (options.translateCalls ?? true) ? translateCalls(stream, microsoftTranslationSize) : stream;
    this.#finder = new MatchFinder(this.#data, 2 ** options.windowBits);
  }

  encode(): Uint8Array[] {
    if (this.#options.translateCalls ?? true) {
      this.#out.write(1, 1);
      this.#out.write(microsoftTranslationSize >>> 16, 16);
      this.#out.write(microsoftTranslationSize & 0xffff, 16);
    } else {
      this.#out.write(0, 1);
    }
    const { length } = this.#data;
    for (let start = 0; start < length; start += this.#blockLength) {
      this.#encodeBlock(start, Math.min(start + this.#blockLength, length));
    }
    if (length % frameLength !== 0) this.#frames.push(this.#out.takeFrame());
    return this.#frames;
  }

  #encodeBlock(start: number, end: number): void {
    if (this.#options.blockType === 'uncompressed') {
      this.#writeUncompressed(start, end, this.#recent);
      return;
    }
    this.#encodeTokens(tokenize(this.#data, start, end, this.#finder, this.#recent));
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

    let position = start;
    for (let i = 0; i < tokens.count; i++) {
      const symbol = tokens.symbols[i] as number;
      out.write(code.main.codes[symbol] as number, code.main.lengths[symbol] as number);
      const lengthSymbol = tokens.lengthSymbols[i] as number;
      if (lengthSymbol >= 0) {
        out.write(code.length.codes[lengthSymbol] as number, code.length.lengths[lengthSymbol] as number);
      }
      if (symbol >= literalSymbols) this.#writeFooter(slotOfSymbol(symbol), tokens.footers[i] as number, code.aligned);
      position += tokens.spans[i] as number;
      if (position % frameLength === 0) this.#frames.push(out.takeFrame());
    }
  }

  #writeFooter(slot: number, footer: number, aligned: HuffmanCode | undefined): void {
    const bits = footerBits[slot] as number;
    if (aligned === undefined || bits < 3) {
      this.#out.write(footer, bits);
      return;
    }
    this.#out.write(footer >>> 3, bits - 3);
    this.#out.write(aligned.codes[footer & 7] as number, aligned.lengths[footer & 7] as number);
  }

  /**
   * A block of odd length is followed by a pad byte. Should the frame end there, readers differ on whether the pad byte
   * stands in this CFDATA block or in the next; so the last byte then goes into a compressed block of its own.
   *
   * @param recent offsets that the block's header sets for the matches after it
   */
  #writeUncompressed(start: number, end: number, recent: RecentOffsets): void {
    const isOdd = (end - start) % 2 === 1;
    if (isOdd && end % frameLength === 0 && end < this.#data.length) {
      if (end - 1 > start) this.#writeUncompressed(start, end - 1, recent);
      const tokens = literal(this.#data, end - 1, recent);
      this.#writeCompressed(tokens, this.#codeFor(tokens));
      return;
    }
    this.#recent = recent;
    const out = this.#out;
    this.#writeBlockHeader(blockTypes.uncompressed, end - start);
    out.alignForBytes();
    const offsets = new DataView(new ArrayBuffer(12));
    for (const [i, offset] of recent.entries()) offsets.setUint32(i * 4, offset, true);
    out.writeBytes(new Uint8Array(offsets.buffer));
    for (let position = start; position < end; ) {
      const until = Math.min(end, frameEnd(position));
      out.writeBytes(this.#data.subarray(position, until));
      position = until;
      if (position === end && isOdd) out.writeBytes(new Uint8Array(1));
      if (position % frameLength === 0) this.#frames.push(out.takeFrame());
    }
  }

  #writeBlockHeader(type: number, length: number): void {
    this.#out.write(type, 3);
    this.#out.write(length >>> 16, 8);
    this.#out.write(length & 0xffff, 16);
  }
}

/** Size of a compressed block in bits, and for each of its frames the bytes that it takes more than it has. */
function costOf(tokens: Tokens, code: BlockCode): { bits: number; growth: number[] } {
  let bits = 27 + (code.aligned === undefined ? 0 : 24) + code.trees.reduce((sum, tree) => sum + tree.bits, 0);
  const growth: number[] = [];
  let frameBits = bits;
  let frameStart = tokens.start;
  let position = tokens.start;
  for (let i = 0; i < tokens.count; i++) {
    const symbol = tokens.symbols[i] as number;
    let cost = code.main.lengths[symbol] as number;
    const lengthSymbol = tokens.lengthSymbols[i] as number;
    if (lengthSymbol >= 0) cost += code.length.lengths[lengthSymbol] as number;
    if (symbol >= literalSymbols) {
      const footer = footerBits[slotOfSymbol(symbol)] as number;
      cost += footer;
      if (code.aligned !== undefined && footer >= 3) {
        cost += (code.aligned.lengths[(tokens.footers[i] as number) & 7] as number) - 3;
      }
    }
    bits += cost;
    frameBits += cost;
    position += tokens.spans[i] as number;
    if (position % frameLength === 0 || position === tokens.end) {
      growth.push(Math.ceil(frameBits / 8) - (position - frameStart));
      frameBits = 0;
      frameStart = position;
    }
  }
  return { bits, growth };
}
