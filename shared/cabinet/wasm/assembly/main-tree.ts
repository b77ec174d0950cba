/**
 * Table of the main tree. An entry of 64 bits says all there is to know of the next symbols:
 *
 * | bits | literals | match |
 * |---|---|---|
 * | 0–7 | bits to consume | bits to consume |
 * | 8–15 | how many, 1 to 4 | MATCH or REPEAT, and LONG when a length symbol follows |
 * | 16–23 | bits of the first alone | length, of which a length symbol is the rest |
 * | 24–31 | | footer bits |
 * | 32–63 | the literals, first one lowest | offset without the footer; of REPEAT the slot |
 *
 * SECOND stands for codes of more than 10 bits; bits 32–63 then are the address of a table for the next 6 bits. With 10 bits the
 * table takes a quarter of the L1 cache, where it competes with all that is copied; with 11 decoding was 6 % slower.
 */
import { COUNTS, MAIN_LENGTHS, MAIN_TABLE, SLOT_BASES, SLOT_BITS, SORTED } from './memory';
import { sortSymbols } from './small-tree';

export const MAIN_BITS: i32 = 10;
const SECOND_BITS: i32 = 16 - MAIN_BITS;
export const SECOND_MASK: u64 = (1 << SECOND_BITS) - 1;

export const LITERALS: u64 = 0x0700;
export const MATCH: u64 = 0x1000;
export const REPEAT: u64 = 0x2000;
export const SECOND: u64 = 0x4000;
export const LONG: u64 = 0x8000;

const LITERAL_SYMBOLS: i32 = 256;
/** A main symbol says lengths from 2 to 8; with 9 a length symbol follows. */
const MIN_MATCH: i32 = 2;
const PRIMARY_LENGTHS: i32 = 7;
const MOST_LITERALS: u64 = 4;

function entryOf(symbol: i32, length: i32): u64 {
  const bits = <u64>length;
  if (symbol < LITERAL_SYMBOLS) return ((<u64>symbol) << 32) | (bits << 16) | 0x0100 | bits;
  const header = (symbol - LITERAL_SYMBOLS) & 7;
  const slot = (symbol - LITERAL_SYMBOLS) >>> 3;
  let entry = ((<u64>(header + MIN_MATCH)) << 16) | bits;
  if (header == PRIMARY_LENGTHS) entry |= LONG;
  if (slot < 3) return entry | ((<u64>slot) << 32) | REPEAT;
  return (
    entry | ((<u64>load<u32>(SLOT_BASES + (slot << 2))) << 32) | ((<u64>load<u8>(SLOT_BITS + slot)) << 24) | MATCH
  );
}

@inline
function fillEntries(at: usize, until: usize, entry: u64): void {
  if (until - at == 8) {
    store<u64>(at, entry);
    return;
  }
  const pair = i64x2.splat(entry);
  for (; at < until; at += 16) v128.store(at, pair);
}

/** @returns 0, or the shape of a code that is not complete */
export function buildMain(symbols: i32): i32 {
  const shape = sortSymbols(MAIN_LENGTHS, symbols);
  if (shape != 0) return shape;
  let at = MAIN_TABLE;
  let index = 0;
  let shortestLiteral = MAIN_BITS;
  for (let length = 1; length <= MAIN_BITS; length++) {
    const span: usize = 8 << (MAIN_BITS - length);
    for (const until = index + load<i32>(COUNTS + (length << 2)); index < until; index++) {
      const symbol = <i32>load<u16>(SORTED + (index << 1));
      if (symbol < LITERAL_SYMBOLS && length < shortestLiteral) shortestLiteral = length;
      fillEntries(at, at + span, entryOf(symbol, length));
      at += span;
    }
  }
  fillSecond(at, index);
  joinLiterals(shortestLiteral);
  return 0;
}

/** Second-level tables: the remaining codes, in their order, fill one after the other to the last entry. */
function fillSecond(first: usize, index: i32): void {
  const end = MAIN_TABLE + (8 << MAIN_BITS);
  let second = end;
  for (let at = first; at < end; at += 8) {
    store<u64>(at, ((<u64>second) << 32) | SECOND);
    second += 8 << SECOND_BITS;
  }
  let at = end;
  for (let length = MAIN_BITS + 1; length <= 16; length++) {
    const span: usize = 8 << (16 - length);
    for (const until = index + load<i32>(COUNTS + (length << 2)); index < until; index++) {
      fillEntries(at, at + span, entryOf(<i32>load<u16>(SORTED + (index << 1)), length));
      at += span;
    }
  }
}

/**
 * Lets entries of short literals stand for the literals after them as well, as far as ten bits say them. The entry
 * of what follows may have been joined before or not; both are right.
 */
function joinLiterals(shortest: i32): void {
  const end = MAIN_TABLE + (8 << MAIN_BITS);
  const longest = <u64>(MAIN_BITS - shortest);
  let at = MAIN_TABLE;
  while (at < end) {
    const entry = load<u64>(at);
    const bits = entry & 0xff;
    if (bits > longest || (entry & SECOND) != 0) break;
    const span: usize = 8 << (<usize>(MAIN_BITS - <i32>bits));
    if ((entry & LITERALS) == 0) {
      at += span;
      continue;
    }
    const left = <u64>MAIN_BITS - bits;
    for (let i: usize = 0; i < span; i += 8) {
      const next = load<u64>(MAIN_TABLE + (i << (<usize>bits)));
      const count = (next & LITERALS) >> 8;
      if (count == 0) continue;
      const all = next & 0xff;
      if (all <= left && count < MOST_LITERALS) {
        store<u64>(at + i, ((next >> 32) << 40) | (entry & 0xff00ff0000) | ((count + 1) << 8) | (bits + all));
      } else {
        const one = (next >> 16) & 0xff;
        if (one <= left)
          store<u64>(at + i, (((next >> 32) & 0xff) << 40) | (entry & 0xff00ff0000) | 0x0200 | (bits + one));
      }
    }
    at += span;
  }
}
