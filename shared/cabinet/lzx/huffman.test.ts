import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { huffmanCode } from '../testing/huffman-code.ts';
import { HuffmanTable } from './huffman.ts';

function tableOf(lengths: ArrayLike<number>, tableBits: number) {
  const table = new HuffmanTable(lengths.length, tableBits);
  table.lengths.set(Array.from(lengths));
  return { table, shape: table.build() };
}

/** Looks a code up as the decoder does; `window` are the next 16 bits. */
function lookUp(table: HuffmanTable, window: number): { symbol: number; length: number } {
  const entry = (table.table[window >>> (16 - table.tableBits)] as number) || table.lookUpLong(window);
  return { symbol: entry >>> 5, length: entry & 31 };
}

describe('Huffman table', () => {
  test('finds every symbol of a code with short and long codes, whatever bits follow', () => {
    const frequencies = fc.array(fc.nat({ max: 100_000 }), { minLength: 2, maxLength: 700 });
    fc.assert(
      fc.property(frequencies, fc.integer({ min: 6, max: 11 }), fc.nat({ max: 0xffff }), (counts, tableBits, noise) => {
        fc.pre(counts.some((count) => count > 0));
        // Weights that double from symbol to symbol make long codes.
        const weights = Uint32Array.from(counts, (count, i) => (count === 0 ? 0 : 1 + count * 2 ** (i % 14)));
        const code = huffmanCode(weights, 16);
        const { table, shape } = tableOf(code.lengths, tableBits);
        expect(shape).toBe('complete');
        for (const [symbol, length] of code.lengths.entries()) {
          if (length === 0) continue;
          const window = ((code.codes[symbol] as number) << (16 - length)) | (noise & (2 ** (16 - length) - 1));
          expect(lookUp(table, window)).toEqual({ symbol, length });
        }
      }),
      { numRuns: 50 },
    );
  });

  test('says what is wrong with lengths that are no complete code', () => {
    expect(tableOf([0, 0, 0], 6).shape).toBe('empty');
    expect(tableOf([1, 0, 0], 6).shape).toBe('incomplete');
    expect(tableOf([1, 1, 16], 6).shape).toBe('oversubscribed');
    expect(tableOf([1, 1], 6).shape).toBe('complete');
  });

  test('a table that is empty again finds nothing of the code before', () => {
    const { table } = tableOf([...new Uint8Array(15).map((_, i) => i + 1), 15], 6);
    expect(lookUp(table, 0xffff).length).toBe(15);
    table.lengths.fill(0);
    expect(table.build()).toBe('empty');
    for (const window of [0, 0x8000, 0xffff]) expect(lookUp(table, window).length).toBe(0);
  });
});
