import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import { decodeSnapshot, encodeSnapshot } from '../../contract/catalog-snapshot.ts';
import { buildKey } from '../../contract/keys.ts';
import { MultipartUpload, uploadWhole } from '../s3/multipart-upload.ts';
import { immutable, openObject } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import { awsFacts, type FactsTable } from './aws-facts.ts';
import type { CatalogStore } from './port.ts';

export interface AwsCatalogStoreOptions extends FactsTable {
  readonly s3: S3Client;
  readonly bucket: string;
}

/** Facts of files and units as rows in DynamoDB; whole catalogues as gzipped columns in S3. */
export function awsCatalogStore({ s3, bucket, ...table }: AwsCatalogStoreOptions): CatalogStore {
  return {
    ...awsFacts(table),

    async putSnapshot(indexSha256, catalog) {
      const upload = new MultipartUpload(s3, {
        bucket,
        key: buildKey({ kind: 'catalog-snapshot', indexSha256 }),
        contentType: 'application/gzip',
        cacheControl: immutable,
      });
      await uploadWhole(upload, () =>
        pipeline(Readable.from(encodeSnapshot(catalog)), createGzip(), async (zipped: AsyncIterable<Buffer>) => {
          for await (const chunk of zipped) await upload.write(chunk);
        }),
      );
    },

    async getSnapshot(indexSha256) {
      const key = buildKey({ kind: 'catalog-snapshot', indexSha256 });
      const object = await openObject(s3, bucket, key);
      if (object === undefined) return undefined;
      // A connection that breaks says nothing about what is stored: its error stays what it is.
      let broken: { readonly error: unknown } | undefined;
      async function* received(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        try {
          yield* body;
        } catch (error) {
          broken = { error };
          throw error;
        }
      }
      try {
        const bytes = await pipeline(received(object.body), createGunzip(), async (plain: AsyncIterable<Buffer>) => {
          const chunks: Buffer[] = [];
          for await (const chunk of plain) chunks.push(chunk);
          return Buffer.concat(chunks);
        });
        return decodeSnapshot(bytes);
      } catch (cause) {
        if (broken !== undefined) throw broken.error;
        throw new StoreError('corrupt', `${key} is not a snapshot of a catalogue`, { cause });
      }
    },
  };
}
