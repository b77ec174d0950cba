import type { BlockDecoder } from '../decoder.ts';
import { CabError } from '../error.ts';
import { BitReader } from './bits.ts';
import { undoCallTranslation } from './e8.ts';
import {
  basePositions,
  blockTypes,
  footerBits,
  frameLength,
  literalSymbols,
  minMatchLength,
  primaryLengths,
  translatedFrames,
} from './format.ts';
import { Trees } from './trees.ts';

/** Stands for a repeated offset that cannot be valid; larger than any window. */
const invalidOffset = 0x7fffffff;
/** From this length on a copy by the engine is faster than a loop. */
const longCopy = 48;

const matchOffsets = basePositions.map((base) => Math.max(base - 2, 0));

/**
 * LZX as cabinets use it (Microsoft LZX Data Compression Format, Cabinet SDK, 1997): windows of 2^15 to 2^21 bytes,
 * verbatim, aligned-offset and uncompressed blocks, one 32 KiB frame for each CFDATA block, E8 call translation.
 *
 * The history is the low part of one linear buffer of two windows; when it is full, the last window moves to its
 * beginning. So a match never wraps around.
 *
 * The file is long because the symbol loop is one function, for speed.
 */
export class LzxDecoder implements BlockDecoder {
  readonly #windowSize: number;
  readonly #buffer: Uint8Array;
  /** Bytes of the buffer that are history. */
  #position = 0;
  /** Frames decoded so far. */
  #frames = 0;

  readonly #input = new BitReader();
  readonly #trees: Trees;

  #translationSize: number | undefined;
  readonly #translated = new Uint8Array(frameLength);

  #blockType = 0;
  #blockLeft = 0;
  /** The uncompressed block at hand has an odd length, so one byte follows it that belongs to nothing. */
  #padded = false;
  #padPending = false;
  #r0 = 1;
  #r1 = 1;
  #r2 = 1;

  constructor(windowBits: number) {
    this.#windowSize = 2 ** windowBits;
    this.#buffer = new Uint8Array(2 * this.#windowSize);
    this.#trees = new Trees(windowBits);
  }

  /** Forgets the folder decoded so far; the next block is the first of another one. */
  reset(): void {
    this.#position = 0;
    this.#frames = 0;
    this.#trees.reset();
    this.#translationSize = undefined;
    this.#blockLeft = 0;
    this.#padded = false;
    this.#padPending = false;
    this.#r0 = 1;
    this.#r1 = 1;
    this.#r2 = 1;
  }

