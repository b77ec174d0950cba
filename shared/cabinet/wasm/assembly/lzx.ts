/**
 * LZX as cabinets use it (Microsoft LZX Data Compression Format, Cabinet SDK, 1997): windows of 2^15 to 2^21 bytes,
 * verbatim, aligned-offset and uncompressed blocks, one 32 KiB frame for each CFDATA block, E8 call translation.
 *
 * The history is the lower part of a linear buffer. When that is full, the last window moves to its beginning, so a
 * match never wraps around.
 */
import * as input from './bits';
import { copyMatch } from './copy';
import { callsTranslated } from './e8';
import { setFaultOffset } from './fault';
import {
  AFTER_SHORT_FRAME,
  ALIGNED_LENGTHS,
  ALIGNED_TABLE,
  ALIGNED_TREE,
  BAD_BLOCK_TYPE,
  BEFORE_START,
  BEYOND_END,
  EMPTY_LENGTH_TREE,
  INPUT,
  LENGTH_LENGTHS,
  LENGTH_TABLE,
  LENGTH_TREE,
  MAIN_LENGTHS,
  MAIN_TABLE,
  MAIN_TREE,
  OVERRUN,
  PRE_LENGTHS,
  PRE_TABLE,
  PRE_TREE,
  RUN_BEYOND_TREE,
  RUN_OF_RUN,
  SLOT_BASES,
  SLOT_BITS,
  WINDOW,
  WINDOW_SPACE,
} from './memory';
import { buildMain, LITERALS, LONG, MAIN_BITS, MATCH, REPEAT, SECOND } from './main-tree';
import { buildSmall, EMPTY, longCode } from './small-tree';

const FRAME: i32 = 32768;
const LITERAL_SYMBOLS: i32 = 256;
const LENGTH_SYMBOLS: i32 = 249;
const ALIGNED_SYMBOLS: i32 = 8;
const PRE_SYMBOLS: i32 = 20;
const PRE_BITS: i32 = 7;
const ALIGNED_BITS: i32 = 7;
const LENGTH_BITS: i32 = 10;
const VERBATIM: i32 = 1;
const ALIGNED: i32 = 2;
const UNCOMPRESSED: i32 = 3;
/** Stands for a repeated offset that cannot be valid; larger than any window. */
const INVALID_OFFSET: u32 = 0x7fffffff;
const UNKNOWN: i64 = -1;

let windowSize: i32 = 0;
let mainSymbols: i32 = 0;
/** Bytes of the window's space that are history. */
let position: i32 = 0;
/** Frames decoded so far. */
let frames: i32 = 0;
let translationSize: i64 = UNKNOWN;
let blockType: i32 = 0;
let blockLeft: i32 = 0;
/** The uncompressed block at hand has an odd length, so one byte follows it that belongs to nothing, */
let padded: bool = false;
/** and that may be the first one of the next CFDATA block. */
let padPending: bool = false;
let r0: u32 = 1;
let r1: u32 = 1;
let r2: u32 = 1;
/** Of an uncompressed block: its next byte in the input. */
let rawAt: i32 = 0;

/** Block type that does not exist. */
export let faultType: i32 = 0;

/** Forgets what was decoded; the next block is the first of a folder with a window of 2^`windowBits`. */
export function lzxReset(windowBits: i32, slots: i32): void {
  windowSize = 1 << windowBits;
  mainSymbols = LITERAL_SYMBOLS + 8 * slots;
  position = 0;
  frames = 0;
  translationSize = UNKNOWN;
  blockLeft = 0;
  padded = false;
  padPending = false;
  r0 = 1;
  r1 = 1;
  r2 = 1;
  memory.fill(MAIN_LENGTHS, 0, mainSymbols);
  memory.fill(LENGTH_LENGTHS, 0, LENGTH_SYMBOLS);
  let base: u32 = 0;
  for (let slot = 0; slot < 50; slot++) {
    const footer = slot < 4 ? 0 : min((slot >>> 1) - 1, 17);
    // The format counts offsets from 2 on, since 0 to 2 repeat old ones.
    store<u32>(SLOT_BASES + (slot << 2), base - 2);
    store<u8>(SLOT_BITS + slot, <u8>footer);
    base += 1 << footer;
  }
}

