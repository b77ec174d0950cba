import type { S3Client } from '@aws-sdk/client-s3';
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { buildKey } from '../../contract/keys.ts';
import { byteCount, timestamp } from '../../contract/primitives.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { inParallel, roundsOf, unlessThrottled } from '../dynamodb/batches.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { deleteObject } from '../s3/objects.ts';
import { payloadsBinding } from './binding.ts';
import {
  asRead,
  changeState,
  expressionsOf,
  forgetting,
  restoring,
  retiring,
  type StateTable,
} from './change-state.ts';
import type { CleanablePayload, PayloadCleaning } from './port.ts';
import { type CleanableRow, cleanableRow, listNames, totalsKey } from './rows.ts';

const { partitionKey } = payloadsBinding.table;
const { byTime, rows } = payloadsBinding;
/** Writes of single records and deletions of objects at a time. */
const parallel = 16;

/** What the last run that cleaned counted. */
export const lastCleaningRow = z.object({ version: z.literal(1), hosts: z.int(), at: timestamp });

const totalsRow = z.object({
  retiredFiles: z._default(byteCount, 0),
  retiredBytes: z._default(byteCount, 0),
  removedFiles: z._default(byteCount, 0),
  removedBytes: z._default(byteCount, 0),
});

const position = z.strictObject({
  [partitionKey]: z.string(),
  [byTime.partitionKey]: z.enum(listNames),
  [byTime.sortKey]: timestamp,
});

export interface AwsPayloadCleaningOptions extends StateTable {
  readonly s3: S3Client;
  readonly bucket: string;
}

/** The cleaning of payload files on DynamoDB and S3. */
export function awsPayloadCleaning({ s3, bucket, ...target }: AwsPayloadCleaningOptions): PayloadCleaning {
  const { dynamodb, table } = target;
  /** @returns whether its condition held; a list of many files is one partition of an index, which may be too much at once */
  const update = async (command: UpdateCommand): Promise<boolean> => {
    const rounds = roundsOf(target.sleep, {}, `write a record of ${table}`);
    let held: boolean | undefined;
    while (await rounds(held === undefined ? 1 : 0)) held = await unlessThrottled(heldTrue(dynamodb.send(command)));
    return held === true;
  };
  const each = (sha1s: readonly string[], expressions: Record<string, string>, values: Record<string, string>) =>
    inParallel(parallel, sha1s, async (sha1) => {
      const Key = { [partitionKey]: sha1 };
      await update(new UpdateCommand({ TableName: table, Key, ...expressionsOf(expressions, values) }));
    });
  /** Conditional: of two who begin at once one goes on, and whoever asked for the file meanwhile keeps it. */
  const beginRemoval = (file: CleanablePayload, at: string): Promise<boolean> => {
    const { condition, values } = asRead(file);
    const expressions = { UpdateExpression: 'SET #removingSince = :at', ConditionExpression: condition };
    const Key = { [partitionKey]: file.sha1 };
    const written = expressionsOf(expressions, { ...values, ':at': at });
    return update(new UpdateCommand({ TableName: table, Key, ...written }));
  };
  return {
    async list(state, { cursor, limit }) {
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          IndexName: byTime.indexName,
          KeyConditionExpression: '#list = :list',
          ExpressionAttributeNames: { '#list': byTime.partitionKey },
          ExpressionAttributeValues: { ':list': listNames[state] },
          ScanIndexForward: false,
          Limit: limit,
          ...(cursor !== undefined && { ExclusiveStartKey: decodeCursor(position, cursor) }),
        }),
      );
      const { rows, unreadable } = parseRows(cleanableRow, partitionKey, Items ?? []);
      return {
        items: rows.map(fileOf),
        unreadable,
        ...(LastEvaluatedKey !== undefined && { next: encodeCursor(LastEvaluatedKey) }),
      };
    },

    markUnneeded: (sha1s, since) =>
      each(
        sha1s,
        {
          UpdateExpression: 'SET #unneededSince = :since',
          ConditionExpression: '#list = :held AND attribute_not_exists(#unneededSince)',
        },
        { ':since': since, ':held': listNames.held },
      ),

    clearUnneeded: (sha1s) =>
      each(
        sha1s,
        { UpdateExpression: 'REMOVE #unneededSince', ConditionExpression: '#list = :held' },
        { ':held': listNames.held },
      ),

    retire: (files, at) => changeState(target, files, retiring(at)),
    restore: (files) => changeState(target, files, restoring),
    forget: (files) => changeState(target, files, forgetting),

    async remove(files, at) {
      const removed: CleanablePayload[] = [];
      await inParallel(parallel, files, async (file) => {
        if (file.state !== 'retired' || !(await beginRemoval(file, at))) return;
        await deleteObject(s3, bucket, buildKey({ kind: 'payload', sha256: file.sha256 }));
        removed.push({ ...file, removingSince: at });
      });
      return removed;
    },

    async totals() {
      const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key: totalsKey }));
      const { retiredFiles, retiredBytes, removedFiles, removedBytes } = z.parse(totalsRow, Item ?? {});
      return {
        retired: { files: retiredFiles, bytes: retiredBytes },
        removed: { files: removedFiles, bytes: removedBytes },
      };
    },

    async hosts() {
      const Key = { [partitionKey]: rows.cleaning };
      const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : parseAll(lastCleaningRow, partitionKey, table, [Item])[0]?.hosts;
    },

    async noteHosts(hosts, at) {
      const Item = { [partitionKey]: rows.cleaning, ...z.parse(lastCleaningRow, { version: 1, hosts, at }) };
      await dynamodb.send(new PutCommand({ TableName: table, Item }));
    },
  };
}

function fileOf({ version: _, ...row }: CleanableRow): CleanablePayload {
  if (row.list === listNames.held) {
    const { list, ...file } = row;
    return { ...file, state: list };
  }
  const { list, ...file } = row;
  return { ...file, state: list };
}