  decodeBlock(input: Uint8Array, outputLength: number): Uint8Array {
    if (outputLength > frameLength) throw this.#fault(`LZX frame of ${outputLength} bytes; at most ${frameLength}`);
    if (this.#position % frameLength !== 0) {
      throw new CabError('bad-data', 'LZX frame after one that was shorter than 32,768 bytes', { offset: 0 });
    }
    this.#makeRoom();
    this.#input.open(input);
    this.#translationSize ??= this.#readTranslationSize();

    const start = this.#position;
    const end = start + outputLength;
    while (this.#position < end) {
      if (this.#blockLeft === 0) this.#readBlockHeader();
      const stop = Math.min(this.#position + this.#blockLeft, end);
      const before = this.#position;
      if (this.#blockType === blockTypes.uncompressed) this.#copyBytes(stop);
      else this.#decodeSymbols(stop);
      this.#blockLeft -= this.#position - before;
      if (this.#blockLeft === 0 && this.#blockType === blockTypes.uncompressed && this.#padded) this.#skipPad();
    }
    this.#input.assertWithin();
    return this.#finishFrame(start, end);
  }

  #makeRoom(): void {
    if (this.#position + frameLength <= this.#buffer.length) return;
    this.#buffer.copyWithin(0, this.#position - this.#windowSize, this.#position);
    this.#position = this.#windowSize;
  }

  #readTranslationSize(): number {
    if (this.#input.read(1) === 0) return 0;
    const high = this.#input.read(16);
    return ((high << 16) | this.#input.read(16)) >>> 0;
  }

  /** The translated bytes are a copy, since matches refer to the untranslated ones. */
  #finishFrame(start: number, end: number): Uint8Array {
    const frame = this.#buffer.subarray(start, end);
    const number = this.#frames++;
    if (!this.#translationSize || number >= translatedFrames || frame.indexOf(0xe8) === -1) return frame;
    const copy = this.#translated.subarray(0, frame.length);
    copy.set(frame);
    undoCallTranslation(copy, number * frameLength, this.#translationSize);
    return copy;
  }

  #readBlockHeader(): void {
    const input = this.#input;
    if (this.#padPending) {
      this.#padPending = false;
      input.at++;
    }
    this.#blockType = input.read(3);
    const high = input.read(8);
    this.#blockLeft = (high << 16) | input.read(16);
    switch (this.#blockType) {
      case blockTypes.aligned:
        this.#trees.readAligned(input);
        this.#trees.read(input);
        break;
      case blockTypes.verbatim:
        this.#trees.read(input);
        break;
      case blockTypes.uncompressed:
        this.#padded = (this.#blockLeft & 1) === 1;
        input.alignForBytes();
        this.#r0 = this.#readOffset();
        this.#r1 = this.#readOffset();
        this.#r2 = this.#readOffset();
        break;
      default:
        throw this.#fault(`LZX block type ${this.#blockType} does not exist`);
    }
    input.assertWithin();
  }

  #readOffset(): number {
    const { bytes, end, at } = this.#input;
    if (at + 4 > end) throw this.#input.overrun();
    this.#input.at += 4;
    const offset =
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)) >>>
      0;
    return offset === 0 || offset > this.#windowSize ? invalidOffset : offset;
  }

  #copyBytes(stop: number): void {
    const input = this.#input;
    const count = stop - this.#position;
    if (input.at + count > input.end) throw input.overrun();
    this.#buffer.set(input.bytes.subarray(input.at, input.at + count), this.#position);
    input.at += count;
    this.#position = stop;
  }

  /** The pad byte may be the first one of the next CFDATA block. */
  #skipPad(): void {
    this.#padded = false;
    if (this.#input.at < this.#input.end) this.#input.at++;
    else this.#padPending = true;
  }

  /**
   * Decodes literals and matches up to `stop`. This loop is where the time goes: the reader's fields and the trees'
   * tables are held in local variables, and 17 valid bits are made sure of before each symbol or group of bits.
   */
  #decodeSymbols(stop: number): void {
    const input = this.#input;
    const { bytes, end } = input;
    const out = this.#buffer;
    const { main, length: lengthTree, aligned: alignedTree } = this.#trees;
    const mainTable = main.table;
    const mainShift = 32 - main.tableBits;
    const isAligned = this.#blockType === blockTypes.aligned;
    let { at, bits, left } = input;
    let r0 = this.#r0;
    let r1 = this.#r1;
    let r2 = this.#r2;
    let position = this.#position;
    const furthest = end + 2;

    while (position < stop) {
      if (left <= 16) {
        if (at > furthest) throw input.overrun();
        bits |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << (16 - left);
        left += 16;
        at += 2;
      }
      let entry = mainTable[bits >>> mainShift] as number;
      if (entry === 0) entry = main.lookUpLong(bits >>> 16);
      bits <<= entry & 31;
      left -= entry & 31;
      if (entry < literalSymbols << 5) {
        out[position++] = entry >>> 5;
        continue;
      }

      const header = (entry >>> 5) - literalSymbols;
      let length = header & 7;
      if (length === primaryLengths) {
        if (left <= 16) {
          if (at > furthest) throw input.overrun();
          bits |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << (16 - left);
          left += 16;
          at += 2;
        }
        entry = lengthTree.table[bits >>> (32 - lengthTree.tableBits)] as number;
        if (entry === 0) {
          entry = lengthTree.lookUpLong(bits >>> 16);
          if (entry === 0) throw this.#faultAt(at, left, 'LZX match uses an empty length tree');
        }
        bits <<= entry & 31;
        left -= entry & 31;
        length += entry >>> 5;
      }
      length += minMatchLength;

      const slot = header >>> 3;
      let offset: number;
      if (slot > 2) {
        offset = matchOffsets[slot] as number;
        const extra = footerBits[slot] as number;
        if (extra > 0) {
          if (left <= 16) {
            if (at > furthest) throw input.overrun();
            bits |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << (16 - left);
            left += 16;
            at += 2;
          }
          if (isAligned && extra >= 3) {
            if (extra > 3) {
              offset += (bits >>> (35 - extra)) << 3;
              bits <<= extra - 3;
              left -= extra - 3;
              if (left <= 16) {
                if (at > furthest) throw input.overrun();
                bits |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << (16 - left);
                left += 16;
                at += 2;
              }
            }
            entry = alignedTree.table[bits >>> 25] as number;
            bits <<= entry & 31;
            left -= entry & 31;
            offset += entry >>> 5;
          } else {
            offset += bits >>> (32 - extra);
            bits <<= extra;
            left -= extra;
          }
        }
        r2 = r1;
        r1 = r0;
        r0 = offset;
      } else if (slot === 0) {
        offset = r0;
      } else if (slot === 1) {
        offset = r1;
        r1 = r0;
        r0 = offset;
      } else {
        offset = r2;
        r2 = r0;
        r0 = offset;
      }

      if (offset > position) throw this.#faultAt(at, left, 'LZX match reaches back before the first byte');
      const until = position + length;
      if (until > stop) throw this.#faultAt(at, left, 'LZX match goes beyond the end of its block or frame');
      const from = position - offset;
      if (length >= longCopy && offset >= length) {
        out.copyWithin(position, from, from + length);
        position = until;
      } else {
        for (let source = from; position < until; ) out[position++] = out[source++] as number;
      }
    }

    input.at = at;
    input.bits = bits;
    input.left = left;
    this.#r0 = r0;
    this.#r1 = r1;
    this.#r2 = r2;
    this.#position = position;
  }

  #fault(reason: string): CabError {
    return new CabError('bad-data', reason, { offset: this.#input.byteOffset });
  }

  #faultAt(at: number, left: number, reason: string): CabError {
    return new CabError('bad-data', reason, { offset: at - (left >>> 3) });
  }
}
