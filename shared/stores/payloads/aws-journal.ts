import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { cleaningRun } from '../../contract/operators/cleaning.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { payloadsBinding } from './binding.ts';
import type { CleaningJournal } from './port.ts';

const { partitionKey, timeToLive } = payloadsBinding.table;
const keyOf = (runId: string): string => payloadsBinding.rows.runPrefix + runId;

/** Runs are kept for people who asked for them; nobody asks a month later. */
const keepRunSeconds = 30 * 24 * 3600;

/** Cleanings as rows of the table of payloads. */
export function awsCleaningJournal(dynamodb: DynamoDBDocumentClient, table: string): CleaningJournal {
  return {
    async putRun(run) {
      const expiresAt = Math.floor(Date.parse(run.startedAt) / 1000) + keepRunSeconds;
      const Item = { [partitionKey]: keyOf(run.runId), ...z.parse(cleaningRun, run), [timeToLive]: expiresAt };
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

    async run(runId) {
      const Key = { [partitionKey]: keyOf(runId) };
      const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : parseAll(cleaningRun, partitionKey, table, [Item])[0];
    },
  };
}
