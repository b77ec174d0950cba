import { CabError } from './error.ts';
import { LzxDecoder } from './lzx/decoder.ts';
import { maxWindowBits, minWindowBits } from './lzx/format.ts';
import { MszipDecoder } from './mszip.ts';
import { leaseInstance, returnInstance, type WasmInstance } from './wasm/instance.ts';

/**
 * Decompressor of one folder. It is called with the folder's CFDATA blocks in order and keeps their history.
 * This is the seam behind which another implementation can stand.
 */
export interface BlockDecoder {
  /**
   * Unpacks the block that was loaded into the decoder's {@link WasmInstance}.
   *
   * @param outputLength bytes that the block unpacks to, 1 to 32,768
   * @returns exactly `outputLength` bytes, valid until the next call
   * @throws CabError `bad-data`, whose offset counts from the first byte of the block
   */
  decodeBlock(outputLength: number): Uint8Array;
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

/** The decoders of one reader. They share an instance, which is leased for the first folder that is unpacked. */
export class Decoders {
  #instance: WasmInstance | undefined;
  #decoder: BlockDecoder | undefined;

  /**
   * Makes the next block the first of a folder. One folder is decoded at a time.
   *
   * @param offset where the folder's data begins, for errors
   * @throws CabError `unsupported-compression`
   */
  open(compression: Compression, offset: number): void {
    const unsupported = (reason: string) => new CabError('unsupported-compression', reason, { offset });
    switch (compression.method) {
      case 'stored':
        this.#decoder = new StoredDecoder(this.#lease());
        break;
      case 'mszip':
        this.#decoder = new MszipDecoder(this.#lease());
        break;
      case 'lzx':
        if (!(compression.windowBits >= minWindowBits && compression.windowBits <= maxWindowBits)) {
          throw unsupported(
            `its LZX window is 2^${compression.windowBits} bytes; possible are 2^${minWindowBits} to 2^${maxWindowBits}`,
          );
        }
        this.#decoder = new LzxDecoder(this.#lease(), compression.windowBits);
        break;
      case 'quantum':
        throw unsupported('it is compressed with Quantum; only stored, MSZIP and LZX can be read');
      case 'unknown': {
        const type = `0x${compression.type.toString(16).padStart(4, '0')}`;
        throw unsupported(`it is compressed with unknown type ${type}; only stored, MSZIP and LZX can be read`);
      }
    }
  }

  /**
   * Takes in the data of the next block, at most 65,535 bytes.
   *
   * @returns its checksum, without the fields of its header
   */
  load(data: Uint8Array): number {
    const instance = this.#lease();
    instance.load(data);
    return instance.checksum();
  }

  /** Unpacks the block that was loaded; see {@link BlockDecoder.decodeBlock}. */
  decodeBlock(outputLength: number): Uint8Array {
    if (this.#decoder === undefined) throw new Error('no folder was opened');
    return this.#decoder.decodeBlock(outputLength);
  }

  /** Gives the instance back; what was unpacked is no longer valid. May be called more than once. */
  close(): void {
    if (this.#instance !== undefined) returnInstance(this, this.#instance);
    this.#instance = undefined;
    this.#decoder = undefined;
  }

  #lease(): WasmInstance {
    this.#instance ??= leaseInstance(this);
    return this.#instance;
  }
}

class StoredDecoder implements BlockDecoder {
  readonly #instance: WasmInstance;

  constructor(instance: WasmInstance) {
    this.#instance = instance;
  }

  decodeBlock(outputLength: number): Uint8Array {
    const { input } = this.#instance;
    if (input.length === outputLength) return input;
    throw new CabError('bad-data', `stored block has ${input.length} bytes and declares ${outputLength}`, {
      offset: Math.min(input.length, outputLength),
    });
  }
}
