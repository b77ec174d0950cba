import type { S3Client } from '@aws-sdk/client-s3';
import { buildKey } from '../../contract/keys.ts';
import { copyObject, deleteObject, immutable, objectBytes, openObject } from '../s3/objects.ts';
import { beginPartUpload, PartUpload } from '../s3/part-upload.ts';
import { StoreError } from '../store-error.ts';
import type { TransferStore } from './port.ts';

/** Staging keys of the payload bucket, which the CDN does not serve. */
export function awsTransferStore(s3: S3Client, bucket: string): TransferStore {
  const keyOf = (sha1: string): string => buildKey({ kind: 'payload-staging', sha1 });
  return {
    beginUpload: (sha1) =>
      beginPartUpload(s3, {
        bucket,
        key: keyOf(sha1),
        // A copy keeps them.
        contentType: 'application/octet-stream',
        cacheControl: immutable,
      }),
    upload: (sha1, uploadId) => new PartUpload(s3, { bucket, key: keyOf(sha1), uploadId }),
    stagedBytes: (sha1) => objectBytes(s3, bucket, keyOf(sha1)),
    async openStaged(sha1) {
      const staged = await openObject(s3, bucket, keyOf(sha1));
      if (staged === undefined) throw new StoreError('not-found', `there is no ${keyOf(sha1)}`);
      return staged.body;
    },
    publishStaged: (sha1, { sha256, bytes }) =>
      copyObject(s3, bucket, { from: keyOf(sha1), to: buildKey({ kind: 'payload', sha256 }), bytes }),
    dropStaged: (sha1) => deleteObject(s3, bucket, keyOf(sha1)),
  };
}
