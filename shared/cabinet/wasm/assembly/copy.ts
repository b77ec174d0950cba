/** Copying of matches, 16 bytes at a time; up to 47 bytes behind a match are overwritten, which nothing has used yet. */
import { PERIODS, STRIDES } from './memory';

/** Makes the shuffles for short offsets. */
export function initPeriods(): void {
  for (let offset: usize = 1; offset < 16; offset++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(PERIODS + offset * 16 + i, <u8>(i % offset));
    store<u8>(STRIDES + offset, <u8>(16 - (16 % offset)));
  }
}

/** Copies a match whose source goes on at the beginning of a ring that reaches from `first` to `end`. */
export function copyAround(to: usize, from: usize, length: usize, first: usize, end: usize): void {
  for (; length > 0; length--) {
    store<u8>(to++, load<u8>(from++));
    if (from == end) from = first;
  }
}

/** @param offset how far before `to` the source begins; `from` is where, which in a ring may be further on */
@inline
export function copyMatch(to: usize, from: usize, offset: usize, length: usize): void {
  const end = to + length;
  if (offset >= 64) {
    v128.store(to, v128.load(from));
    if (length <= 16) return;
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    to += 48;
    while (to < end) {
      v128.store(to, v128.load(from, 48));
      v128.store(to, v128.load(from, 64), 16);
      from += 32;
      to += 32;
    }
    return;
  }
  if (offset >= 16) {
    v128.store(to, v128.load(from));
    to += 16;
    while (to < end) {
      from += 16;
      v128.store(to, v128.load(from));
      to += 16;
    }
    return;
  }
  // The match repeats its own beginning: a vector of whole periods is stored again and again.
  const vector = i8x16.swizzle(v128.load(from), v128.load(PERIODS + (offset << 4)));
  const stride = <usize>load<u8>(STRIDES + offset);
  v128.store(to, vector);
  to += stride;
  while (to < end) {
    v128.store(to, vector);
    to += stride;
  }
}
