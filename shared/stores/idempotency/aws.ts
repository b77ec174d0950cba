import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { heldTrue } from '../dynamodb/conditions.ts';
import { StoreError } from '../store-error.ts';
import { idempotencyBinding } from './binding.ts';
import type { Attempt, IdempotencyStore, Standing } from './port.ts';

const { partitionKey, timeToLive } = idempotencyBinding.table;

/** Attributes of a row. `leaseUntil` and `keepUntil` are milliseconds: DynamoDB may be days late to delete. */
const names = {
  '#id': partitionKey,
  '#attempt': 'attempt',
  '#leaseUntil': 'leaseUntil',
  '#keepUntil': 'keepUntil',
};

/** Rows in DynamoDB, one per request; each step is one conditional write. */
export function awsIdempotencyStore(dynamodb: DynamoDBDocumentClient, table: string): IdempotencyStore {
  return {
    async begin(attempt, leaseUntil) {
      const { id, fingerprint, at } = attempt;
      try {
        await dynamodb.send(
          new PutCommand({
            TableName: table,
            Item: {
              [partitionKey]: id,
              fingerprint,
              attempt: attempt.attempt,
              leaseUntil,
              [timeToLive]: Math.ceil(leaseUntil / 1000),
            },
            // Nobody's; or it was answered so long ago that it is forgotten; or whoever had it came to no end.
            ConditionExpression:
              'attribute_not_exists(#id) OR #keepUntil <= :now OR (attribute_not_exists(#keepUntil) AND #leaseUntil <= :now)',
            ExpressionAttributeNames: { '#id': names['#id'], '#leaseUntil': 'leaseUntil', '#keepUntil': 'keepUntil' },
            ExpressionAttributeValues: { ':now': at },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return { state: 'begun' };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException) || error.Item === undefined) throw error;
        return standingOf(error.Item, attempt);
      }
    },

    finish: ({ id, attempt }, answer, keepUntil) =>
      heldTrue(
        dynamodb.send(
          new UpdateCommand({
            TableName: table,
            Key: { [partitionKey]: id },
            UpdateExpression: 'SET #answer = :answer, #keepUntil = :keepUntil, #deleteAfter = :deleteAfter',
            ConditionExpression: '#attempt = :attempt',
            ExpressionAttributeNames: {
              '#attempt': names['#attempt'],
              '#answer': 'answer',
              '#keepUntil': names['#keepUntil'],
              '#deleteAfter': timeToLive,
            },
            ExpressionAttributeValues: {
              ':attempt': attempt,
              ':answer': answer,
              ':keepUntil': keepUntil,
              ':deleteAfter': Math.ceil(keepUntil / 1000),
            },
          }),
        ),
      ),

    async abandon({ id, attempt }) {
      await heldTrue(
        dynamodb.send(
          new DeleteCommand({
            TableName: table,
            Key: { [partitionKey]: id },
            ConditionExpression: '#attempt = :attempt AND attribute_not_exists(#keepUntil)',
            ExpressionAttributeNames: { '#attempt': names['#attempt'], '#keepUntil': names['#keepUntil'] },
            ExpressionAttributeValues: { ':attempt': attempt },
          }),
        ),
      );
    },
  };
}

/** The row as it is, in DynamoDB's own form. @throws StoreError `corrupt` */
function standingOf(item: NonNullable<ConditionalCheckFailedException['Item']>, asked: Attempt): Standing {
  const { fingerprint, attempt, leaseUntil, answer } = item;
  if (fingerprint?.S !== asked.fingerprint) return { state: 'mismatch' };
  if (answer?.B !== undefined) return { state: 'answered', answer: answer.B };
  // The SDK sends again what it got no answer to: then the row is ours.
  if (attempt?.S === asked.attempt) return { state: 'begun' };
  if (leaseUntil?.N === undefined) throw new StoreError('corrupt', `the row of request ${asked.id} has no lease`);
  return { state: 'under-way', until: Number(leaseUntil.N) };
}
