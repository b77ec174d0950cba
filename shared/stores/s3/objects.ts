import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { StoreError } from '../store-error.ts';

/** Largest object that one CopyObject takes (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). */
const maxCopyBytes = 5 * 1024 ** 3;

/** Objects addressed by the hash of their bytes never change. */
export const immutable = 'public, max-age=31536000, immutable';

/** Does the failure say that the object does not exist? (HEAD has no body to carry a code, so S3 says `NotFound`.) */
function isMissing(error: unknown): boolean {
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

/**
 * Copies an object inside its bucket, headers included, and deletes the source. Repeating it after a crash between the
 * two steps does no harm.
 *
 * @throws StoreError `refused` above {@link maxCopyBytes}; `not-found` when the source is gone; what S3 answers when the
 * source does not have the tag passes through
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
  if (bytes > maxCopyBytes)
    throw new StoreError('refused', `${from} has ${bytes} bytes; at most ${maxCopyBytes} are copied in one piece`);
  try {
    // Keys are built by contract/keys.ts from hex digits, letters and slashes: nothing in them needs escaping.
    await s3.send(
      new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: `${bucket}/${from}`, CopySourceIfMatch: tag }),
    );
  } catch (error) {
    if (isMissing(error)) throw new StoreError('not-found', `there is no ${from}`, { cause: error });
    throw error;
  }
  await deleteObject(s3, bucket, from);
}

export async function deleteObject(s3: S3Client, bucket: string, key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}
