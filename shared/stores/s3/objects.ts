import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { StoreError } from '../store-error.ts';

/** Largest object that one CopyObject takes (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). */
const maxCopyBytes = 5 * 1024 ** 3;

/** Objects addressed by the hash of their bytes never change. */
export const immutable = 'public, max-age=31536000, immutable';

/** Does the failure say that the object does not exist? (HEAD has no body to carry a code, so S3 says `NotFound`.) */
export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

/** Does the failure say that a conditional write found another object than it expected? */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof S3ServiceException &&
    (error.name === 'PreconditionFailed' || error.name === 'ConditionalRequestConflict')
  );
}

/** An object's bytes as they come, and its tag; `undefined` when there is no such object. */
export async function openObject(
  s3: S3Client,
  bucket: string,
  key: string,
  /** The object must have this tag; S3 answers 412 otherwise. */
  tag?: string,
): Promise<{ readonly body: AsyncIterable<Uint8Array>; readonly tag: string } | undefined> {
  try {
    const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: tag }));
    if (got.Body === undefined || got.ETag === undefined) throw new Error(`S3 answered ${key} without body or ETag`);
    return { body: bytesOf(got.Body, key), tag: got.ETag };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** In Node the SDK's body is a Readable; its type also names browser streams. */
function bytesOf(body: object, key: string): AsyncIterable<Uint8Array> {
  if (!(Symbol.asyncIterator in body)) throw new Error(`the body of ${key} is not a stream`);
  return body as AsyncIterable<Uint8Array>;
}

/** Length of an object in bytes; `undefined` when there is no such object. */
export async function objectBytes(s3: S3Client, bucket: string, key: string): Promise<number | undefined> {
  try {
    const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    if (ContentLength === undefined) throw new Error(`S3 did not say how long ${key} is`);
    return ContentLength;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What is copied, and what it must be. */
interface Copy {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** That the source must have. */
  readonly tag?: string | undefined;
}

/**
 * Copies an object inside its bucket, headers included, in one piece or, above {@link maxCopyBytes}, in several. The copy
 * appears whole or not at all.
 *
 * @throws StoreError `not-found` when the source is gone; what S3 answers when the source does not have the tag passes through
 */
export async function copyObject(s3: S3Client, bucket: string, copy: Copy): Promise<void> {
  // Keys are built by contract/keys.ts from hex digits, letters and slashes: nothing in them needs escaping.
  const source = { Bucket: bucket, CopySource: `${bucket}/${copy.from}`, CopySourceIfMatch: copy.tag };
  try {
    if (copy.bytes <= maxCopyBytes) await s3.send(new CopyObjectCommand({ ...source, Key: copy.to }));
    else await copyInPieces(s3, { ...source, Key: copy.to }, copy);
  } catch (error) {
    if (isMissing(error)) throw new StoreError('not-found', `there is no ${copy.from}`, { cause: error });
    throw error;
  }
}

/** Of each piece but the last; S3 copies up to 5 GiB at a time, and several pieces side by side. Bytes. */
const copyPieceBytes = 1024 ** 3;
const copiesInFlight = 4;

async function copyInPieces(
  s3: S3Client,
  source: {
    readonly Bucket: string;
    readonly Key: string;
    readonly CopySource: string;
    readonly CopySourceIfMatch?: string | undefined;
  },
  { from, bytes }: Copy,
): Promise<void> {
  const names = { Bucket: source.Bucket, Key: source.Key };
  // A copy in pieces takes no headers along.
  const head = await s3.send(new HeadObjectCommand({ Bucket: source.Bucket, Key: from }));
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ ...names, ContentType: head.ContentType, CacheControl: head.CacheControl }),
  );
  try {
    const pieces = Array.from({ length: Math.ceil(bytes / copyPieceBytes) }, (_, at) => at);
    const Parts: CompletedPart[] = [];
    const waiting = pieces.values();
    const work = async (): Promise<void> => {
      for (const at of waiting) {
        const last = Math.min(bytes, (at + 1) * copyPieceBytes) - 1;
        const range = `bytes=${at * copyPieceBytes}-${last}`;
        const { CopyPartResult } = await s3.send(
          new UploadPartCopyCommand({ ...source, UploadId, PartNumber: at + 1, CopySourceRange: range }),
        );
        Parts[at] = { PartNumber: at + 1, ETag: CopyPartResult?.ETag };
      }
    };
    await Promise.all(Array.from({ length: copiesInFlight }, work));
    await s3.send(
      new CompleteMultipartUploadCommand({ ...names, UploadId, MpuObjectSize: bytes, MultipartUpload: { Parts } }),
    );
  } catch (error) {
    // The first failure is what the caller must see. What cannot be dropped now falls to the bucket's lifecycle rule.
    await s3.send(new AbortMultipartUploadCommand({ ...names, UploadId })).catch(() => {});
    throw error;
  }
}

/**
 * Copies an object inside its bucket, headers included, and deletes the source. Repeating it after a crash between the
 * two steps does no harm.
 *
 * @throws what {@link copyObject} throws
 */
export async function moveObject(
  s3: S3Client,
  bucket: string,
  from: string,
  to: string,
  bytes: number,
  /** That the source must have. */
  tag?: string,
): Promise<void> {
  await copyObject(s3, bucket, { from, to, bytes, tag });
  await deleteObject(s3, bucket, from);
}

export async function deleteObject(s3: S3Client, bucket: string, key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}
