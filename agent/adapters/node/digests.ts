import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Expected } from '../../ports/file-store.ts';

/** Length and digests of bytes as they pass. */
export class Digests {
  bytes = 0;
  private sha256: Hash = createHash('sha256');
  private sha1: Hash = createHash('sha1');

  update(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength;
    this.sha256.update(chunk);
    this.sha1.update(chunk);
  }

  reset(): void {
    this.bytes = 0;
    this.sha256 = createHash('sha256');
    this.sha1 = createHash('sha1');
  }

  /** What does not fit, in words; undefined when everything does. Can be asked at any time. */
  mismatch(expected: Expected): string | undefined {
    if (this.bytes !== expected.bytes) return `length is ${this.bytes} bytes, expected ${expected.bytes}`;
    const sha256 = this.sha256.copy().digest('hex');
    if (sha256 !== expected.sha256) return `SHA-256 is ${sha256}, expected ${expected.sha256}`;
    if (expected.sha1 === undefined) return undefined;
    const sha1 = this.sha1.copy().digest('hex');
    return sha1 === expected.sha1 ? undefined : `SHA-1 is ${sha1}, expected ${expected.sha1}`;
  }

  /** Adds a whole file. */
  async readFile(path: string): Promise<void> {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) this.update(chunk);
  }
}
