import type { S3Client } from '@aws-sdk/client-s3';
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { buildKey } from '../../contract/keys.ts';
import type { FileAmount } from '../../contract/operators/cleaning.ts';
import { byteCount, sha1, timestamp } from '../../contract/primitives.ts';
import { monthOf } from '../../core/fleet/received.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { batchGet, type Item, type Sleep } from '../dynamodb/batches.ts';
import { failedConditions } from '../dynamodb/conditional-writes.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { MultipartUpload } from '../s3/multipart-upload.ts';
import { deleteObject, immutable, moveObject } from '../s3/objects.ts';
import { StoreError } from '../store-error.ts';
import { payloadsBinding } from './binding.ts';
import type { HeldPayload, PayloadStore, PayloadUpload } from './port.ts';
import { restoreRetired } from './restore.ts';
import { cleanableRow, listNames, monthKey, payloadRow, totalsKey } from './rows.ts';

const { partitionKey } = payloadsBinding.table;
const { byTime } = payloadsBinding;
/** Partition of the index by time. */
const listName = listNames.held;

/** How many there are; counted in the transaction that writes a record. */
const totalsRow = z.object({ files: byteCount, bytes: byteCount });

/** Key of the last record of a page. */
const position = z.strictObject({
  sha1,
  [byTime.partitionKey]: z.literal(listName),
  [byTime.sortKey]: timestamp,
});

export interface AwsPayloadStoreOptions {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly s3: S3Client;
  readonly table: string;
  readonly bucket: string;
  readonly sleep: Sleep;
}

/** Records in DynamoDB by SHA-1, objects in S3 by SHA-256. */
export function awsPayloadStore({ dynamodb, s3, table, bucket, sleep }: AwsPayloadStoreOptions): PayloadStore {
  const heldOf = (items: Record<string, unknown>[]): HeldPayload[] =>
    parseAll(payloadRow, partitionKey, table, items).map(({ version: _, ...held }) => held);

  const amount = async (key: Item): Promise<FileAmount> => {
    const { Item: row } = await dynamodb.send(new GetCommand({ TableName: table, Key: key }));
    return row === undefined ? { files: 0, bytes: 0 } : z.parse(totalsRow, row);
  };
  const counting = (key: Item, { size }: HeldPayload) => ({
    Update: {
      TableName: table,
      Key: key,
      UpdateExpression: 'ADD #files :one, #bytes :size',
      ExpressionAttributeNames: { '#files': 'files', '#bytes': 'bytes' },
      ExpressionAttributeValues: { ':one': 1, ':size': size },
    },
  });

  return {
    async held(sha1s) {
      const items = await batchGet(dynamodb, table, partitionKey, sha1s, sleep);
      const notRetired = items.filter(({ [byTime.partitionKey]: list }) => list !== listNames.retired);
      return new Map(heldOf(notRetired).map((payload) => [payload.sha1, payload]));
    },

    async retiredAt(digest) {
      const key = { [partitionKey]: digest };
      const { Item: row } = await dynamodb.send(new GetCommand({ TableName: table, Key: key }));
      if (row?.[byTime.partitionKey] !== listNames.retired) return undefined;
      const [leaving] = parseAll(cleanableRow, partitionKey, table, [row]);
      return leaving?.list === listNames.retired && leaving.removingSince === undefined ? leaving.retiredAt : undefined;
    },

    restore: (digest, at) => restoreRetired({ dynamodb, table, sleep }, digest, at),

    async begin(file) {
      return uploadOf(s3, bucket, file);
    },

    async record(payload) {
      const refused = await failedConditions(
        () =>
          dynamodb.send(
            new TransactWriteCommand({
              TransactItems: [
                {
                  Put: {
                    TableName: table,
                    Item: { ...z.parse(payloadRow, { version: 1, ...payload }), [byTime.partitionKey]: listName },
                    ConditionExpression: 'attribute_not_exists(#key)',
                    ExpressionAttributeNames: { '#key': partitionKey },
                  },
                },
                counting(totalsKey, payload),
                counting(monthKey(monthOf(new Date(payload.heldAt))), payload),
              ],
            }),
          ),
        { sleep },
      );
      if (refused === undefined) return;
      const { Item } = await dynamodb.send(
        new GetCommand({ TableName: table, Key: { [partitionKey]: payload.sha1 }, ConsistentRead: true }),
      );
      if (Item?.[byTime.partitionKey] === listNames.retired)
        throw new StoreError('conflict', `${payload.sha1} was taken out of the repository while it was uploaded`);
      const [before] = heldOf(Item === undefined ? [] : [Item]);
      if (before === undefined || before.sha256 !== payload.sha256 || before.size !== payload.size)
        throw new StoreError(
          'conflict',
          `${payload.sha1} is recorded as ${before?.sha256 ?? 'just removed'}, not as ${payload.sha256}`,
        );
    },

    async list({ cursor, limit }) {
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          IndexName: byTime.indexName,
          KeyConditionExpression: '#list = :list',
          ExpressionAttributeNames: { '#list': byTime.partitionKey },
          ExpressionAttributeValues: { ':list': listName },
          ScanIndexForward: false,
          Limit: limit,
          ...(cursor !== undefined && { ExclusiveStartKey: decodeCursor(position, cursor) }),
        }),
      );
      const { rows, unreadable } = parseRows(payloadRow, partitionKey, Items ?? []);
      return {
        items: rows.map(({ version: _, ...held }) => held),
        unreadable,
        ...(LastEvaluatedKey !== undefined && { next: encodeCursor(LastEvaluatedKey) }),
      };
    },

    totals: () => amount(totalsKey),

    fetchedIn: (month) => amount(monthKey(month)),
  };
}

/** With a known SHA-256 straight to the final key; else to a staging key, and from there once the digest is known. */
function uploadOf(
  s3: S3Client,
  bucket: string,
  file: { readonly sha1: string; readonly sha256?: string | undefined },
): PayloadUpload {
  const staging = buildKey({ kind: 'payload-staging', sha1: file.sha1 });
  const upload = new MultipartUpload(s3, {
    bucket,
    key: file.sha256 === undefined ? staging : buildKey({ kind: 'payload', sha256: file.sha256 }),
    contentType: 'application/octet-stream',
    cacheControl: immutable,
  });
  let bytes = 0;
  let staged = false;
  return {
    write(chunk) {
      bytes += chunk.byteLength;
      return upload.write(chunk);
    },

    async complete(digest) {
      const key = buildKey({ kind: 'payload', sha256: digest });
      if (file.sha256 !== undefined && file.sha256 !== digest)
        throw new StoreError('refused', `the upload was begun as ${file.sha256} and cannot end as ${digest}`);
      await upload.complete();
      if (file.sha256 !== undefined) return;
      staged = true;
      await moveObject(s3, bucket, staging, key, bytes);
      staged = false;
    },

    async abort() {
      await upload.abort();
      // Whole, but never moved to its digest's key.
      if (staged) await deleteObject(s3, bucket, staging);
      staged = false;
    },
  };
}
