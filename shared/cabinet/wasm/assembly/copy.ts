/** Copying of matches, 16 bytes at a time; up to 16 bytes behind a match are overwritten, which nothing has used yet. */
import { PERIODS, STRIDES } from './memory';

/** Makes the shuffles for short offsets. */
export function initPeriods(): void {
  for (let offset: usize = 1; offset < 16; offset++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(PERIODS + offset * 16 + i, <u8>(i % offset));
    store<u8>(STRIDES + offset, <u8>(16 - (16 % offset)));
  }
}

@inline
export function copyMatch(to: usize, offset: usize, length: usize): void {
  const end = to + length;
  let from = to - offset;
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