/**
 * Decodes the block in INPUT.
 *
 * @returns address of the output, or a status below 256
 */
export function lzxDecode(inputLength: i32, outputLength: i32): i32 {
  const status = decodeFrame(inputLength, outputLength);
  if (status != 0) {
    setFaultOffset(status == OVERRUN ? inputLength : min(faultByte(), inputLength));
    return status;
  }
  const frame = WINDOW + position - outputLength;
  return <i32>callsTranslated(frame, outputLength, frames++, translationSize);
}

function faultByte(): i32 {
  if (blockType == UNCOMPRESSED && blockLeft > 0) return rawAt;
  return input.bitOffset() >>> 3;
}

function decodeFrame(inputLength: i32, outputLength: i32): i32 {
  if (position % FRAME != 0) {
    blockLeft = 0;
    return AFTER_SHORT_FRAME;
  }
  if (position + FRAME > <i32>WINDOW_SPACE) {
    memory.copy(WINDOW, WINDOW + position - windowSize, windowSize);
    position = windowSize;
  }
  input.openInput(inputLength);
  rawAt = 0;
  if (blockLeft == 0 || blockType != UNCOMPRESSED) {
    rawAt = padPending ? 1 : 0;
    padPending = false;
    input.seekBits(rawAt);
  }
  if (translationSize == UNKNOWN) {
    translationSize = 0;
    if (input.readBits(1) != 0) {
      const high = input.readBits(16);
      translationSize = <i64>((high << 16) | input.readBits(16));
    }
  }
  const end = position + outputLength;
  while (position < end) {
    if (blockLeft == 0) {
      const status = readBlockHeader();
      if (status != 0) return status;
    }
    const before = position;
    const stop = min(position + blockLeft, end);
    const status =
      blockType == UNCOMPRESSED
        ? copyBytes(stop)
        : blockType == ALIGNED
          ? decodeSymbols(stop, true)
          : decodeSymbols(stop, false);
    if (status != 0) return status;
    blockLeft -= position - before;
    if (blockLeft == 0 && blockType == UNCOMPRESSED) endBytes();
  }
  const rawIsOpen = blockType == UNCOMPRESSED && blockLeft > 0;
  return !rawIsOpen && input.isOverrun() ? OVERRUN : 0;
}

function readBlockHeader(): i32 {
  blockType = <i32>input.readBits(3);
  const length = <i32>input.readBits(24);
  let status = 0;
  if (blockType == ALIGNED) status = readAligned();
  else if (blockType != VERBATIM && blockType != UNCOMPRESSED) {
    faultType = blockType;
    return BAD_BLOCK_TYPE;
  }
  if (status == 0) status = blockType == UNCOMPRESSED ? openBytes(length) : readTrees();
  if (status != 0) return status;
  blockLeft = length;
  return blockType != UNCOMPRESSED && input.isOverrun() ? OVERRUN : 0;
}

/** An uncompressed block begins at the next word, or behind a whole word when the bit stream stands at a word's end. */
function openBytes(length: i32): i32 {
  const word = (input.bitOffset() + 16 - wordPhase()) >>> 3;
  rawAt = word;
  if (rawAt + 12 > input.inputLength) return OVERRUN;
  padded = (length & 1) == 1;
  r0 = rawOffset();
  r1 = rawOffset();
  r2 = rawOffset();
  return 0;
}

/** Bits since the beginning of the word, whose place in the block may be odd. */
function wordPhase(): i32 {
  return (input.bitOffset() - 8 * input.startsAtOdd()) & 15;
}

function rawOffset(): u32 {
  const offset = load<u32>(INPUT + rawAt);
  rawAt += 4;
  return offset == 0 || offset > <u32>windowSize ? INVALID_OFFSET : offset;
}

