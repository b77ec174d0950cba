import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CabError } from './error.ts';
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
