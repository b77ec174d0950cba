/** Literals and matches of LZX, and what they need: the window and the three latest offsets. */
import * as input from './bits';
import { ALIGNED_BITS, LENGTH_BITS } from './block-trees';
import { copyAround, copyMatch } from './copy';
import { LITERALS, LONG, MAIN_BITS, MATCH, SECOND, SECOND_MASK } from './main-tree';
import {
  ALIGNED_TABLE,
  BEFORE_START,
  BEYOND_END,
  EMPTY_LENGTH_TREE,
  LENGTH_TABLE,
  MAIN_TABLE,
  OVERRUN,
  WINDOW,
} from './memory';
import { longCode } from './small-tree';

/** Where in the ring the next byte goes. */
export let position: i32 = 0;
/** Bytes of the ring; matches of at most `reach` bytes go back beyond its beginning, to its end. */
let ringSize: usize = 0;
let reach: usize = 0;
let r0: u32 = 1;
let r1: u32 = 1;
let r2: u32 = 1;

export function setPosition(newPosition: i32): void {
  position = newPosition;
}

/** Empties the ring. */
export function openRing(size: i32): void {
  position = 0;
  ringSize = <usize>size;
  reach = 0;
}

/** Goes on at the beginning; from now on `window` bytes before any byte are there. */
export function wrapRing(window: i32): void {
  position = 0;
  reach = <usize>window;
}

/** Sets the offsets that are repeated, the latest first. */
export function setRecent(first: u32, second: u32, third: u32): void {
  r0 = first;
  r1 = second;
  r2 = third;
}

/** Decodes a part of a block up to this place of the window. Returns 0 or a status. */
export function decodeVerbatim(stop: i32): i32 {
  return decodeSymbols(stop, false);
}

export function decodeAligned(stop: i32): i32 {
  return decodeSymbols(stop, true);
}

/**
 * This loop is where the time goes. One refill serves a whole match, or up to three entries of literals. The entry that
 * comes next is looked up before a match is copied: how often a copy goes round is often guessed wrong by the processor,
 * and the look-up is then under way already. AssemblyScript has no way to share these four lines without a cost.
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
  const ringEnd = WINDOW + ringSize;
  let status = 0;

  bits |= load<u64>(next - 8) >> left;
  next -= <usize>((63 - left) >> 3);
  left |= 56;
  /** Entry at the bits at hand; nothing is consumed of it yet. */
  let coming = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
  while (out < end) {
    if (next < lowest) {
      status = OVERRUN;
      break;
    }
    let entry = coming;
    if ((entry & LITERALS) != 0) {
      if (out + 12 > end) {
        // So near the end an entry may hold more literals than belong to this block.
        store<u8>(out, <u8>(entry >> 32));
        out++;
        const one = (entry >> 16) & 0xff;
        bits <<= one;
        left -= one;
        bits |= load<u64>(next - 8) >> left;
        next -= <usize>((63 - left) >> 3);
        left |= 56;
        coming = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
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
          bits |= load<u64>(next - 8) >> left;
          next -= <usize>((63 - left) >> 3);
          left |= 56;
          coming = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
          continue;
        }
      }
      bits |= load<u64>(next - 8) >> left;
      next -= <usize>((63 - left) >> 3);
      left |= 56;
    }
    if ((entry & SECOND) != 0) {
      entry = load<u64>((<usize>(entry >> 32)) + (<usize>((bits >> 48) & SECOND_MASK) << 3));
      if ((entry & LITERALS) != 0) {
        store<u8>(out, <u8>(entry >> 32));
        out++;
        bits <<= entry;
        left -= entry & 0x3f;
        bits |= load<u64>(next - 8) >> left;
        next -= <usize>((63 - left) >> 3);
        left |= 56;
        coming = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
        continue;
      }
    }
    bits <<= entry;
    left -= entry & 0x3f;

    let length = <usize>((entry >> 16) & 0xff);
    if ((entry & LONG) != 0) {
      let code = <u64>load<u16>(LENGTH_TABLE + ((<usize>(bits >> (64 - LENGTH_BITS))) << 1));
      if (code == 0) {
        code = <u64>longCode(LENGTH_TABLE, LENGTH_BITS, <i32>(bits >> 48));
        if (code == 0) {
          status = EMPTY_LENGTH_TREE;
          break;
        }
      }
      bits <<= code;
      left -= code & 63;
      length += <usize>(code >> 6);
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
    bits |= load<u64>(next - 8) >> left;
    next -= <usize>((63 - left) >> 3);
    left |= 56;
    coming = load<u64>(MAIN_TABLE + ((<usize>(bits >> (64 - MAIN_BITS))) << 3));
    const behind = out - WINDOW;
    if (<usize>offset > max(behind, reach)) {
      status = BEFORE_START;
      break;
    }
    if (length > end - out) {
      status = BEYOND_END;
      break;
    }
    // A sixth of the sources lies around the end of the ring: too few and too many for a branch.
    const from = out - <usize>offset + ((0 - <usize>(<usize>offset > behind)) & ringSize);
    if (from + length > ringEnd) copyAround(out, from, length, WINDOW, ringEnd);
    else copyMatch(out, from, <usize>offset, length);
    out += length;
  }

  input.setBits(bits, left, next);
  r0 = o0;
  r1 = o1;
  r2 = o2;
  position = <i32>(out - WINDOW);
  return status;
}