function copyBytes(stop: i32): i32 {
  const count = stop - position;
  if (rawAt + count > input.inputLength) return OVERRUN;
  memory.copy(WINDOW + position, INPUT + rawAt, count);
  rawAt += count;
  position = stop;
  return 0;
}

/** Goes back to the bit stream, which may go on at an odd byte. */
function endBytes(): void {
  if (padded) {
    padded = false;
    if (rawAt < input.inputLength) rawAt++;
    else padPending = true;
  }
  input.seekBits(rawAt);
}

function readAligned(): i32 {
  for (let i = 0; i < ALIGNED_SYMBOLS; i++) store<u8>(ALIGNED_LENGTHS + i, <u8>input.readBits(3));
  const shape = buildSmall(ALIGNED_TABLE, ALIGNED_BITS, ALIGNED_LENGTHS, ALIGNED_SYMBOLS);
  return shape == 0 ? 0 : ALIGNED_TREE + shape;
}

/** Main and length tree: code lengths as differences from those of the block before. */
function readTrees(): i32 {
  let status = readLengths(MAIN_LENGTHS, LITERAL_SYMBOLS);
  if (status == 0) status = readLengths(MAIN_LENGTHS + LITERAL_SYMBOLS, mainSymbols - LITERAL_SYMBOLS);
  if (status != 0) return status;
  let shape = buildMain(mainSymbols);
  if (shape != 0) return MAIN_TREE + shape;
  status = readLengths(LENGTH_LENGTHS, LENGTH_SYMBOLS);
  if (status != 0) return status;
  shape = buildSmall(LENGTH_TABLE, LENGTH_BITS, LENGTH_LENGTHS, LENGTH_SYMBOLS);
  return shape == 0 || shape == EMPTY ? 0 : LENGTH_TREE + shape;
}

@inline
function preSymbol(): i32 {
  input.refill();
  let entry = <i32>load<u16>(PRE_TABLE + ((<usize>(input.bits >> (64 - PRE_BITS))) << 1));
  if (entry == 0) entry = longCode(PRE_TABLE, PRE_BITS, <i32>(input.bits >> 48));
  input.skipBits(<u64>(entry & 63));
  return entry >>> 6;
}

function readLengths(lengths: usize, count: i32): i32 {
  for (let i = 0; i < PRE_SYMBOLS; i++) store<u8>(PRE_LENGTHS + i, <u8>input.readBits(4));
  const shape = buildSmall(PRE_TABLE, PRE_BITS, PRE_LENGTHS, PRE_SYMBOLS);
  if (shape != 0) return PRE_TREE + shape;
  for (let i = 0; i < count; ) {
    if (input.next < input.lowest) return OVERRUN;
    const symbol = preSymbol();
    if (symbol < 17) {
      store<u8>(lengths + i, changed(load<u8>(lengths + i), symbol));
      i++;
      continue;
    }
    let run: i32;
    let length: u8 = 0;
    if (symbol == 17) run = 4 + <i32>input.readBits(4);
    else if (symbol == 18) run = 20 + <i32>input.readBits(5);
    else {
      run = 4 + <i32>input.readBits(1);
      const change = preSymbol();
      if (change > 16) return RUN_OF_RUN;
      length = changed(load<u8>(lengths + i), change);
    }
    if (i + run > count) return RUN_BEYOND_TREE;
    memory.fill(lengths + i, length, run);
    i += run;
  }
  return 0;
}

/** A changed code length: the difference is subtracted, modulo 17. */
@inline
function changed(length: u8, change: i32): u8 {
  const difference = <i32>length - change;
  return <u8>(difference < 0 ? difference + 17 : difference);
}

/**
 * Decodes literals and matches up to `stop`. This loop is where the time goes. One refill serves a whole match, or up
 * to three entries of literals.
 */
