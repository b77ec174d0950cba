/** Huffman codes of few symbols: a first-level table, and a search by code length for longer codes. */
import { COUNTS, PLACES, SORTED } from './memory';

export const OVERSUBSCRIBED: i32 = 1;
export const INCOMPLETE: i32 = 2;
export const EMPTY: i32 = 3;

/** Longest code of any LZX tree. */
const MAX_CODE: i32 = 16;

/**
 * Counts code lengths and sorts the symbols that have one by their codes. COUNTS and PLACES then say for each length how
 * many symbols it has and where in SORTED they begin.
 *
 * @returns 0 for a complete code, else its shape
 */
export function sortSymbols(lengths: usize, symbols: i32): i32 {
  for (let at: usize = 0; at < 80; at += 16) v128.store(COUNTS + at, i64x2.splat(0));
  for (let i = 0; i < symbols; i++) {
    const at = COUNTS + ((<usize>load<u8>(lengths + i)) << 2);
    store<i32>(at, load<i32>(at) + 1);
  }
  if (load<i32>(COUNTS) == symbols) return EMPTY;
  let code = 0;
  let place = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    const count = load<i32>(COUNTS + (length << 2));
    store<i32>(PLACES + (length << 2), place);
    place += count;
    code += count << (MAX_CODE - length);
  }
  if (code != 1 << MAX_CODE) return code > 1 << MAX_CODE ? OVERSUBSCRIBED : INCOMPLETE;
  for (let i = 0; i < symbols; i++) {
    const length = <i32>load<u8>(lengths + i);
    if (length == 0) continue;
    const at = PLACES + (length << 2);
    const index = load<i32>(at);
    store<u16>(SORTED + (index << 1), <u16>i);
    store<i32>(at, index + 1);
  }
  return 0;
}

// A table is followed by its sorted symbols (u16, at most 256) and by three u32 for each code length: the first code
// filled up to 16 bits, the first code after the last one filled up likewise, and where its symbols begin.
function longSymbols(table: usize, bits: i32): usize {
  return table + (2 << bits);
}
function longCodes(table: usize, bits: i32): usize {
  return longSymbols(table, bits) + 512;
}

/** Builds the table of `2^bits` entries `symbol << 6 | length`; entry 0 means that the code is longer. */
export function buildSmall(table: usize, bits: i32, lengths: usize, symbols: i32): i32 {
  const shape = sortSymbols(lengths, symbols);
  const codes = longCodes(table, bits);
  if (shape != 0) {
    memory.fill(table, 0, 2 << bits);
    memory.fill(codes, 0, 12 * 17);
    return shape;
  }
  let filled = 0;
  let index = 0;
  let code = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    const count = load<i32>(COUNTS + (length << 2));
    if (length <= bits) {
      const span = 1 << (bits - length);
      for (let i = 0; i < count; i++) {
        const entry = <u16>((<i32>load<u16>(SORTED + ((index + i) << 1)) << 6) | length);
        const until = filled + span;
        if (span < 8) {
          for (; filled < until; filled++) store<u16>(table + (filled << 1), entry);
        } else {
          const many = i16x8.splat(entry);
          for (; filled < until; filled += 8) v128.store(table + (filled << 1), many);
        }
      }
    }
    const at = codes + length * 12;
    store<i32>(at, code);
    code += count << (MAX_CODE - length);
    store<i32>(at + 4, code);
    store<i32>(at + 8, index);
    index += count;
  }
  memory.fill(table + (filled << 1), 0, ((1 << bits) - filled) << 1);
  const sorted = longSymbols(table, bits);
  // Those of short codes are never looked for, but have their places.
  for (let at = 0; at < index << 1; at += 16) v128.store(sorted + at, v128.load(SORTED + at));
  return 0;
}

/**
 * Entry of a code that is longer than the table's index.
 *
 * @param window the next 16 bits
 * @returns `symbol << 6 | length`, 0 when the code is empty
 */
export function longCode(table: usize, bits: i32, window: i32): i32 {
  const codes = longCodes(table, bits);
  for (let length = bits + 1; length <= MAX_CODE; length++) {
    const at = codes + length * 12;
    if (window < load<i32>(at + 4)) {
      const index = load<i32>(at + 8) + ((window - load<i32>(at)) >>> (MAX_CODE - length));
      return (<i32>load<u16>(longSymbols(table, bits) + (index << 1)) << 6) | length;
    }
  }
  return 0;
}
