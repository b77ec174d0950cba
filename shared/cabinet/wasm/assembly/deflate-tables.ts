/**
 * Huffman tables of deflate (RFC 1951). An entry of 64 bits says all there is to know of the next symbol:
 *
 * | bits | literals | length or distance |
 * |---|---|---|
 * | 0–7 | bits to consume | bits to consume |
 * | 8–15 | how many, 1 to 4 | COPY, or END of the block |
 * | 16–23 | bits of the first alone | |
 * | 24–31 | | extra bits |
 * | 32–63 | the literals, first one lowest | base |
 *
 * SECOND stands for longer codes; bits 32–63 then are the address of a second table. Entry 0 is no code.
 */
import { COUNTS, DISTANCE_TABLE, LITERAL_TABLE, PLACES, PRE_TABLE, SORTED } from './memory';

export const LITERAL_BITS: i32 = 11;
export const DISTANCE_BITS: i32 = 10;
/** Longest code of deflate. */
export const MAX_CODE: i32 = 15;

export const LITERALS: u64 = 0x0700;
export const COPY: u64 = 0x1000;
export const END: u64 = 0x2000;
export const SECOND: u64 = 0x4000;

const END_SYMBOL: i32 = 256;
const MOST_LITERALS: u64 = 4;

/** Lengths: symbols 257 to 285. 286 and 287 have codes in the fixed tree and must not be used. */
function lengthEntry(symbol: i32): u64 {
  const index = symbol - 257;
  if (index > 28) return 0;
  if (index == 28) return ((<u64>258) << 32) | COPY;
  const extra = index < 8 ? 0 : (index >>> 2) - 1;
  const base = index < 8 ? index + 3 : ((4 + (index & 3)) << extra) + 3;
  return ((<u64>base) << 32) | ((<u64>extra) << 24) | COPY;
}

function distanceEntry(symbol: i32): u64 {
  if (symbol > 29) return 0;
  const extra = symbol < 4 ? 0 : (symbol >>> 1) - 1;
  const base = symbol < 4 ? symbol + 1 : ((2 + (symbol & 1)) << extra) + 1;
  return ((<u64>base) << 32) | ((<u64>extra) << 24) | COPY;
}

function entryOf(symbol: i32, length: i32, isDistance: bool): u64 {
  const bits = <u64>length;
  if (!isDistance && symbol < END_SYMBOL) return ((<u64>symbol) << 32) | (bits << 16) | 0x0100 | bits;
  if (!isDistance && symbol == END_SYMBOL) return END | bits;
  const entry = isDistance ? distanceEntry(symbol) : lengthEntry(symbol);
  return entry == 0 ? 0 : entry | bits;
}

/** Codes stand in the stream with their high bit first, everything else with the low bit first. */
@inline
function reversed(code: i32, length: i32): i32 {
  let x = <u32>code << (16 - length);
  x = ((x & 0x5555) << 1) | ((x >>> 1) & 0x5555);
  x = ((x & 0x3333) << 2) | ((x >>> 2) & 0x3333);
  x = ((x & 0x0f0f) << 4) | ((x >>> 4) & 0x0f0f);
  return <i32>(((x & 0xff) << 8) | (x >>> 8));
}

/**
 * Builds the table of 2^`tableBits` entries.
 *
 * @returns false when the lengths are no code: over-subscribed, or incomplete with more than a single code of one bit
 */
