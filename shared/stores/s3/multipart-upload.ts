import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StoreError } from '../store-error.ts';

/**
 * Bytes of each part but the last. S3 takes parts of 5 MiB to 5 GiB, at most 10,000 of them
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html): parts of 8 MiB reach 83.8 GB, five times the
 * largest payload file known (14.8 GB), so that the part size need not grow with the file.
 */
export const partBytes = 8 * 1024 * 1024;
const maxParts = 10_000;

/** Answer headers that the CDN passes on. */
interface ObjectHeaders {
  readonly contentType: string;
  readonly cacheControl: string;
}

/** Where the bytes go, and how they are served later. */
export interface UploadTarget extends ObjectHeaders {
  readonly bucket: string;
  readonly key: string;
}

/**
 * One object that is written in order and appears whole, at {@link complete}, or never. Memory: two parts, one that
 * fills while the other is sent. What fits into one part becomes a single PutObject, which also covers empty objects.
 *
 * An upload is used by one writer, one call at a time.
 */
export class MultipartUpload {
  readonly #s3: S3Client;
  readonly #target: UploadTarget;
  /** Two buffers that take turns; made when first needed. */
  readonly #buffers: Buffer[] = [];
  #filled = 0;
  #current: Buffer | undefined;
  #uploadId: string | undefined;
  #sending: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  readonly #parts: CompletedPart[] = [];
  #state: 'open' | 'completed' | 'aborted' = 'open';

  constructor(s3: S3Client, target: UploadTarget) {
    this.#s3 = s3;
    this.#target = target;
  }

  /** Copies the bytes; resolves when there is room for more. Rejects with the failure of an earlier part too. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    let rest = chunk;
    while (rest.byteLength > 0) {
      // A full part is sent only when more bytes come, so that an object of exactly one part is a PutObject too.
      if (this.#filled === partBytes) await this.#sendPart();
      this.#current ??= this.#nextBuffer();
      const taken = Math.min(rest.byteLength, partBytes - this.#filled);
      this.#current.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
    }
  }

  /** Makes the object visible. A failure leaves the upload open for {@link abort}. */
  async complete(): Promise<void> {
    this.#mustBeOpen();
    if (this.#uploadId === undefined) {
      await this.#s3.send(
        new PutObjectCommand({
          ...this.#names(),
          ...this.#headers(),
          Body: this.#current?.subarray(0, this.#filled) ?? '',
          // Without it the SDK takes an empty body for a stream of unknown length.
          ContentLength: this.#filled,
        }),
      );
    } else {
      if (this.#filled > 0) await this.#sendPart();
      await this.#settled();
      await this.#s3.send(
        new CompleteMultipartUploadCommand({
          ...this.#names(),
          UploadId: this.#uploadId,
          MultipartUpload: { Parts: this.#parts },
        }),
      );
    }
    this.#state = 'completed';
    this.#forgetBuffers();
  }

  /** Forgets everything written. Does nothing after {@link complete} or a second time. */
  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    // A part that is under way would be stored after the abort, and cost money until a lifecycle rule drops it.
    await this.#sending;
    this.#forgetBuffers();
    if (this.#uploadId === undefined) return;
    await this.#s3.send(new AbortMultipartUploadCommand({ ...this.#names(), UploadId: this.#uploadId }));
  }

  #names(): { Bucket: string; Key: string } {
    return { Bucket: this.#target.bucket, Key: this.#target.key };
  }

  #headers(): { ContentType: string; CacheControl: string } {
    return { ContentType: this.#target.contentType, CacheControl: this.#target.cacheControl };
  }

  #mustBeOpen(): void {
    if (this.#state !== 'open') throw new Error(`the upload to ${this.#target.key} is ${this.#state}`);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The buffer that is not being sent. */
  #nextBuffer(): Buffer {
    const buffer = this.#buffers[this.#parts.length % 2] ?? Buffer.allocUnsafeSlow(partBytes);
    this.#buffers[this.#parts.length % 2] = buffer;
    return buffer;
  }

  #forgetBuffers(): void {
    this.#buffers.length = 0;
    this.#current = undefined;
    this.#filled = 0;
  }

  async #settled(): Promise<void> {
    await this.#sending;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Starts sending the current part, after the one before it is through. */
  async #sendPart(): Promise<void> {
    await this.#settled();
    const body = this.#current?.subarray(0, this.#filled);
    if (body === undefined) return;
    if (this.#parts.length === maxParts)
      throw new StoreError('refused', `${this.#target.key} is larger than ${maxParts} parts of ${partBytes} bytes`);
    this.#uploadId ??= await this.#create();
    const part: CompletedPart = { PartNumber: this.#parts.length + 1 };
    this.#parts.push(part);
    this.#current = undefined;
    this.#filled = 0;
    // Not awaited here: the next part fills meanwhile. A failure is kept and thrown by the next call.
    this.#sending = this.#put(part, body, this.#uploadId).catch((error: unknown) => {
      this.#failure = { error };
    });
  }

  async #create(): Promise<string> {
    const { UploadId } = await this.#s3.send(
      new CreateMultipartUploadCommand({ ...this.#names(), ...this.#headers(), ChecksumAlgorithm: 'CRC32' }),
    );
    if (UploadId === undefined) throw new Error(`S3 gave the upload to ${this.#target.key} no id`);
    return UploadId;
  }

  async #put(part: CompletedPart, body: Buffer, uploadId: string): Promise<void> {
    const sent = await this.#s3.send(
      new UploadPartCommand({
        ...this.#names(),
        UploadId: uploadId,
        PartNumber: part.PartNumber,
        Body: body,
        ChecksumAlgorithm: 'CRC32',
      }),
    );
    if (sent.ETag === undefined) throw new Error(`S3 gave part ${part.PartNumber} of ${this.#target.key} no ETag`);
    part.ETag = sent.ETag;
    if (sent.ChecksumCRC32 !== undefined) part.ChecksumCRC32 = sent.ChecksumCRC32;
  }
}

/**
 * Writes one object from start to end: completes when `write` succeeds, aborts when it or the completion fails, and
 * throws that failure.
 */
export async function uploadWhole(upload: MultipartUpload, write: () => Promise<void>): Promise<void> {
  try {
    await write();
    await upload.complete();
  } catch (error) {
    // The first failure is what the caller must see. Parts that cannot be dropped now fall to the bucket's lifecycle rule.
    await upload.abort().catch(() => {});
    throw error;
  }
}
