import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  NoSuchUpload,
  type Part,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StoreError } from '../store-error.ts';
import type { UploadTarget } from './multipart-upload.ts';

/** Where a multipart upload goes, and which one it is. */
interface UploadNames {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

/** Begins a multipart upload that other processes may go on with. @returns its id */
export async function beginPartUpload(s3: S3Client, target: UploadTarget): Promise<string> {
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({
      Bucket: target.bucket,
      Key: target.key,
      ContentType: target.contentType,
      CacheControl: target.cacheControl,
      ChecksumAlgorithm: 'CRC32',
    }),
  );
  if (UploadId === undefined) throw new Error(`S3 gave the upload to ${target.key} no id`);
  return UploadId;
}

/**
 * A multipart upload whose state is what S3 has: the parts are asked for and not remembered, so that whoever goes on
 * after a crash loses at most the parts that were on their way. (`MultipartUpload` is for one writer that streams.)
 */
export class PartUpload {
  readonly #s3: S3Client;
  readonly #names: { readonly Bucket: string; readonly Key: string; readonly UploadId: string };

  constructor(s3: S3Client, { bucket, key, uploadId }: UploadNames) {
    this.#s3 = s3;
    this.#names = { Bucket: bucket, Key: key, UploadId: uploadId };
  }

  /** Bytes of each part by its number; `undefined` when there is no such upload (any more). */
  async parts(): Promise<ReadonlyMap<number, number> | undefined> {
    const listed = await this.#list();
    return listed && new Map(listed.map(({ PartNumber = 0, Size = 0 }) => [PartNumber, Size]));
  }

  async put(part: number, bytes: Uint8Array): Promise<void> {
    const command = new UploadPartCommand({
      ...this.#names,
      PartNumber: part,
      Body: bytes,
      ContentLength: bytes.byteLength,
      ChecksumAlgorithm: 'CRC32',
    });
    // TLS and the CRC32 prove what arrives; a SHA-256 of each part for the signature besides would take a third of the CPU.
    // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    command.middlewareStack.add(
      (next) => (asked) => {
        const { headers } = asked.request as { readonly headers: Record<string, string> };
        headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
        return next(asked);
      },
      { step: 'build', name: 'unsignedBody' },
    );
    await this.#s3.send(command);
  }

  /**
   * Makes the object of the parts 1 to `parts`. An upload that is gone is none of this call's business: whoever goes on
   * looks whether the object is there.
   *
   * @throws StoreError `conflict` when other parts are there, or they do not have `length` bytes together
   */
  async complete({ parts, length }: { readonly parts: number; readonly length: number }): Promise<void> {
    const listed = await this.#list();
    if (listed === undefined) throw this.#conflict('the upload is gone');
    const bytes = listed.reduce((sum, { Size = 0 }) => sum + Size, 0);
    if (listed.length !== parts || listed.some(({ PartNumber }, at) => PartNumber !== at + 1) || bytes !== length)
      throw this.#conflict(`${listed.length} parts with ${bytes} bytes are there instead of ${parts} with ${length}`);
    await this.#s3.send(
      new CompleteMultipartUploadCommand({
        ...this.#names,
        // S3 refuses to make an object of another length.
        MpuObjectSize: length,
        MultipartUpload: {
          Parts: listed.map(({ PartNumber, ETag, ChecksumCRC32 }) => ({ PartNumber, ETag, ChecksumCRC32 })),
        },
      }),
    );
  }

  async abort(): Promise<void> {
    try {
      await this.#s3.send(new AbortMultipartUploadCommand(this.#names));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #list(): Promise<Part[] | undefined> {
    const listed: Part[] = [];
    try {
      // Not the SDK's paginator: it goes on as long as there is a marker, and S3 gives one with the last page too.
      for (let marker: string | undefined; ; ) {
        const page: ListPartsCommandOutput = await this.#s3.send(
          new ListPartsCommand({ ...this.#names, PartNumberMarker: marker }),
        );
        listed.push(...(page.Parts ?? []));
        if (page.IsTruncated !== true) return listed;
        marker = page.NextPartNumberMarker;
      }
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  #conflict(why: string): StoreError {
    return new StoreError('conflict', `${this.#names.Key} is not completed: ${why}`);
  }
}

/** An upload that was completed, aborted, or dropped by the lifecycle rule. */
const isGone = (error: unknown): boolean =>
  error instanceof NoSuchUpload || (error instanceof Error && error.name === 'NoSuchUpload');
