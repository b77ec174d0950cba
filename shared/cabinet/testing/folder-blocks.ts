import { type Compression, Decoders } from '../decoder.ts';

/** Decodes the blocks of folders one by one, without a cabinet around them. */
export class FolderBlocks {
  readonly #decoders = new Decoders();
  readonly #compression: Compression;

  constructor(compression: Compression) {
    this.#compression = compression;
    this.reset();
  }

  /** Makes the next block the first of a folder. */
  reset(): void {
    this.#decoders.open(this.#compression, 0);
  }

  /** @returns a copy of what the block unpacks to */
  decodeBlock(block: Uint8Array, outputLength: number): Uint8Array {
    this.#decoders.load(block);
    return Uint8Array.from(this.#decoders.decodeBlock(outputLength));
  }
}

/** Blocks of an LZX folder with a window of 2^`windowBits` bytes. */
export const lzxBlocks = (windowBits: number): FolderBlocks => new FolderBlocks({ method: 'lzx', windowBits });
