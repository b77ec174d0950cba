import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { indexCopy, type UnfinishedPublication, unfinishedPublication } from '../../contract/index-copy.ts';
import { indexRefusal, syncRun } from '../../contract/operators/index-sync.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { catalogBinding } from './binding.ts';
import type { SyncJournal } from './port.ts';

const { partitionKey, timeToLive } = catalogBinding.table;
const { refusal: refusalKey, copy: copyKey, unfinished: unfinishedKey, runPrefix } = catalogBinding.journal;
const runKey = (runId: string): string => runPrefix + runId;

export const refusalRow = z.extend(indexRefusal, { version: z.literal(1) });

/** Runs are kept for people who asked for them; nobody asks a month later. */
const keepRunSeconds = 30 * 24 * 3600;

/** Stands for an unfinished publication of which only that it was there can be read: the table is compared with it. */
const unknownPublication: UnfinishedPublication = {
  version: 1,
  copyId: 'unreadable',
  sha256: '0'.repeat(64),
  at: new Date(0).toISOString(),
};

/**
 * Refusal, copy under way and runs as rows of the catalogue's table.
 *
 * A row that does not parse, as one of a later version after a deployment was taken back, must not stop the
 * synchronisation for good: a copy is dropped, a refusal is as none, and an unfinished publication is one that nothing
 * is known of. `warn` is told which row and why.
 */
export function awsSyncJournal(
  dynamodb: DynamoDBDocumentClient,
  table: string,
  warn: (message: string) => void = () => {},
): SyncJournal {
  const read = async <S extends z.ZodMiniType>(schema: S, key: string): Promise<z.output<S> | undefined> => {
    const { Item } = await dynamodb.send(
      new GetCommand({ TableName: table, Key: { [partitionKey]: key }, ConsistentRead: true }),
    );
    return Item === undefined ? undefined : parseAll(schema, partitionKey, table, [Item])[0];
  };
  const orElse = async <T>(row: Promise<T>, instead: () => T | Promise<T>): Promise<T> => {
    try {
      return await row;
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'corrupt')) throw error;
      warn(error.message);
      return instead();
    }
  };
  return {
    async refusal() {
      const row = await orElse(read(refusalRow, refusalKey), () => undefined);
      if (row === undefined) return undefined;
      const { version: _, ...refusal } = row;
      return refusal;
    },

    async putRefusal(refusal) {
      const Item = { [partitionKey]: refusalKey, ...z.parse(refusalRow, { version: 1, ...refusal }) };
      await dynamodb.send(new PutCommand({ TableName: table, Item }));
    },

    async clearRefusal() {
      await dynamodb.send(new DeleteCommand({ TableName: table, Key: { [partitionKey]: refusalKey } }));
    },

    copy: () =>
      orElse(read(indexCopy, copyKey), async () => {
        // Its bytes are nobody's then; the bucket's lifecycle rules drop them.
        await dynamodb.send(new DeleteCommand({ TableName: table, Key: { [partitionKey]: copyKey } }));
        return undefined;
      }),

    async putCopy(copy, known) {
      const Item = { [partitionKey]: copyKey, ...z.parse(indexCopy, copy) };
      await unlessFaster(heldTrue(dynamodb.send(new PutCommand({ TableName: table, Item, ...atRevision(known) }))));
    },

    async clearCopy(known) {
      const Key = { [partitionKey]: copyKey };
      await unlessFaster(heldTrue(dynamodb.send(new DeleteCommand({ TableName: table, Key, ...atRevision(known) }))));
    },

    unfinished: () => orElse(read(unfinishedPublication, unfinishedKey), () => unknownPublication),

    async putUnfinished(publication) {
      const Item = { [partitionKey]: unfinishedKey, ...z.parse(unfinishedPublication, publication) };
      await dynamodb.send(new PutCommand({ TableName: table, Item }));
    },

    async clearUnfinished() {
      await dynamodb.send(new DeleteCommand({ TableName: table, Key: { [partitionKey]: unfinishedKey } }));
    },

    async putRun(run) {
      const expiresAt = Math.floor(Date.parse(run.startedAt) / 1000) + keepRunSeconds;
      const Item = { [partitionKey]: runKey(run.runId), ...z.parse(syncRun, run), [timeToLive]: expiresAt };
      // A late note of the start must not hide the end, nor the end of a repeated run that of the first.
      await heldTrue(
        dynamodb.send(
          new PutCommand({
            TableName: table,
            Item,
            ConditionExpression: 'attribute_not_exists(#key) OR #state <> :ended',
            ExpressionAttributeNames: { '#key': partitionKey, '#state': 'state' },
            ExpressionAttributeValues: { ':ended': 'ended' },
          }),
        ),
      );
    },

    run: (runId) => read(syncRun, runKey(runId)),
  };
}

function atRevision(known: number | undefined) {
  if (known === undefined) {
    return { ConditionExpression: 'attribute_not_exists(#key)', ExpressionAttributeNames: { '#key': partitionKey } };
  }
  return {
    ConditionExpression: '#revision = :known',
    ExpressionAttributeNames: { '#revision': 'revision' },
    ExpressionAttributeValues: { ':known': known },
  };
}

async function unlessFaster(held: Promise<boolean>): Promise<void> {
  if (!(await held)) throw new StoreError('conflict', 'another run went on with the copy of the index');
}
