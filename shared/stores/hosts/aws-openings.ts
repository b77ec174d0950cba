import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { failedConditions, type Retrying } from '../dynamodb/conditional-writes.ts';
import { StoreError } from '../store-error.ts';
import { hostsBinding } from './binding.ts';
import type { HostStore } from './port.ts';
import { itemKey, type OpeningsRow, withOpenings } from './rows.ts';

const { sortKey, timeToLive } = hostsBinding.table;
/** Tries to count beside other requests of the same host. */
const maxTries = 5;
/** The row may go when its day is over everywhere. Seconds. */
const keptSeconds = 48 * 3600;

interface OpeningsOptions extends Retrying {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  readonly find: (machineId: string) => Promise<OpeningsRow | undefined>;
}

/** Counts the files that each host has fetched: a row beside the host's, read and written only when there are some. */
export function countingOpenings(options: OpeningsOptions): Pick<HostStore, 'takeOpenings' | 'returnOpenings'> {
  const { dynamodb, table, find } = options;
  return {
    async takeOpenings(id, asked) {
      for (let tried = 0; tried < maxTries; tried += 1) {
        const before = await find(id);
        const { taken, after } = withOpenings(before, asked);
        if (taken === 0) return 0;
        const put = new PutCommand({
          TableName: table,
          Item: {
            ...itemKey(id, 'openings'),
            version: 1,
            ...after,
            [timeToLive]: Date.parse(after.day) / 1000 + keptSeconds,
          },
          ...(before === undefined
            ? {
                ConditionExpression: 'attribute_not_exists(#item)',
                ExpressionAttributeNames: { '#item': sortKey },
              }
            : {
                ConditionExpression: '#day = :day AND #count = :count',
                ExpressionAttributeNames: { '#day': 'day', '#count': 'count' },
                ExpressionAttributeValues: { ':day': before.day, ':count': before.count },
              }),
        });
        if ((await failedConditions(() => dynamodb.send(put), options)) === undefined) return taken;
      }
      throw new StoreError('conflict', `other requests of ${id} were counted in each of ${maxTries} tries`);
    },

    async returnOpenings(id, { day, count }) {
      const update = new UpdateCommand({
        TableName: table,
        Key: itemKey(id, 'openings'),
        UpdateExpression: 'SET #count = #count - :count',
        ConditionExpression: '#day = :day AND #count >= :count',
        ExpressionAttributeNames: { '#day': 'day', '#count': 'count' },
        ExpressionAttributeValues: { ':day': day, ':count': count },
      });
      await failedConditions(() => dynamodb.send(update), options);
    },
  };
}
