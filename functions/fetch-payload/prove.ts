import { createHash } from 'node:crypto';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import { FetchError } from './fetch-error.ts';

/** What the index says of a file that can be fetched. */
export type FetchableFile = PayloadFile & { readonly url: string };

/** Of bytes that are what the index says. */
export interface Proved {
  readonly sha1: string;
  readonly sha256: string;
  readonly size: number;
}

/** Counts and hashes bytes as they come by. Node's own hashes: see docs/adr/0027-large-files.md. */
export class Proof {
  readonly #sha1 = createHash('sha1');
  readonly #sha256 = createHash('sha256');
  #size = 0;

  update(chunk: Uint8Array): void {
    this.#sha1.update(chunk);
    this.#sha256.update(chunk);
    this.#size += chunk.byteLength;
  }

  /**
   * The bytes against what the index says. Old files have no SHA-256 there: then length and SHA-1 are proved, and the SHA-256
   * that was computed becomes the file's address.
   *
   * @throws FetchError `wrong-length`, `wrong-bytes`
   */
  finish(facts: FetchableFile): Proved {
    const got = { sha1: this.#sha1.digest('hex'), sha256: this.#sha256.digest('hex'), size: this.#size };
    if (facts.size !== undefined && got.size !== facts.size)
      throw new FetchError('wrong-length', `${facts.url} has ${got.size} bytes; the index says ${facts.size}`);
    if (got.sha1 !== facts.sha1)
      throw new FetchError('wrong-bytes', `${facts.url} has the SHA-1 ${got.sha1}; the index says ${facts.sha1}`);
    if (facts.sha256 !== undefined && got.sha256 !== facts.sha256)
      throw new FetchError('wrong-bytes', `${facts.url} has the SHA-256 ${got.sha256}; the index says ${facts.sha256}`);
    return got;
  }
}
