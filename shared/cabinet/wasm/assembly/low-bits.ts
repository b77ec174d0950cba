/** Bit stream of deflate: bytes, the low bit of each first. */
import { INPUT } from './memory';

/** The next `left` bits, first one lowest; what is above them is what follows as well. After a refill at least 56. */
export let bits: u64 = 0;
export let left: u64 = 0;
/** The next byte to load, and the first one behind the block. */
export let next: usize = 0;
export let inputEnd: usize = 0;

/** Begins at this byte of the block of `length` bytes in INPUT. */
export function openBits(at: i32, length: i32): void {
  // Read ahead are zeros.
  memory.fill(INPUT + length, 0, 32);
  inputEnd = INPUT + length;
  setBits(0, 0, INPUT + at);
}

/** Puts back what a loop kept in local variables. */
export function setBits(newBits: u64, newLeft: u64, newNext: usize): void {
  bits = newBits;
  left = newLeft;
  next = newNext;
}

@inline
export function refill(): void {
  bits |= load<u64>(next) << left;
  next += <usize>((63 - left) >> 3);
  left |= 56;
}

/** @param count 0 to 32 */
export function take(count: i32): i32 {
  refill();
  const value = <i32>(bits & ((<u64>1 << count) - 1));
  bits >>= <u64>count;
  left -= <u64>count;
  return value;
}

/** More bits were consumed than there are. */
export function isExhausted(): bool {
  return <i32>next - <i32>(left >> 3) > <i32>inputEnd;
}

@inline
export function skipBits(count: u64): void {
  bits >>= count;
  left -= count;
}

/** Address of the byte in which the next bit lies. */
export function byteAddress(): usize {
  return next - <usize>(left >> 3);
}
