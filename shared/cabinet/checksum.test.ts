import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksum } from './checksum.ts';

describe('checksum of a data block', () => {
  test('words are little-endian, the rest is one big-endian number', () => {
    expect(checksum(Uint8Array.of(0x01, 0x02, 0x03, 0x04))).toBe(0x04030201);
    expect(checksum(Uint8Array.of(0x01, 0x02, 0x03, 0x04, 0x11))).toBe(0x04030210);
    expect(checksum(Uint8Array.of(0x01, 0x02, 0x03, 0x04, 0x11, 0x22))).toBe(0x04031323);
    expect(checksum(Uint8Array.of(0x01, 0x02, 0x03, 0x04, 0x11, 0x22, 0x33))).toBe(0x04122032);
    expect(checksum(new Uint8Array(0), 0x89abcdef)).toBe(0x89abcdef);
  });

  test('does not depend on where in memory the bytes stand', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (bytes, shift) => {
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
        shifted.set(bytes);
        expect(checksum(shifted)).toBe(checksum(Uint8Array.from(bytes)));
      }),
    );
  });
});
