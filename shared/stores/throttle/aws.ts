import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { throttleBinding } from './binding.ts';
import type { ThrottleStore } from './port.ts';

const { partitionKey, timeToLive } = throttleBinding.table;
const minute = 60_000;
const counted = z.object({ requests: z.int() });

/** A row per person and minute, which DynamoDB deletes some time after the minute. One write unit per request. */
export function awsThrottleStore(dynamodb: DynamoDBDocumentClient, table: string): ThrottleStore {
  return {
    async count(who, at) {
      const window = Math.floor(at / minute);
      const { Attributes } = await dynamodb.send(
        new UpdateCommand({
          TableName: table,
          Key: { [partitionKey]: `${window}#${who}` },
          UpdateExpression: 'ADD #requests :one SET #deleteAfter = :deleteAfter',
          ExpressionAttributeNames: { '#requests': 'requests', '#deleteAfter': timeToLive },
          // An hour's grace: what matters is only that rows go.
          ExpressionAttributeValues: { ':one': 1, ':deleteAfter': (window + 60) * 60 },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      return z.parse(counted, Attributes).requests;
    },
  };
}
