import { CabError } from './error.ts';
import { LzxDecoder } from './lzx/decoder.ts';
import { maxWindowBits, minWindowBits } from './lzx/format.ts';
import { MszipDecoder } from './mszip.ts';

/**
 * Decompressor of one folder. It is called with the folder's CFDATA blocks in order and keeps their history.
 * This is the seam behind which another implementation can stand.
 */
export interface BlockDecoder {
  /**
   * @param input compressed bytes of one CFDATA block, valid only during the call
   * @param outputLength bytes that the block unpacks to, 1 to 32,768
   * @returns exactly `outputLength` bytes, valid until the next call
   * @throws CabError `bad-data`, whose offset counts from the first byte of `input`
   */
  decodeBlock(input: Uint8Array, outputLength: number): Uint8Array;
}

/** How a folder is compressed, from the `typeCompress` of its CFFOLDER. */
export type Compression =
  | { readonly method: 'stored' }
  | { readonly method: 'mszip' }
  /** `windowBits` is the binary logarithm of the window's size, 15 to 21 if it is valid. */
  | { readonly method: 'lzx'; readonly windowBits: number }
  | { readonly method: 'quantum' }
  | { readonly method: 'unknown'; readonly type: number };

/** Bytes that a CFDATA block unpacks to at most ([MS-CAB], CFDATA). */
export const maxBlockLength = 32_768;

/** Splits the `typeCompress` field of a CFFOLDER. */
export function compressionOf(typeCompress: number): Compression {
  switch (typeCompress & 0x0f) {
    case 0:
      return { method: 'stored' };
    case 1:
      return { method: 'mszip' };
    case 2:
      return { method: 'quantum' };
    case 3:
      return { method: 'lzx', windowBits: (typeCompress >>> 8) & 0x1f };
    default:
      return { method: 'unknown', type: typeCompress };
  }
}

/** The decoders of one reader. An LZX decoder and its window serve folder after folder. */
export class Decoders {
  readonly #lzx = new Map<number, LzxDecoder>();

  /**
   * Decoder for the beginning of a folder. It may be the one given out before: only one folder is decoded at a time.
   *
   * @param offset where the folder's data begins, for errors
   * @throws CabError `unsupported-compression`
   */
  forFolder(compression: Compression, offset: number): BlockDecoder {
    const unsupported = (reason: string) => new CabError('unsupported-compression', reason, { offset });
    switch (compression.method) {
      case 'stored':
        return storedDecoder;
      case 'mszip':
        return new MszipDecoder();
      case 'lzx':
        if (compression.windowBits >= minWindowBits && compression.windowBits <= maxWindowBits) {
          return this.#lzxDecoder(compression.windowBits);
        }
        throw unsupported(
          `its LZX window is 2^${compression.windowBits} bytes; possible are 2^${minWindowBits} to 2^${maxWindowBits}`,
        );
      case 'quantum':
        throw unsupported('it is compressed with Quantum; only stored, MSZIP and LZX can be read');
      case 'unknown': {
        const type = `0x${compression.type.toString(16).padStart(4, '0')}`;
        throw unsupported(`it is compressed with unknown type ${type}; only stored, MSZIP and LZX can be read`);
      }
    }
  }

  #lzxDecoder(windowBits: number): LzxDecoder {
    const known = this.#lzx.get(windowBits);
    if (known !== undefined) {
      known.reset();
      return known;
    }
    const decoder = new LzxDecoder(windowBits);
    this.#lzx.set(windowBits, decoder);
    return decoder;
  }
}

const storedDecoder: BlockDecoder = {
  decodeBlock(input, outputLength) {
    if (input.length === outputLength) return input;
    throw new CabError('bad-data', `stored block has ${input.length} bytes and declares ${outputLength}`, {
      offset: Math.min(input.length, outputLength),
    });
  },
};
