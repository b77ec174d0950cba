import { describe, expect, it } from 'vitest';
import { keyedHash, keyedHashOfWords, noHashKey } from './keyed-hash.ts';

describe('keyedHash', () => {
  it('is HalfSipHash-1-3', () => {
    // Of the inputs 00, 00 01, … under the key 00 01 … 07: published with Linux (lib/tests/siphash_kunit.c).
    const published = [
      0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
    ];
    const bytes = Uint8Array.from({ length: 40 }, (_, at) => (at + 256 - 31) % 256);
    const hashes = published.map((_, length) => keyedHash(bytes, 31, length, [0x03020100, 0x07060504]));
    expect(hashes).toEqual(published);
  });

  it('is the same of words as of their bytes', () => {
    const bytes = Uint8Array.from({ length: 24 }, (_, at) => at * 37);
    // Words are read in the order of the machine, and this is one of those that begin with the low byte.
    for (const count of [0, 1, 4, 5]) {
      expect(keyedHashOfWords(new Uint32Array(bytes.buffer), count, 0x03020100, 0x87060504)).toBe(
        keyedHash(bytes, 0, count * 4, [0x03020100, 0x87060504]),
      );
    }
  });

  it('scatters keys that were chosen to collide under another key', () => {
    const slot = (number: number, key: readonly [number, number]): number =>
      keyedHash(Uint8Array.of(number, number >>> 8, number >>> 16, number >>> 24), 0, 4, key) & 0x3ff;
    const chosen: number[] = [];
    for (let number = 0; chosen.length < 256; number += 1) if (slot(number, noHashKey) === 7) chosen.push(number);
    const scattered = new Set(chosen.map((number) => slot(number, [0x1234_5678, 0x9abc_def0])));
    // 256 balls in 1,024 bins leave some 227 of them with one.
    expect(scattered.size).toBeGreaterThan(190);
  });
});
