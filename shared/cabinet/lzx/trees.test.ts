import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomNumbers } from '../testing/corpus.ts';
import { lzxBlocks } from '../testing/folder-blocks.ts';
import { type HuffmanCode, huffmanCode } from '../testing/huffman-code.ts';
import { LzxStream, mainSymbols, windowBits } from '../testing/lzx-stream.ts';
import { blockTypes, lengthSymbols, literalSymbols } from './format.ts';

/** A code with lengths from 1 to 16 bits: weights double from symbol to symbol, in a mixed order. */
function codeOf(symbols: number, used: readonly number[], steepness: number): HuffmanCode {
  const weights = new Uint32Array(symbols);
  for (const [i, symbol] of used.entries()) weights[symbol] = 1 + 2 ** ((i * steepness) % 22);
  return huffmanCode(weights, 16);
}

/** Symbols in a mixed order, and each of them several times. */
function mixed(used: readonly number[], count: number, seed: number): number[] {
  const next = randomNumbers(seed);
  const order = [...used];
  while (order.length < count) order.push(used[next() % used.length] ?? 0);
  return order.sort(() => (next() & 1) - 0.5);
}

describe('codes of an LZX block', () => {
  test('literals of every length of code, alone and several in one entry of the table', () => {
    const literals = fc.uniqueArray(fc.nat({ max: literalSymbols - 1 }), { minLength: 2, maxLength: literalSymbols });
    fc.assert(
      fc.property(literals, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1 }), (used, steepness, seed) => {
        const code = codeOf(mainSymbols, used, steepness);
        const sequence = mixed(used, 3000, seed);
        const stream = new LzxStream().header(blockTypes.verbatim, sequence.length);
        stream.trees(code.lengths, new Uint8Array(lengthSymbols));
        for (const symbol of sequence) stream.out.write(code.codes[symbol] ?? 0, code.lengths[symbol] ?? 0);
        const output = lzxBlocks(windowBits).decodeBlock(stream.frame(), sequence.length);
        expect(Buffer.compare(output, Uint8Array.from(sequence))).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('matches of every length and slot between literals, with long codes in both trees', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = randomNumbers(seed * 7919);
      const matches = Array.from({ length: mainSymbols - literalSymbols }, (_, i) => literalSymbols + i);
      const used = [0x20, 0x41, 0x42, 0xe8, ...matches.filter(() => next() % 3 > 0)];
      const main = codeOf(mainSymbols, used, 1 + (seed % 9));
      const length = codeOf(lengthSymbols, [...Array(lengthSymbols).keys()], 1 + (seed % 5));
      const stream = new LzxStream();
      const expected: number[] = [];
      const recent = [1, 1, 1];
      const put = (code: HuffmanCode, symbol: number) =>
        stream.out.write(code.codes[symbol] ?? 0, code.lengths[symbol] ?? 0);
      const body: (() => void)[] = [];
      while (expected.length < 32_000) {
        const symbol = expected.length < 40 ? 0x41 + (next() & 1) : (used[next() % used.length] ?? 0x41);
        if (symbol < literalSymbols) {
          expected.push(symbol);
          body.push(() => put(main, symbol));
          continue;
        }
        const slot = (symbol - literalSymbols) >>> 3;
        const footerLength = slot < 4 ? 0 : (slot >>> 1) - 1;
        const footer = next() % 2 ** footerLength;
        const base = slot < 4 ? slot - 2 : (2 + (slot & 1)) * 2 ** ((slot >>> 1) - 1) - 2;
        const offset = slot < 3 ? (recent[slot] ?? 1) : base + footer;
        const long = ((symbol - literalSymbols) & 7) === 7;
        const lengthSymbol = next() % lengthSymbols;
        const count = 2 + ((symbol - literalSymbols) & 7) + (long ? lengthSymbol : 0);
        if (offset > expected.length || expected.length + count > 32_768) continue;
        if (slot < 3) {
          recent[slot] = recent[0] ?? 1;
          recent[0] = offset;
        } else {
          recent.unshift(offset);
          recent.pop();
        }
        for (let i = 0; i < count; i++) expected.push(expected[expected.length - offset] ?? 0);
        body.push(() => {
          put(main, symbol);
          if (long) put(length, lengthSymbol);
          if (footerLength > 0) stream.out.write(footer, footerLength);
        });
      }
      stream.header(blockTypes.verbatim, expected.length).trees(main.lengths, length.lengths);
      for (const write of body) write();
      const output = lzxBlocks(windowBits).decodeBlock(stream.frame(), expected.length);
      expect({ seed, same: Buffer.compare(output, Uint8Array.from(expected)) === 0 }).toEqual({ seed, same: true });
    }
  });
});
