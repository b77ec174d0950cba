/**
 * The secret of a hash table: two 32-bit numbers. Whoever does not know them cannot make up keys that collide, which would
 * turn each look-up into a walk over all keys. What is in a table does not depend on it.
 */
export type HashKey = readonly [number, number];

/** For tables whose keys come from nobody who could wish them slow. */
export const noHashKey: HashKey = [0, 0];

/**
 * HalfSipHash-1-3 of `bytes[from, from + length)`: the variant of SipHash (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast
 * short-input PRF", 2012) with words of 32 bits, with the rounds that Linux takes for hash tables. Seeding a plain hash is
 * not enough: keys that collide in MurmurHash do so whatever its seed is (the same authors, 29C3, 2012).
 *
 * @returns 32 bits
 */
export function keyedHash(bytes: Uint8Array, from: number, length: number, [key0, key1]: HashKey): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const end = from + length;
  const whole = from + (length & ~3);
  let at = from;
  /** Rounds of the end: the first takes in the last word, three more finish. */
  let ending = 0;
  for (;;) {
    let word = 0;
    if (at < whole) {
      word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
      at += 4;
    } else {
      if (ending === 4) return (v1 ^ v3) >>> 0;
      if (ending === 0) {
        word = length << 24;
        for (let shift = 0; at < end; at += 1, shift += 8) word |= (bytes[at] as number) << shift;
      } else if (ending === 1) v2 ^= 0xff;
      ending += 1;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
}

/**
 * {@link keyedHash} of the first `count` words, each of four bytes in the order of the machine: of keys of one width, which
 * are made and looked up by the million, a third of the work.
 */
export function keyedHashOfWords(words: Uint32Array, count: number, key0: number, key1: number): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  // Behind the words comes one with the length, and three rounds without any finish.
  for (let at = 0; at < count + 4; at += 1) {
    const word = at < count ? (words[at] as number) : at === count ? count << 26 : 0;
    if (at === count + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
