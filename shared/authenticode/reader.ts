import { createHash, type Hash } from 'node:crypto';
import { readSignatureHeader, type SignaturePlace, signatureHeaderLength } from './cab-header.ts';
import type { TrustPolicy } from './policy.ts';
import type { SignatureState } from './state.ts';
import { verifySignature } from './verify.ts';

export interface AuthenticodeReaderOptions {
  readonly policy: TrustPolicy;
  /** The present, by which a signature without countersignature is judged. */
  readonly now: Date;
  /** A longer signature is malformed. Microsoft's have 8 to 16 kB. Bytes. @default 1 MiB */
  readonly maxSignatureBytes?: number;
}

/**
 * Checks the Authenticode signature of a cabinet whose bytes are pushed through in chunks of any size. Beside the
 * signature itself it holds nothing of them. It never throws for what is wrong with the file: `end` tells that.
 */
export class AuthenticodeReader {
  readonly #policy: TrustPolicy;
  readonly #now: Date;
  readonly #maxSignatureBytes: number;
  readonly #header = Buffer.alloc(signatureHeaderLength);
  /** `undefined` until the header is whole; then where the signature is, or what the file is without one. */
  #place: SignaturePlace | SignatureState | undefined;
  #signature = Buffer.alloc(0);
  #sha256: Hash = createHash('sha256');
  #sha1: Hash | undefined;
  /** Bytes seen. */
  #offset = 0;

  constructor({ policy, now, maxSignatureBytes = 1 << 20 }: AuthenticodeReaderOptions) {
    this.#policy = policy;
    this.#now = now;
    this.#maxSignatureBytes = maxSignatureBytes;
    if (policy.allowSha1) this.#sha1 = createHash('sha1');
  }

  /** Takes the next bytes of the file; the chunk may be used again afterwards. */
  write(chunk: Uint8Array): void {
    let rest = chunk;
    if (this.#offset < signatureHeaderLength) {
      const taken = rest.subarray(0, signatureHeaderLength - this.#offset);
      this.#header.set(taken, this.#offset);
      this.#offset += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (this.#offset === signatureHeaderLength) this.#readHeader();
    }
    const place = this.#place;
    if (place === undefined || 'state' in place) return;
    const signed = rest.subarray(0, Math.max(0, place.offset - this.#offset));
    this.#hash(signed);
    this.#offset += signed.byteLength;
    rest = rest.subarray(signed.byteLength);
    if (rest.byteLength === 0) return;
    // What goes beyond the declared length is counted only.
    const at = this.#offset - place.offset;
    this.#signature.set(rest.subarray(0, Math.max(0, place.length - at)), Math.min(at, place.length));
    this.#offset += rest.byteLength;
  }

  /** To be called once, after the last byte. */
  async end(): Promise<SignatureState> {
    // Shorter than the header of a signed cabinet: an unsigned one at best.
    this.#place ??= readSignatureHeader(this.#header.subarray(0, this.#offset), this.#maxSignatureBytes);
    const place = this.#place;
    if ('state' in place) return place;
    const wanted = place.offset + place.length;
    if (this.#offset !== wanted) {
      const reason =
        this.#offset < wanted
          ? `the file ends at byte ${this.#offset}, its signature at byte ${wanted}`
          : `${this.#offset - wanted} bytes follow the signature, which nobody signed`;
      return { state: 'malformed', reason };
    }
    const digests = { sha256: this.#sha256.digest('hex'), sha1: this.#sha1?.digest('hex') };
    return verifySignature(this.#signature, digests, this.#policy, this.#now);
  }

  #readHeader(): void {
    const place = readSignatureHeader(this.#header, this.#maxSignatureBytes);
    this.#place = place;
    if ('state' in place) return;
    this.#signature = Buffer.alloc(place.length);
    for (const [from, to] of place.signedHeader) this.#hash(this.#header.subarray(from, to));
  }

  #hash(bytes: Uint8Array): void {
    this.#sha256.update(bytes);
    this.#sha1?.update(bytes);
  }
}
