import { PutObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { indexPointer } from '../../contract/index-pointer.ts';
import { buildKey, parseKey, type RepositoryKey } from '../../contract/keys.ts';
import { inOneLine, parseInWords } from '../../contract/parse.ts';
import type { StoredPublication } from '../../core/catalog/old-publications.ts';
import { MultipartUpload, uploadWhole } from '../s3/multipart-upload.ts';
import { deleteObject, immutable, isConflict, moveObject, objectBytes, openObject } from '../s3/objects.ts';
import { beginPartUpload, PartUpload } from '../s3/part-upload.ts';
import { StoreError } from '../store-error.ts';
import type { IndexStore } from './port.ts';

const stagingKey = (copyId: string): string => buildKey({ kind: 'index-staging', copyId });

/** Where bytes and catalogues of publications are. */
const publicationPrefixes = ['index/sha256/', 'catalog/'];

/** The digest of the index that an object belongs to. */
function publicationOf(key: string): string | undefined {
  const parsed = parseKey(key);
  if (parsed?.kind === 'index') return parsed.sha256;
  return parsed?.kind === 'catalog-snapshot' ? parsed.indexSha256 : undefined;
}

/** Copied to the digest's key together with the bytes. */
const headers = { contentType: 'application/vnd.ms-cab-compressed', cacheControl: immutable };

/**
 * The index files in S3.
 *
 * Staged bytes that were opened once are pinned by their tag: when they are opened again, promoted or put aside, S3 must
 * still have the same, or the call fails as `conflict` and the pin is forgotten. What a run verified is what it decodes
 * and publishes, whoever writes to the staging key meanwhile.
 */
export function awsIndexStore(s3: S3Client, bucket: string): IndexStore {
  const pointerKey = buildKey({ kind: 'index-pointer' });
  /** Tags by copy id. */
  const pins = new Map<string, string>();
  const pinned = async <T>(copyId: string, run: (tag: string | undefined) => Promise<T>): Promise<T> => {
    try {
      return await run(pins.get(copyId));
    } catch (error) {
      if (!isConflict(error)) throw error;
      pins.delete(copyId);
      throw new StoreError('conflict', `${stagingKey(copyId)} is not what was read before`, { cause: error });
    }
  };
  const open = async (what: RepositoryKey, tag?: string) => {
    const key = buildKey(what);
    const object = await openObject(s3, bucket, key, tag);
    if (object === undefined) throw new StoreError('not-found', `there is no ${key}`);
    return object;
  };
  const move = async (copyId: string, what: RepositoryKey, bytes: number): Promise<void> => {
    const [from, to] = [stagingKey(copyId), buildKey(what)];
    await pinned(copyId, (tag) => moveObject(s3, bucket, from, to, bytes, tag));
    pins.delete(copyId);
  };
  return {
    async current() {
      const object = await openObject(s3, bucket, pointerKey);
      if (object === undefined) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of object.body) chunks.push(chunk);
      return { pointer: parsePointer(Buffer.concat(chunks).toString()), tag: object.tag };
    },

    beginUpload: (copyId) => beginPartUpload(s3, { bucket, key: stagingKey(copyId), ...headers }),

    upload: (copyId, uploadId) => new PartUpload(s3, { bucket, key: stagingKey(copyId), uploadId }),

    async stage(copyId, body) {
      pins.delete(copyId);
      const upload = new MultipartUpload(s3, { bucket, key: stagingKey(copyId), ...headers });
      let bytes = 0;
      await uploadWhole(upload, async () => {
        for await (const chunk of body) {
          bytes += chunk.byteLength;
          await upload.write(chunk);
        }
      });
      return bytes;
    },

    stagedBytes: (copyId) => objectBytes(s3, bucket, stagingKey(copyId)),

    openStaged: (copyId) =>
      pinned(copyId, async (known) => {
        const { body, tag } = await open({ kind: 'index-staging', copyId }, known);
        pins.set(copyId, tag);
        return body;
      }),

    promote: ({ copyId, sha256, bytes }) => move(copyId, { kind: 'index', sha256 }, bytes),

    keepAside: ({ copyId, sha256, bytes }) => move(copyId, { kind: 'index-refused', sha256 }, bytes),

    async drop(copyId) {
      pins.delete(copyId);
      await deleteObject(s3, bucket, stagingKey(copyId));
    },

    has: async (sha256) => (await objectBytes(s3, bucket, buildKey({ kind: 'index', sha256 }))) !== undefined,

    open: async (sha256) => (await open({ kind: 'index', sha256 })).body,

    async publications() {
      const found = new Map<string, StoredPublication>();
      for (const prefix of publicationPrefixes) {
        for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix })) {
          for (const { Key = '', LastModified } of page.Contents ?? []) {
            const sha256 = publicationOf(Key);
            if (sha256 === undefined || LastModified === undefined) continue;
            // The bytes come first, and a catalogue may be written anew.
            const storedAt = Math.min(LastModified.getTime(), found.get(sha256)?.storedAt ?? Number.POSITIVE_INFINITY);
            found.set(sha256, { sha256, storedAt });
          }
        }
      }
      return [...found.values()];
    },

    async dropPublication(sha256) {
      await deleteObject(s3, bucket, buildKey({ kind: 'catalog-snapshot', indexSha256: sha256 }));
      await deleteObject(s3, bucket, buildKey({ kind: 'index', sha256 }));
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
