import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberTable } from './number-table.ts';

describe('NumberTable', () => {
  it('answers as a map does, whatever its secret', () => {
    const number = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(fc.array(fc.tuple(number, fc.nat(1000)), { maxLength: 3000 }), number, (entries, secret) => {
        const table = new NumberTable([secret, ~secret >>> 0]);
        for (const [key, row] of entries) table.set(key, row);
        const map = new Map(entries);
        expect(table.size).toBe(map.size);
        for (const [key] of entries) expect(table.get(key)).toBe(map.get(key));
        expect([table.get(4711), table.has(4711)]).toEqual([map.get(4711) ?? -1, map.has(4711)]);
      }),
      { numRuns: 30 },
    );
  });

  /** Milliseconds to put all of them into a table. */
  function timeOf(keys: Uint32Array): number {
    const begun = performance.now();
    const table = new NumberTable();
    for (const [row, key] of keys.entries()) table.set(key, row);
    expect(table.size).toBe(keys.length);
    return performance.now() - begun;
  }

  it('takes numbers that were chosen for Fibonacci hashing as easily as others', () => {
    // The multiplier's inverse: what is multiplied by it comes out of the hash as it went in.
    let inverse = 1;
    for (let i = 0; i < 5; i += 1) inverse = Math.imul(inverse, 2 - Math.imul(0x9e3779b1, inverse));
    // 16,384 for each slot; only bits that the slot was not made of differ.
    const chosen = Uint32Array.from({ length: 40_000 }, (_, at) =>
      Math.imul(((at & 0x7f) << 25) | ((at >>> 14) << 7) | ((at >>> 7) & 0x7f), inverse),
    );
    const usual = Uint32Array.from({ length: 40_000 }, (_, at) => at * 331);
    timeOf(usual);
    // One slot for all made it some thousand times as slow.
    expect(timeOf(chosen)).toBeLessThan(timeOf(usual) * 50);
  });
});
