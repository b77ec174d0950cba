import { deflateRawSync } from 'node:zlib';
import { LzxEncoder, type LzxOptions } from './lzx-encoder.ts';

/** LZX with the binary logarithm of the window's size, and optionally how blocks are made. */
type LzxCompression = { readonly lzx: 15 | 16 | 17 | 18 | 19 | 20 | 21 } & Omit<LzxOptions, 'windowBits'>;
export type Compression = 'stored' | 'mszip' | LzxCompression;

/** Unpacked bytes of a CFDATA block, but for the last of a folder. */
const blockLength = 32_768;

/** Packs one folder's stream as it comes. */
export interface Packer {
  write(bytes: Uint8Array): void;
  /** No more bytes come. */
  end(): void;
}

/**
 * @param onBlock called with the data of each CFDATA block and the bytes it stands for
 * @param streamLength when it is known, less memory is taken for short streams
 */
export function packerFor(
  compression: Compression,
  onBlock: (data: Uint8Array, unpacked: number) => void,
  streamLength?: number,
): Packer {
  if (typeof compression === 'object') {
    const { lzx: windowBits, ...rest } = compression;
    return new LzxEncoder({ windowBits, ...rest }, onBlock, streamLength);
  }
  return new BlockPacker(compression === 'mszip', onBlock);
}

/** `typeCompress` of a CFFOLDER entry ([MS-CAB]). */
export function typeCompress(compression: Compression): number {
  if (compression === 'stored') return 0;
  return compression === 'mszip' ? 1 : 3 | (compression.lzx << 8);
}

/** Collects blocks; each is stored, or deflated with the one before as dictionary. */
class BlockPacker implements Packer {
  readonly #deflates: boolean;
  readonly #onBlock: (data: Uint8Array, unpacked: number) => void;
  #block = new Uint8Array(blockLength);
  #before: Uint8Array | undefined;
  #length = 0;

  constructor(deflates: boolean, onBlock: (data: Uint8Array, unpacked: number) => void) {
    this.#deflates = deflates;
    this.#onBlock = onBlock;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + blockLength - this.#length);
      this.#block.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length === blockLength) this.#pack();
    }
  }

  end(): void {
    if (this.#length > 0) this.#pack();
  }

  #pack(): void {
    const chunk = this.#block.subarray(0, this.#length);
    this.#onBlock(this.#deflates ? mszip(chunk, this.#before) : chunk, chunk.length);
    this.#before = chunk;
    this.#block = new Uint8Array(blockLength);
    this.#length = 0;
  }
}

function mszip(chunk: Uint8Array, before: Uint8Array | undefined): Uint8Array {
  const deflated = deflateRawSync(chunk, before === undefined ? {} : { dictionary: before });
  return Buffer.concat([Uint8Array.of(0x43, 0x4b), deflated]);
}
