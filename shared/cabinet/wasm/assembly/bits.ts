/**
 * Bit stream of an LZX block: little-endian 16-bit words, the high bit of each first.
 *
 * The words are copied in reverse order, so that a plain 64-bit load just below a place holds the next 64 bits, first
 * one highest, at any byte. `bits` holds the next `left` bits left-aligned; what is below them is what follows as well.
 * After a refill at least 56 bits are there, which is more than any symbol with all its parts takes (53).
 */
import { EVEN_TOP, INPUT, ODD_TOP } from './memory';

/** Bytes of the block. */
export let inputLength: i32 = 0;
export let bits: u64 = 0;
export let left: u64 = 0;
/** The next byte to load is the one below. */
export let next: usize = 0;
/** Below this more was loaded than the block and a refill have. */
export let lowest: usize = 0;

/** Where in the block the bit stream began, and the top of its reversed copy. */
let origin: i32 = 0;
let top: usize = 0;
let hasEven: bool = false;
let hasOdd: bool = false;

/** Begins with a block that was copied to INPUT. */
export function openInput(length: i32): void {
  inputLength = length;
  hasEven = false;
  hasOdd = false;
  // Read ahead are zeros; with them every overrun ends, and is noticed.
  memory.fill(INPUT + length, 0, 32);
}

/** Goes on with the word that begins at this byte of the block. */
export function seekBits(at: i32): void {
  origin = at & 1;
  if (origin == 0) {
    top = EVEN_TOP;
    if (!hasEven) {
      hasEven = true;
      reverseWords();
    }
  } else {
    top = ODD_TOP;
    if (!hasOdd) {
      hasOdd = true;
      reverseWords();
    }
  }
  next = top - (at - origin);
  lowest = top - (inputLength - origin) - 16;
  bits = 0;
  left = 0;
}

function reverseWords(): void {
  const from = INPUT + origin;
  let to = top;
  const end = INPUT + inputLength;
  for (let at = from; at < end + 16; at += 16) {
    to -= 16;
    v128.store(to, i16x8.shuffle(v128.load(at), v128.load(at), 7, 6, 5, 4, 3, 2, 1, 0));
  }
  v128.store(to - 16, i64x2.splat(0));
}

@inline
export function refill(): void {
  bits |= load<u64>(next - 8) >> left;
  next -= <usize>((63 - left) >> 3);
  left |= 56;
}

/** @param count 1 to 32 */
export function readBits(count: i32): u32 {
  refill();
  const value = <u32>(bits >> (64 - count));
  bits <<= count;
  left -= count;
  return value;
}

/** Puts back what a loop kept in local variables. */
export function setBits(newBits: u64, newLeft: u64, newNext: usize): void {
  bits = newBits;
  left = newLeft;
  next = newNext;
}

@inline
export function skipBits(count: u64): void {
  bits <<= count;
  left -= count;
}

/** 1 when the words stand at odd bytes of the block. */
@inline
export function startsAtOdd(): i32 {
  return origin;
}

/** Bits consumed, counted from the block's first byte. */
@inline
export function bitOffset(): i32 {
  return origin * 8 + <i32>(top - next) * 8 - <i32>left;
}

/** More bits were consumed than the block has. */
export function isOverrun(): bool {
  return bitOffset() > inputLength * 8;
}
