import { blockTypes, lengthSymbols, literalSymbols, positionSlots } from '../lzx/format.ts';
import { BitWriter } from './bit-writer.ts';
import { type HuffmanCode, huffmanCode } from './huffman-code.ts';
import { codeLengthsOf } from './lzx-trees.ts';

/** Window of the streams that are written piece by piece. */
export const windowBits = 15;
/** Symbols of their main tree. */
export const mainSymbols = literalSymbols + 8 * positionSlots(windowBits);

/** One symbol of a compressed block: a literal, or a match with what follows its main symbol. */
export type Token = number | { slot: number; length: number; footer?: [value: number, bits: number] };

/** A token for each letter. */
export const literals = (text: string): Token[] => [...text].map((letter) => letter.charCodeAt(0));

const mainSymbol = (token: Token) =>
  typeof token === 'number' ? token : literalSymbols + token.slot * 8 + Math.min(token.length - 2, 7);
const lengthSymbol = (token: Token) => (typeof token === 'object' && token.length >= 9 ? [token.length - 9] : []);

/** Writes LZX frames piece by piece, valid or not; each method writes one piece. */
export class LzxStream {
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

  /** Type and unpacked length of a block. */
  header(type: number, length: number): this {
    this.out.write(type, 3);
    this.out.write(length >>> 16, 8);
    this.out.write(length & 0xffff, 16);
    return this;
  }

  /** Main and length tree of a compressed block, by their code lengths. */
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

  /** The later tokens of the last block. */
  rest(): this {
    this.#rest();
    return this;
  }

  /** @param bytes the first of the block's `length` bytes; {@link raw} adds more */
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

  /** Ends the frame and gives its bytes. */
  frame(): Uint8Array {
    return this.out.takeFrame();
  }

  #put(code: HuffmanCode, symbol: number): void {
    this.out.write(code.codes[symbol] ?? 0, code.lengths[symbol] ?? 0);
  }
}

/** Code for the symbols that are used. */
export function codeFor(used: readonly number[], symbols: number): HuffmanCode {
  const frequencies = new Uint32Array(symbols);
  for (const symbol of used) frequencies[symbol] = (frequencies[symbol] ?? 0) + 1;
  return huffmanCode(frequencies, 16);
}
