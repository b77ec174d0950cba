import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { indexPointer } from '../../contract/index-pointer.ts';
import { buildKey } from '../../contract/keys.ts';
import { inOneLine, parseInWords } from '../../contract/parse.ts';
import { MultipartUpload, uploadWhole } from '../s3/multipart-upload.ts';
import { deleteObject, immutable, isConflict, moveObject, objectExists, openObject } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import type { IndexStore } from './port.ts';

/** The index files in S3. */
export function awsIndexStore(s3: S3Client, bucket: string): IndexStore {
  const pointerKey = buildKey({ kind: 'index-pointer' });
  return {
    async current() {
      const object = await openObject(s3, bucket, pointerKey);
      if (object === undefined) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of object.body) chunks.push(chunk);
      return { pointer: parsePointer(Buffer.concat(chunks).toString()), tag: object.tag };
    },

    async stage(runId, body) {
      const upload = new MultipartUpload(s3, {
        bucket,
        key: buildKey({ kind: 'index-staging', runId }),
        contentType: 'application/vnd.ms-cab-compressed',
        // Copied to the digest's key together with the bytes.
        cacheControl: immutable,
      });
      const hash = createHash('sha256');
      let bytes = 0;
      await uploadWhole(upload, async () => {
        for await (const chunk of body) {
          hash.update(chunk);
          bytes += chunk.byteLength;
          await upload.write(chunk);
        }
      });
      return { runId, sha256: hash.digest('hex'), bytes };
    },

    has: (sha256) => objectExists(s3, bucket, buildKey({ kind: 'index', sha256 })),

    promote: ({ runId, sha256, bytes }) =>
      moveObject(s3, bucket, buildKey({ kind: 'index-staging', runId }), buildKey({ kind: 'index', sha256 }), bytes),

    drop: ({ runId }) => deleteObject(s3, bucket, buildKey({ kind: 'index-staging', runId })),

    async open(sha256) {
      const key = buildKey({ kind: 'index', sha256 });
      const object = await openObject(s3, bucket, key);
      if (object === undefined) throw new StoreError('not-found', `there is no ${key}`);
      return object.body;
    },

    async moveCurrent(pointer, tag) {
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: pointerKey,
            Body: JSON.stringify(z.parse(indexPointer, pointer)),
            ContentType: 'application/json',
            // Agents revalidate it by its ETag; a CDN may keep it for a moment.
            CacheControl: 'public, max-age=60',
            ...(tag === undefined ? { IfNoneMatch: '*' } : { IfMatch: tag }),
          }),
        );
      } catch (error) {
        // A pointer that was deleted meanwhile answers 404 to If-Match: it is not the one that was read either.
        if (isConflict(error) || (tag !== undefined && error instanceof Error && error.name === 'NoSuchKey'))
          throw new StoreError('conflict', `${pointerKey} is not the one that was read`, { cause: error });
        throw error;
      }
    },
  };
}

function parsePointer(text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StoreError('corrupt', 'the pointer to the current index is not JSON', { cause });
  }
  const parsed = parseInWords(indexPointer, value);
  if (parsed.success) return parsed.data;
  throw new StoreError('corrupt', `the pointer to the current index does not parse: ${inOneLine(parsed.faults)}`);
}
