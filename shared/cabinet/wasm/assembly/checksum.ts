import { INPUT } from './memory';

/** Checksum of the first `length` bytes of INPUT, as checksum.ts of the library defines it. */
export function inputChecksum(length: i32): i32 {
  const whole = length & ~3;
  let tail: u32 = 0;
  for (let i = whole; i < length; i++) tail = (tail << 8) | <u32>load<u8>(INPUT + i);
  const end = INPUT + whole;
  let sum = i32x4.splat(0);
  let other = i32x4.splat(0);
  let at = INPUT;
  for (; at + 32 <= end; at += 32) {
    sum = v128.xor(sum, v128.load(at));
    other = v128.xor(other, v128.load(at, 16));
  }
  sum = v128.xor(sum, other);
  let result = i32x4.extract_lane(sum, 0) ^ i32x4.extract_lane(sum, 1);
  result ^= i32x4.extract_lane(sum, 2) ^ i32x4.extract_lane(sum, 3);
  for (; at < end; at += 4) result ^= load<i32>(at);
  return result ^ <i32>tail;
}
