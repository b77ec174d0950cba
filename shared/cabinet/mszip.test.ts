import { constants, deflateRawSync, type ZlibOptions } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CabError } from './error.ts';
import { machineCode, markup, randomBytes } from './testing/corpus.ts';
import { FolderBlocks } from './testing/folder-blocks.ts';

const mszipBlocks = () => new FolderBlocks({ method: 'mszip' });

const block = (data: Uint8Array, dictionary?: Uint8Array) =>
  Buffer.concat([Buffer.from('CK'), deflateRawSync(data, dictionary === undefined ? {} : { dictionary })]);

/** Text that deflate cannot shorten much by itself. */
const noise = (length: number, seed: number) => {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
};

function failure(call: () => unknown): CabError {
  try {
    call();
  } catch (error) {
    if (error instanceof CabError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('MSZIP', () => {
  test('matches reach into the block before', () => {
    const first = noise(32_768, 1);
    const second = first.subarray(400, 32_000);
    const packed = block(second, first);
    expect(packed.length).toBeLessThan(1000);
    const decoder = mszipBlocks();
    expect(decoder.decodeBlock(block(first), first.length)).toEqual(Uint8Array.from(first));
    expect(decoder.decodeBlock(packed, second.length)).toEqual(Uint8Array.from(second));
  });

  test('matches reach over several short blocks', () => {
    const all = noise(30_000, 2);
    const decoder = mszipBlocks();
    for (const [from, to] of [
      [0, 10_000],
      [10_000, 20_000],
      [20_000, 30_000],
    ] as const) {
      decoder.decodeBlock(
        from === 0 ? block(all.subarray(0, to)) : block(all.subarray(from, to), all.subarray(0, from)),
        to - from,
      );
    }
    const packed = block(all, all);
    expect(packed.length).toBeLessThan(1000);
    expect(decoder.decodeBlock(packed, all.length)).toEqual(Uint8Array.from(all));
  });

  test('refuses a block without "CK"', () => {
    for (const input of [Buffer.from('KC'), Buffer.from('C'), Buffer.alloc(0)]) {
      const error = failure(() => mszipBlocks().decodeBlock(input, 1));
      expect(error).toMatchObject({ code: 'bad-data', offset: 0, reason: 'MSZIP block does not begin with "CK"' });
    }
  });

  test('refuses a block that unpacks to another length', () => {
    const packed = block(Buffer.from('twelve bytes'));
    expect(failure(() => mszipBlocks().decodeBlock(packed, 13)).reason).toBe(
      'MSZIP block ends after 12 of the 13 bytes it declares',
    );
    for (const declared of [11, 1]) {
      expect(failure(() => mszipBlocks().decodeBlock(packed, declared)).reason).toBe(
        `MSZIP block unpacks to more than the ${declared} bytes it declares`,
      );
    }
  });

  test('refuses damaged deflate data', () => {
    const error = failure(() => mszipBlocks().decodeBlock(Buffer.from('CK\xff\xff', 'latin1'), 10));
    expect(error).toMatchObject({ code: 'bad-data', reason: 'MSZIP block: invalid block type' });
  });

  test('refuses a match before the first byte of the folder', () => {
    const before = noise(32_768, 3);
    const error = failure(() => mszipBlocks().decodeBlock(block(before.subarray(400), before), before.length - 400));
    expect(error.reason).toBe('MSZIP block: invalid distance too far back');
  });
});

describe('deflate as zlib makes it', () => {
  const makers = [markup, machineCode, randomBytes, (length: number) => new Uint8Array(length)];
  const strategies = [
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ];

  test('is unpacked whatever level, memory, strategy and history', () => {
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.nat({ max: makers.length - 1 }),
          lengths: fc.array(fc.integer({ min: 1, max: 32_768 }), { minLength: 1, maxLength: 4 }),
          seed: fc.integer({ min: 1 }),
          level: fc.nat({ max: 9 }),
          memLevel: fc.integer({ min: 1, max: 9 }),
          strategy: fc.constantFrom(...strategies),
        }),
        ({ kind, lengths, seed, ...options }) => {
          const decoder = mszipBlocks();
          let history = Buffer.alloc(0);
          for (const [i, length] of lengths.entries()) {
            const data = (makers[kind] ?? markup)(length, seed + (i % 2));
            const dictionary = history.length === 0 ? {} : { dictionary: history };
            const packed = Buffer.concat([Buffer.from('CK'), deflateRawSync(data, { ...options, ...dictionary })]);
            expect(Buffer.compare(decoder.decodeBlock(packed, length), data)).toBe(0);
            history = Buffer.concat([history, data]).subarray(-32_768);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('may consist of several blocks of all types, and of empty ones', () => {
    const [text, random] = [markup(9000, 1), randomBytes(9000, 2)];
    const part = (data: Uint8Array, options: ZlibOptions) =>
      deflateRawSync(data, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
    const parts = [
      part(text, { level: 9 }),
      part(random, { level: 0 }),
      part(new Uint8Array(0), {}),
      part(text, { strategy: constants.Z_FIXED }),
      deflateRawSync(new Uint8Array(0)),
    ];
    const output = mszipBlocks().decodeBlock(Buffer.concat([Buffer.from('CK'), ...parts]), 27_000);
    expect(Buffer.compare(output, Buffer.concat([text, random, text]))).toBe(0);
  });

  test('is refused when cut, wherever that is', () => {
    for (const options of [{ level: 9 }, { level: 0 }, { strategy: constants.Z_FIXED }]) {
      const data = Buffer.concat([markup(300, 4), randomBytes(100, 5)]);
      const packed = Buffer.concat([Buffer.from('CK'), deflateRawSync(data, options)]);
      // The last bytes may hold no more than the end of the block, which may be missing.
      for (let length = 2; length < packed.length - 2; length++) {
        const error = failure(() => mszipBlocks().decodeBlock(packed.subarray(0, length), data.length));
        expect(error.reason).toMatch(/^MSZIP block ends after \d+ of the 400 bytes it declares$/);
      }
    }
  });
});
