import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { decodeSnapshot, encodeSnapshot, payloadFile } from '../../contract/catalog-snapshot.ts';
import { buildKey } from '../../contract/keys.ts';
import type { PayloadFile } from '../../core/catalog/model.ts';
import { batchGet, batchPut, type Item, type Sleep } from '../dynamodb/batches.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { MultipartUpload, uploadWhole } from '../s3/multipart-upload.ts';
import { immutable, openObject } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import { catalogBinding } from './binding.ts';
import type { CatalogStore } from './port.ts';

const { partitionKey } = catalogBinding.table;
const prefix = 'file#';

/** One row per payload file, under `file#<sha1>`. */
export const factsRow = z.extend(payloadFile, { version: z.literal(1) });

export interface AwsCatalogStoreOptions {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly s3: S3Client;
  readonly table: string;
  readonly bucket: string;
  readonly sleep: Sleep;
}

/** File facts as rows in DynamoDB; whole catalogues as gzipped JSON in S3. */
export function awsCatalogStore({ dynamodb, s3, table, bucket, sleep }: AwsCatalogStoreOptions): CatalogStore {
  return {
    async fileFacts(sha1s) {
      const keys = [...new Set(sha1s)].map((sha1) => prefix + sha1);
      const items = await batchGet(dynamodb, table, partitionKey, keys, sleep);
      const rows = parseAll(factsRow, partitionKey, table, items);
      return new Map(rows.map(({ version: _, ...facts }) => [facts.sha1, facts]));
    },

    putFileFacts: (facts) => batchPut(dynamodb, table, rowsOf(facts), sleep),

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
      const { body } = object;
      try {
        const json = await pipeline(body, createGunzip(), async (plain: AsyncIterable<Buffer>) => {
          const chunks: Buffer[] = [];
          for await (const chunk of plain) chunks.push(chunk);
          return Buffer.concat(chunks).toString();
        });
        return decodeSnapshot(JSON.parse(json));
      } catch (cause) {
        throw new StoreError('corrupt', `${key} is not a snapshot of a catalogue`, { cause });
      }
    },
  };
}

function* rowsOf(facts: Iterable<PayloadFile>): Generator<Item> {
  for (const file of facts) yield { [partitionKey]: prefix + file.sha1, ...z.parse(factsRow, { version: 1, ...file }) };
}