function build(table: usize, tableBits: i32, lengths: usize, symbols: i32, isDistance: bool): bool {
  memory.fill(COUNTS, 0, 4 * 17);
  for (let i = 0; i < symbols; i++) {
    const at = COUNTS + ((<usize>load<u8>(lengths + i)) << 2);
    store<i32>(at, load<i32>(at) + 1);
  }
  let place = 0;
  let left = 1;
  let longest = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    const count = load<i32>(COUNTS + (length << 2));
    store<i32>(PLACES + (length << 2), place);
    place += count;
    left = (left << 1) - count;
    if (left < 0) return false;
    if (count != 0) longest = length;
  }
  if (left > 0) {
    if (longest > 1) return false;
    memory.fill(table, 0, 8 << tableBits);
  }
  for (let i = 0; i < symbols; i++) {
    const length = <i32>load<u8>(lengths + i);
    if (length == 0) continue;
    const at = PLACES + (length << 2);
    const index = load<i32>(at);
    store<u16>(SORTED + (index << 1), <u16>i);
    store<i32>(at, index + 1);
  }

  const size = 1 << tableBits;
  const secondBits = MAX_CODE - tableBits;
  let second = table + (8 << tableBits) - (8 << secondBits);
  let prefix = -1;
  let code = 0;
  let index = 0;
  for (let length = 1; length <= longest; length++) {
    code <<= 1;
    for (const until = index + load<i32>(COUNTS + (length << 2)); index < until; index++) {
      const entry = entryOf(<i32>load<u16>(SORTED + (index << 1)), length, isDistance);
      const low = reversed(code, length);
      if (length <= tableBits) {
        for (let i = low; i < size; i += 1 << length) store<u64>(table + (i << 3), entry);
      } else {
        if ((low & (size - 1)) != prefix) {
          prefix = low & (size - 1);
          second += 8 << secondBits;
          store<u64>(table + (prefix << 3), ((<u64>second) << 32) | SECOND);
        }
        for (let i = low >>> tableBits; i < 1 << secondBits; i += 1 << (length - tableBits)) {
          store<u64>(second + (i << 3), entry);
        }
      }
      code++;
    }
  }
  return true;
}

/** Table of the 19 code lengths: 2^7 entries (u16) `symbol << 6 | length`. False when the lengths are no complete code. */
export function buildCodeLengths(lengths: usize): bool {
  let code = 0;
  for (let length = 1; length <= 7; length++) {
    for (let symbol = 0; symbol < 19; symbol++) {
      if (<i32>load<u8>(lengths + symbol) != length) continue;
      if (code >= 128) return false;
      const entry = <u16>((symbol << 6) | length);
      for (let i = reversed(code >>> (7 - length), length); i < 128; i += 1 << length) {
        store<u16>(PRE_TABLE + (i << 1), entry);
      }
      code += 128 >>> length;
    }
  }
  return code == 128;
}

export function buildLiterals(lengths: usize, symbols: i32): bool {
  if (!build(LITERAL_TABLE, LITERAL_BITS, lengths, symbols, false)) return false;
  joinLiterals(lengths);
  return true;
}

export function buildDistances(lengths: usize, symbols: i32): bool {
  return build(DISTANCE_TABLE, DISTANCE_BITS, lengths, symbols, true);
}

/** Lets entries of short literals stand for the literals after them as well, as far as the table's bits say them. */
function joinLiterals(lengths: usize): void {
  let shortest: u64 = LITERAL_BITS;
  for (let i = 0; i < END_SYMBOL; i++) {
    const length = <u64>load<u8>(lengths + i);
    if (length != 0) shortest = min(shortest, length);
  }
  const size: usize = 1 << LITERAL_BITS;
  // What follows an entry stands at a smaller index (or the same, for zeros only), so it was joined before.
  for (let i: usize = 0; i < size; i++) {
    const at = LITERAL_TABLE + (i << 3);
    const entry = load<u64>(at);
    if ((entry & LITERALS) == 0) continue;
    const bits = entry & 0xff;
    if (bits + shortest > <u64>LITERAL_BITS) continue;
    const next = load<u64>(LITERAL_TABLE + ((i >> (<usize>bits)) << 3));
    const count = (next & LITERALS) >> 8;
    const one = (next >> 16) & 0xff;
    if (count == 0 || bits + one > <u64>LITERAL_BITS) continue;
    const all = next & 0xff;
    const joined = entry & 0xff00ff0000;
    if (bits + all <= <u64>LITERAL_BITS && count < MOST_LITERALS) {
      store<u64>(at, ((next >> 32) << 40) | joined | ((count + 1) << 8) | (bits + all));
    } else {
      store<u64>(at, (((next >> 32) & 0xff) << 40) | joined | 0x0200 | (bits + one));
    }
  }
}
