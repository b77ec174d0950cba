import { CabError } from './error.ts';
import { LzxDecoder } from './lzx/decoder.ts';
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
  /** `windowBits` is the binary logarithm of the window's size; valid are 15 to 21. */
  | { readonly method: 'lzx'; readonly windowBits: number }
  | { readonly method: 'quantum' }
  | { readonly method: 'unknown'; readonly type: number };

/** Bytes that a CFDATA block unpacks to at most ([MS-CAB] section 2.4). */
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

/** @throws CabError `unsupported-compression` */
export function decoderFor(compression: Compression): BlockDecoder {
  switch (compression.method) {
    case 'stored':
      return storedDecoder;
    case 'mszip':
      return new MszipDecoder();
    case 'lzx':
      if (compression.windowBits < 15 || compression.windowBits > 21) {
        throw new CabError(
          'unsupported-compression',
          `LZX window of 2^${compression.windowBits} bytes; only 2^15 to 2^21 are possible`,
        );
      }
      return new LzxDecoder(compression.windowBits);
    case 'quantum':
      throw new CabError('unsupported-compression', 'compressed with Quantum; only stored, MSZIP and LZX can be read');
    case 'unknown':
      throw new CabError(
        'unsupported-compression',
        `compression type 0x${compression.type.toString(16).padStart(4, '0')} is unknown; only stored, MSZIP and LZX can be read`,
      );
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
