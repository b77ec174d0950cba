/**
 * LZX as cabinets use it (Microsoft LZX Data Compression Format, Cabinet SDK, 1997): windows of 2^15 to 2^21 bytes,
 * verbatim, aligned-offset and uncompressed blocks, one 32 KiB frame for each CFDATA block, E8 call translation.
 *
 * The history is a ring of one frame more than the window, so that a frame in the making, and what copies write behind
 * their end, never touches a byte that a match may still refer to. No frame wraps around, and of matches only their
 * source does.
 */
import * as input from './bits';
import { LITERAL_SYMBOLS, readAligned, readTrees, resetTrees } from './block-trees';
import { CALL, callsTranslated, hasCall } from './e8';
import { setFaultOffset } from './fault';
import {
  AFTER_SHORT_FRAME,
  BAD_BLOCK_TYPE,
  INPUT,
  MAIN_LENGTHS,
  OVERRUN,
  SLOT_BASES,
  SLOT_BITS,
  WINDOW,
} from './memory';
import { decodeAligned, decodeVerbatim, openRing, position, setPosition, setRecent, wrapRing } from './symbols';

const FRAME: i32 = 32768;
const VERBATIM: i32 = 1;
const ALIGNED: i32 = 2;
const UNCOMPRESSED: i32 = 3;
/** Stands for a repeated offset that cannot be valid; larger than any window. */
const INVALID_OFFSET: u32 = 0x7fffffff;
const UNKNOWN: i64 = -1;

let windowSize: i32 = 0;
/** Bytes of the ring. */
let ringSize: i32 = 0;
let mainSymbols: i32 = 0;
/** Frames decoded so far. */
let frames: i32 = 0;
let translationSize: i64 = UNKNOWN;
/** The first frame that can hold no `E8` by a match, since all those that had one are further back than the window. */
let callsEnd: i32 = 0;
/** The tree of the block at hand has a code for `E8`, */
let blockHasCalls: bool = false;
/** or that of a block before it in this frame, or there are bytes that no tree tells of. */
let frameHasCalls: bool = false;
let blockType: i32 = 0;
let blockLeft: i32 = 0;
/** The uncompressed block at hand has an odd length, so one byte follows it that belongs to nothing, */
let padded: bool = false;
/** and that may be the first one of the next CFDATA block. */
let padPending: bool = false;
/** Of an uncompressed block: its next byte in the input. */
let rawAt: i32 = 0;

/** Block type that does not exist. */
export let faultType: i32 = 0;

/** Forgets what was decoded; the next block is the first of a folder with a window of 2^`windowBits`. */
export function lzxReset(windowBits: i32, slots: i32): void {
  windowSize = 1 << windowBits;
  mainSymbols = LITERAL_SYMBOLS + 8 * slots;
  ringSize = windowSize + FRAME;
  openRing(ringSize);
  frames = 0;
  callsEnd = 0;
  blockHasCalls = false;
  translationSize = UNKNOWN;
  blockLeft = 0;
  padded = false;
  padPending = false;
  setRecent(1, 1, 1);
  resetTrees(mainSymbols);
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
  if (status != 0) return faultOf(status, inputLength);
  const frame = WINDOW + position - outputLength;
  const number = frames++;
  // Text mostly has no `E8` at all, and what is known to have none is not searched.
  if (translationSize == 0 || (!frameHasCalls && number >= callsEnd)) return <i32>frame;
  if (!hasCall(frame, outputLength)) return <i32>frame;
  callsEnd = number + 1 + windowSize / FRAME;
  return <i32>callsTranslated(frame, outputLength, number, translationSize);
}

/** Says where the fault is. One that was seen among the zeros behind the block is the block's end. */
function faultOf(status: i32, inputLength: i32): i32 {
  const isRaw = blockType == UNCOMPRESSED && blockLeft > 0;
  const at = status == AFTER_SHORT_FRAME ? 0 : isRaw ? rawAt : input.bitOffset() >>> 3;
  const isEnd = status == OVERRUN || at > inputLength || (at == inputLength && !isRaw && input.isOverrun());
  setFaultOffset(isEnd ? inputLength : at);
  return isEnd ? OVERRUN : status;
}

function decodeFrame(inputLength: i32, outputLength: i32): i32 {
  if (position % FRAME != 0) return AFTER_SHORT_FRAME;
  if (position == ringSize) wrapRing(windowSize);
  frameHasCalls = blockLeft > 0 && blockHasCalls;
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
          ? decodeAligned(stop)
          : decodeVerbatim(stop);
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
  if (status == 0) status = blockType == UNCOMPRESSED ? openBytes(length) : readTrees(mainSymbols);
  if (status != 0) return status;
  blockLeft = length;
  blockHasCalls = blockType == UNCOMPRESSED || load<u8>(MAIN_LENGTHS + CALL) != 0;
  frameHasCalls = frameHasCalls || blockHasCalls;
  return blockType != UNCOMPRESSED && input.isOverrun() ? OVERRUN : 0;
}

/** An uncompressed block begins at the next word, or behind a whole word when the bit stream stands at a word's end. */
function openBytes(length: i32): i32 {
  const word = (input.bitOffset() + 16 - wordPhase()) >>> 3;
  rawAt = word;
  if (rawAt + 12 > input.inputLength) return OVERRUN;
  padded = (length & 1) == 1;
  const first = rawOffset();
  const second = rawOffset();
  setRecent(first, second, rawOffset());
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
  setPosition(stop);
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
