import { createCipheriv, createHash } from 'node:crypto';
import { digestOf } from './random.ts';

const blockBytes = 16;
const chunkBytes = 64 * 1024;
const zeros = Buffer.alloc(chunkBytes);

/** Digests of one invented file, hex. */
export interface PayloadDigests {
  readonly sha1: string;
  readonly sha256: string;
}

/**
 * Bytes `from` (inclusive) to `to` (exclusive) of the invented file with this label. The file is a key stream of AES in
 * counter mode, so any range of it is made on the fly and nothing is stored.
 */
export function* payloadBytes(seed: number, label: string, from: number, to: number): Generator<Buffer> {
  const key = digestOf(seed, `payload ${label}`).subarray(0, 16);
  const firstBlock = Math.floor(from / blockBytes);
  const counter = Buffer.alloc(blockBytes);
  counter.writeBigUInt64BE(BigInt(firstBlock), 8);
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  cipher.update(zeros.subarray(0, from - firstBlock * blockBytes));
  for (let at = from; at < to; at += chunkBytes) yield cipher.update(zeros.subarray(0, to - at));
}

/** Digests of the whole file. */
export function payloadDigests(seed: number, label: string, size: number): PayloadDigests {
  const sha1 = createHash('sha1');
  const sha256 = createHash('sha256');
  for (const chunk of payloadBytes(seed, label, 0, size)) {
    sha1.update(chunk);
    sha256.update(chunk);
  }
  return { sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
}
