import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { buildKey, type RepositoryKey } from '../../contract/keys.ts';
import { immutable, isConflict, openObject } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import type { RepositoryStore } from './port.ts';

/**
 * The signed repository in S3. Readers find a version by its timestamp alone, which S3 replaces only for whoever read the
 * one that is there; all else is written once.
 */
export function awsRepositoryStore(s3: S3Client, bucket: string): RepositoryStore {
  const timestampKey = buildKey({ kind: 'timestamp' });
  const read = async (key: string) => {
    const object = await openObject(s3, bucket, key);
    if (object === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of object.body) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString(), tag: object.tag };
  };
  const put = (key: string, text: string, cache: string, condition: { IfNoneMatch: '*' } | { IfMatch: string }) =>
    s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: text,
        ContentType: 'application/json',
        CacheControl: cache,
        ...condition,
      }),
    );
  return {
    read: async (key) => (await read(buildKey(key)))?.text,

    async create(key: RepositoryKey, text) {
      try {
        await put(buildKey(key), text, immutable, { IfNoneMatch: '*' });
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    },

    timestamp: () => read(timestampKey),

    async moveTimestamp(text, tag) {
      try {
        await put(
          timestampKey,
          text,
          'public, max-age=60',
          tag === undefined ? { IfNoneMatch: '*' } : { IfMatch: tag },
        );
      } catch (error) {
        // A timestamp that was deleted meanwhile answers 404 to If-Match: it is not the one that was read either.
        if (isConflict(error) || (tag !== undefined && error instanceof Error && error.name === 'NoSuchKey'))
          throw new StoreError('conflict', `${timestampKey} is not the one that was read`, { cause: error });
        throw error;
      }
    },
  };
}
