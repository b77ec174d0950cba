/**
 * The trees of a compressed LZX block: code lengths as differences from those of the block before, run-length coded,
 * under a pretree of their own (LZX format, "Trees").
 */
import * as input from './bits';
import { buildMain } from './main-tree';
import {
  ALIGNED_LENGTHS,
  ALIGNED_TABLE,
  ALIGNED_TREE,
  LENGTH_LENGTHS,
  LENGTH_TABLE,
  LENGTH_TREE,
  MAIN_LENGTHS,
  MAIN_TREE,
  OVERRUN,
  PRE_LENGTHS,
  PRE_TABLE,
  PRE_TREE,
  RUN_BEYOND_TREE,
  RUN_OF_RUN,
} from './memory';
import { buildSmall, EMPTY, longCode } from './small-tree';

export const LITERAL_SYMBOLS: i32 = 256;
const LENGTH_SYMBOLS: i32 = 249;
const ALIGNED_SYMBOLS: i32 = 8;
const PRE_SYMBOLS: i32 = 20;
const PRE_BITS: i32 = 7;
export const ALIGNED_BITS: i32 = 7;
export const LENGTH_BITS: i32 = 10;

/** Makes the next block the first of a folder. */
export function resetTrees(mainSymbols: i32): void {
  memory.fill(MAIN_LENGTHS, 0, mainSymbols);
  memory.fill(LENGTH_LENGTHS, 0, LENGTH_SYMBOLS);
}

/** Tree of the low three bits of offsets. Returns 0 or a status. */
export function readAligned(): i32 {
  for (let i = 0; i < ALIGNED_SYMBOLS; i++) store<u8>(ALIGNED_LENGTHS + i, <u8>input.readBits(3));
  const shape = buildSmall(ALIGNED_TABLE, ALIGNED_BITS, ALIGNED_LENGTHS, ALIGNED_SYMBOLS);
  return shape == 0 ? 0 : ALIGNED_TREE + shape;
}

/** Main and length tree. Returns 0 or a status. */
export function readTrees(mainSymbols: i32): i32 {
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

/** The next symbol of the pretree, by the bits at hand: `symbol << 6 | length`. */
@inline
function preEntry(bits: u64): i32 {
  const entry = <i32>load<u16>(PRE_TABLE + ((<usize>(bits >> (64 - PRE_BITS))) << 1));
  return entry == 0 ? longCode(PRE_TABLE, PRE_BITS, <i32>(bits >> 48)) : entry;
}

function readLengths(lengths: usize, count: i32): i32 {
  for (let i = 0; i < PRE_SYMBOLS; i++) store<u8>(PRE_LENGTHS + i, <u8>input.readBits(4));
  const shape = buildSmall(PRE_TABLE, PRE_BITS, PRE_LENGTHS, PRE_SYMBOLS);
  if (shape != 0) return PRE_TREE + shape;
  let bits = input.bits;
  let left = input.left;
  let next = input.next;
  const lowest = input.lowest;
  let status = 0;
  for (let i = 0; i < count; ) {
    if (next < lowest) {
      status = OVERRUN;
      break;
    }
    bits |= load<u64>(next - 8) >> left;
    next -= <usize>((63 - left) >> 3);
    left |= 56;
    let entry = preEntry(bits);
    bits <<= <u64>(entry & 63);
    left -= <u64>(entry & 63);
    const symbol = entry >>> 6;
    if (symbol < 17) {
      store<u8>(lengths + i, changed(load<u8>(lengths + i), symbol));
      i++;
      continue;
    }
    let run: i32;
    let length: u8 = 0;
    // A symbol has up to 16 bits, so that there are enough for all that follows it.
    const extra: u64 = symbol == 17 ? 4 : symbol == 18 ? 5 : 1;
    run = (symbol == 18 ? 20 : 4) + <i32>(bits >> (64 - extra));
    bits <<= extra;
    left -= extra;
    if (symbol == 19) {
      entry = preEntry(bits);
      bits <<= <u64>(entry & 63);
      left -= <u64>(entry & 63);
      const change = entry >>> 6;
      if (change > 16) {
        status = RUN_OF_RUN;
        break;
      }
      length = changed(load<u8>(lengths + i), change);
    }
    if (i + run > count) {
      status = RUN_BEYOND_TREE;
      break;
    }
    fillBytes(lengths + i, length, run);
    i += run;
  }
  input.setBits(bits, left, next);
  return status;
}

/** For a few bytes a loop takes less time than the call that `memory.fill` is. */
@inline
function fillBytes(at: usize, value: u8, count: i32): void {
  const end = at + count;
  const many = <u64>value * 0x0101010101010101;
  for (; at + 8 <= end; at += 8) store<u64>(at, many);
  for (; at < end; at++) store<u8>(at, value);
}

/** A changed code length: the difference is subtracted, modulo 17. */
@inline
function changed(length: u8, change: i32): u8 {
  const difference = <i32>length - change;
  return <u8>(difference < 0 ? difference + 17 : difference);
}