@inline
function decodeSymbols(stop: i32, isAligned: bool): i32 {
  let bits = input.bits;
  let left = input.left;
  let next = input.next;
  const lowest = input.lowest;
  let o0 = r0;
  let o1 = r1;
  let o2 = r2;
  let out = WINDOW + position;
  const end = WINDOW + stop;
  let status = 0;

  while (out < end) {
    bits |= load<u64>(next - 8) >> left;
    next -= <usize>((63 - left) >> 3);
    left |= 56;
    if (next < lowest) {
      status = OVERRUN;
      break;
    }
    let entry = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
    if ((entry & LITERALS) != 0) {
      if (out + 12 > end) {
        // So near the end an entry may hold more literals than belong to this block.
        store<u8>(out, <u8>(entry >> 32));
        out++;
        const one = (entry >> 16) & 0xff;
        bits <<= one;
        left -= one;
        continue;
      }
      store<u32>(out, <u32>(entry >> 32));
      out += <usize>((entry >> 8) & 7);
      bits <<= entry;
      left -= entry & 0x3f;
      entry = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
      if ((entry & LITERALS) != 0) {
        store<u32>(out, <u32>(entry >> 32));
        out += <usize>((entry >> 8) & 7);
        bits <<= entry;
        left -= entry & 0x3f;
        entry = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
        if ((entry & LITERALS) != 0) {
          store<u32>(out, <u32>(entry >> 32));
          out += <usize>((entry >> 8) & 7);
          bits <<= entry;
          left -= entry & 0x3f;
          continue;
        }
      }
      bits |= load<u64>(next - 8) >> left;
      next -= <usize>((63 - left) >> 3);
      left |= 56;
    }
    if ((entry & SECOND) != 0) {
      entry = load<u64>((<usize>(entry >> 32)) + (<usize>((bits >> 48) & 31) << 3));
      if ((entry & LITERALS) != 0) {
        store<u8>(out, <u8>(entry >> 32));
        out++;
        bits <<= entry;
        left -= entry & 0x3f;
        continue;
      }
    }
    bits <<= entry;
    left -= entry & 0x3f;

    let length = <usize>((entry >> 16) & 0xff);
    if ((entry & LONG) != 0) {
      let code = <i32>load<u16>(LENGTH_TABLE + ((<usize>(bits >> (64 - LENGTH_BITS))) << 1));
      if (code == 0) {
        code = longCode(LENGTH_TABLE, LENGTH_BITS, <i32>(bits >> 48));
        if (code == 0) {
          status = EMPTY_LENGTH_TREE;
          break;
        }
      }
      bits <<= <u64>code;
      left -= <u64>(code & 63);
      length += <usize>(code >>> 6);
    }

    let offset: u32;
    if ((entry & MATCH) != 0) {
      offset = <u32>(entry >> 32);
      let footer = (entry >> 24) & 0x1f;
      if (isAligned && footer >= 3) {
        footer -= 3;
        offset += <u32>((bits >> 1) >> (63 - footer)) << 3;
        bits <<= footer;
        left -= footer;
        const code = <u64>load<u16>(ALIGNED_TABLE + ((<usize>(bits >> (64 - ALIGNED_BITS))) << 1));
        bits <<= code;
        left -= code & 63;
        offset += <u32>(code >> 6);
      } else {
        offset += <u32>((bits >> 1) >> (63 - footer));
        bits <<= footer;
        left -= footer;
      }
      o2 = o1;
      o1 = o0;
      o0 = offset;
    } else {
      const slot = <u32>(entry >> 32);
      if (slot == 0) {
        offset = o0;
      } else if (slot == 1) {
        offset = o1;
        o1 = o0;
        o0 = offset;
      } else {
        offset = o2;
        o2 = o0;
        o0 = offset;
      }
    }
    if (<usize>offset > out - WINDOW) {
      status = BEFORE_START;
      break;
    }
    if (length > end - out) {
      status = BEYOND_END;
      break;
    }
    copyMatch(out, <usize>offset, length);
    out += length;
  }

  input.setBits(bits, left, next);
  r0 = o0;
  r1 = o1;
  r2 = o2;
  position = <i32>(out - WINDOW);
  return status;
}
