import { constants, inflateRawSync } from 'node:zlib';
import type { BlockDecoder } from './decoder.ts';
import { CabError } from './error.ts';

const historyLength = 32_768;

/**
 * MSZIP ([MS-MCI]): each block is the signature `CK` and a deflate stream of its own, whose matches may reach back into
 * the 32 KiB that the folder's blocks before it unpacked to.
 */
export class MszipDecoder implements BlockDecoder {
  #history: Buffer = Buffer.alloc(0);

  decodeBlock(input: Uint8Array, outputLength: number): Uint8Array {
    if (input.length < 2 || input[0] !== 0x43 || input[1] !== 0x4b) {
      throw new CabError('bad-data', 'MSZIP block does not begin with "CK"', { offset: 0 });
    }
    const output = inflate(input.subarray(2), outputLength, this.#history);
    this.#remember(output);
    return output;
  }

  /** Only a folder's last block is shorter than the history in practice, so joining is rare. */
  #remember(output: Buffer): void {
    this.#history =
      output.length >= historyLength
        ? output
        : Buffer.concat([this.#history.subarray(-(historyLength - output.length)), output]);
  }
}

function inflate(deflated: Uint8Array, outputLength: number, dictionary: Buffer): Buffer {
  let output: Buffer;
  try {
    output = inflateRawSync(deflated, {
      ...(dictionary.length > 0 ? { dictionary } : {}),
      maxOutputLength: outputLength,
      chunkSize: historyLength + 64,
      // A stream that lacks its end then gives what it has, and the length decides.
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  } catch (cause) {
    const tooLong = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CabError(
      'bad-data',
      tooLong ? `MSZIP block unpacks to more than the ${outputLength} bytes it declares` : `MSZIP block: ${message}`,
      { offset: 2, cause },
    );
  }
  if (output.length !== outputLength) {
    throw new CabError('bad-data', `MSZIP block ends after ${output.length} of the ${outputLength} bytes it declares`, {
      offset: 2,
    });
  }
  return output;
}
