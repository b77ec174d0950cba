import { CabError } from '../error.ts';
import type { BitReader } from './bits.ts';
import { alignedSymbols, lengthSymbols, literalSymbols, positionSlots, preTreeSymbols } from './format.ts';
import { HuffmanTable } from './huffman.ts';

/**
 * The Huffman trees of an LZX stream and how they come with each compressed block (LZX format, "Trees"): code lengths
 * as differences from those of the block before, run-length coded, under a pretree of their own.
 */
export class Trees {
  /** Literals, and matches by position slot and short length. */
  readonly main: HuffmanTable;
  /** Longer match lengths; empty when the block has none. */
  readonly length = new HuffmanTable(lengthSymbols, 10);
  /** Low three bits of match offsets, in aligned blocks only. Its codes have at most seven bits. */
  readonly aligned = new HuffmanTable(alignedSymbols, 7);
  readonly #preTree = new HuffmanTable(preTreeSymbols, 6);

  constructor(windowBits: number) {
    this.main = new HuffmanTable(literalSymbols + 8 * positionSlots(windowBits), 11);
  }

  /** Makes the next block the first of a folder. */
  reset(): void {
    this.main.lengths.fill(0);
    this.length.lengths.fill(0);
  }

  /** @throws CabError `bad-data` for a tree that is no complete code */
  readAligned(input: BitReader): void {
    for (let i = 0; i < alignedSymbols; i++) this.aligned.lengths[i] = input.read(3);
    build(this.aligned, 'aligned offset tree', input);
  }

  /** Reads main and length tree. @throws CabError `bad-data` */
  read(input: BitReader): void {
    const { main, length } = this;
    this.#readLengths(input, main.lengths, 0, literalSymbols);
    this.#readLengths(input, main.lengths, literalSymbols, main.lengths.length);
    build(main, 'main tree', input);
    this.#readLengths(input, length.lengths, 0, lengthSymbols);
    build(length, 'length tree', input, 'may be empty');
  }

  #readLengths(input: BitReader, lengths: Uint8Array, from: number, to: number): void {
    for (let i = 0; i < preTreeSymbols; i++) this.#preTree.lengths[i] = input.read(4);
    build(this.#preTree, 'pretree', input);
    for (let i = from; i < to; ) {
      const symbol = this.#readPreTree(input);
      if (symbol < 17) {
        lengths[i] = changed(lengths[i] as number, symbol);
        i++;
        continue;
      }
      let run: number;
      let length = 0;
      if (symbol === 17) run = 4 + input.read(4);
      else if (symbol === 18) run = 20 + input.read(5);
      else {
        run = 4 + input.read(1);
        const change = this.#readPreTree(input);
        if (change > 16) throw fault('LZX pretree: a run of a run', input);
        length = changed(lengths[i] as number, change);
      }
      if (i + run > to) throw fault('LZX code lengths run beyond their tree', input);
      lengths.fill(length, i, i + run);
      i += run;
    }
  }

  #readPreTree(input: BitReader): number {
    const { table, tableBits } = this.#preTree;
    input.fill();
    const entry = (table[input.bits >>> (32 - tableBits)] as number) || this.#preTree.lookUpLong(input.bits >>> 16);
    const length = entry & 31;
    input.bits <<= length;
    input.left -= length;
    return entry >>> 5;
  }
}

/** A changed code length: the difference is subtracted, modulo 17. */
function changed(length: number, change: number): number {
  return (length + 17 - change) % 17;
}

function build(tree: HuffmanTable, name: string, input: BitReader, emptiness?: 'may be empty'): void {
  const shape = tree.build();
  const isValid = shape === 'complete' || (shape === 'empty' && emptiness !== undefined);
  if (!isValid) throw fault(`LZX ${name} is ${shape}`, input);
}

function fault(reason: string, input: BitReader): CabError {
  return new CabError('bad-data', reason, { offset: input.byteOffset });
}
