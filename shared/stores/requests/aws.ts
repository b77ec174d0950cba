import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, paginateQuery, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type FileRequest, type FileRequestState, fileRequest, fileRequestStates } from '../../contract/requests.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { batchGet, type Item, type Sleep } from '../dynamodb/batches.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { requestsBinding } from './binding.ts';
import {
  canonicalTime,
  claimRow,
  defaultRetryFailedAfterSeconds,
  expiryOf,
  maxErrorLength,
  positions,
} from './lifecycle.ts';
import type { Claim, RequestStore } from './port.ts';

const { partitionKey } = requestsBinding.table;
const { byState } = requestsBinding;

export interface AwsRequestStoreOptions {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  readonly sleep: Sleep;
  /** A request that was given up is opened again only so long after. @default defaultRetryFailedAfterSeconds */
  readonly retryFailedAfterSeconds?: number;
}

/** What a request no longer has when it moves to another state. */
const worker = '#leaseUntil, #message, #receive';
/** What is left behind when a file is there, given up, or asked for anew. */
const way = '#transfer, #progress, #fruitlessClaims';
const ends = '#doneAt, #sha256, #failedAt, #expiresAt';

/**
 * One row per SHA-1. Every transition is one conditional update, so that two who act at once agree on who was first.
 * Attribute names are all written with a `#`, because many of them are reserved words.
 */
export function awsRequestStore(options: AwsRequestStoreOptions): RequestStore {
  const { dynamodb, table, sleep } = options;
  const retryFailedAfter = options.retryFailedAfterSeconds ?? defaultRetryFailedAfterSeconds;

  const update = (
    sha1: string,
    expressions: { readonly set: string; readonly remove?: string; readonly condition: string },
    values: Record<string, unknown>,
  ) => {
    const text = `SET ${expressions.set}${expressions.remove === undefined ? '' : ` REMOVE ${expressions.remove}`}`;
    return dynamodb.send(
      new UpdateCommand({
        TableName: table,
        Key: { [partitionKey]: sha1 },
        UpdateExpression: text,
        ConditionExpression: expressions.condition,
        ExpressionAttributeNames: namesIn(`${text} ${expressions.condition}`),
        ExpressionAttributeValues: values,
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
  };

  const ofOneState = async (state: FileRequestState, start: Item | undefined, limit: number) => {
    const { Items, LastEvaluatedKey } = await dynamodb.send(
      new QueryCommand({
        ...ofState(table, state),
        Limit: limit,
        ...(start !== undefined && { ExclusiveStartKey: start }),
      }),
    );
    const { rows, unreadable } = parseRows(fileRequest, partitionKey, Items ?? []);
    return { items: rows, unreadable, last: LastEvaluatedKey };
  };

  return {
    async open(request) {
      const at = canonicalTime(request.requestedAt);
      const optional = {
        ...(request.name !== undefined && { name: request.name }),
        ...(request.size !== undefined && { size: request.size }),
      };
      const fields = {
        version: 1,
        state: 'open',
        requestedAt: at,
        requestedBy: request.requestedBy,
        attempts: 0,
        ...optional,
      };
      const values = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`:${name}`, value]));
      try {
        await update(
          request.sha1,
          {
            set: Object.keys(fields)
              .map((name) => `#${name} = :${name}`)
              .join(', '),
            remove: `#queuedAt, ${worker}, ${way}, ${ends}`,
            condition:
              'attribute_not_exists(#sha1) OR #state = :done OR (#state = :failed AND #failedAt <= :retryBefore)',
          },
          {
            ...values,
            ':done': 'done',
            ':failed': 'failed',
            ':retryBefore':
              request.again === true ? at : new Date(Date.parse(at) - retryFailedAfter * 1000).toISOString(),
          },
        );
        return 'opened';
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The row as it was, in DynamoDB's own form: {"S": "failed"}.
        return error.Item?.state?.S === 'failed' ? 'failed-recently' : 'already';
      }
    },

    async get(sha1s) {
      const items = await batchGet(dynamodb, table, partitionKey, sha1s, sleep);
      return new Map(parseAll(fileRequest, partitionKey, table, items).map((request) => [request.sha1, request]));
    },

    async list({ state, cursor, limit }) {
      if (state !== undefined) {
        const start = cursor === undefined ? undefined : decodeCursor(positions[state], cursor);
        const { items, unreadable, last } = await ofOneState(state, start, limit);
        return { items, unreadable, ...(last !== undefined && { next: encodeCursor(last) }) };
      }
      // State by state: the table itself is in no order, and reading it would pay for what is not shown.
      const begin = cursor === undefined ? { allFrom: fileRequestStates[0] } : decodeCursor(positions.all, cursor);
      const [from, after] = 'allFrom' in begin ? [begin.allFrom] : [begin.allAfter.state, begin.allAfter];
      const items: FileRequest[] = [];
      const unreadable: string[] = [];
      for (const one of fileRequestStates.slice(fileRequestStates.indexOf(from))) {
        const left = limit - items.length - unreadable.length;
        if (left === 0) return { items, unreadable, next: encodeCursor({ allFrom: one }) };
        const page = await ofOneState(one, one === from ? after : undefined, left);
        items.push(...page.items);
        unreadable.push(...page.unreadable);
        if (page.last !== undefined) return { items, unreadable, next: encodeCursor({ allAfter: page.last }) };
      }
      return { items, unreadable };
    },

    /** Counts by the index, which costs a read unit per 8 kB of requests and lags a moment behind the table. */
    async countByState() {
      const count = async (state: FileRequestState): Promise<number> => {
        let total = 0;
        for await (const page of paginateQuery({ client: dynamodb }, { ...ofState(table, state), Select: 'COUNT' }))
          total += page.Count ?? 0;
        return total;
      };
      const [open, queued, fetching, done, failed] = await Promise.all(fileRequestStates.map(count));
      return { open: open ?? 0, queued: queued ?? 0, fetching: fetching ?? 0, done: done ?? 0, failed: failed ?? 0 };
    },

    markQueued: (sha1, at, lostBefore) =>
      heldTrue(
        update(
          sha1,
          {
            set: '#state = :queued, #queuedAt = :at',
            remove: worker,
            condition:
              '#state = :open OR (#state = :queued AND #queuedAt < :lostBefore) OR (#state = :fetching AND #leaseUntil < :at)',
          },
          {
            ':open': 'open',
            ':queued': 'queued',
            ':fetching': 'fetching',
            ':at': canonicalTime(at),
            ':lostBefore': canonicalTime(lostBefore),
          },
        ),
      ),

    async claim(sha1, { messageId, receiveCount, leaseUntil }, now) {
      let row: Item | undefined;
      const claimed = await heldTrue(
        update(
          sha1,
          {
            // A message can be faster than the note that it was sent, which is what writes queuedAt.
            set: '#state = :fetching, #leaseUntil = :leaseUntil, #message = :message, #receive = :receive, #attempts = #attempts + :one, #fruitlessClaims = if_not_exists(#fruitlessClaims, :zero) + :one, #queuedAt = if_not_exists(#queuedAt, :now)',
            condition:
              '#state = :open OR #state = :queued OR (#state = :fetching AND (#leaseUntil < :now OR (#message = :message AND #receive < :receive)))',
          },
          {
            ':open': 'open',
            ':queued': 'queued',
            ':fetching': 'fetching',
            ':leaseUntil': canonicalTime(leaseUntil),
            ':message': messageId,
            ':receive': receiveCount,
            ':one': 1,
            ':zero': 0,
            ':now': canonicalTime(now),
          },
        ).then(({ Attributes }) => {
          row = Attributes;
        }),
      );
      if (!claimed || row === undefined) return false;
      const [request] = parseAll(fileRequest, partitionKey, table, [row]);
      if (request === undefined) return false;
      const [{ transfer, fruitlessClaims } = { fruitlessClaims: 1 }] = parseAll(claimRow, partitionKey, table, [row]);
      return { ...request, ...(transfer !== undefined && { transfer }), fruitlessClaims };
    },

    async note(sha1, claim, { transfer, progress }) {
      const sets = {
        ...(transfer !== undefined && { transfer }),
        ...(progress !== undefined && { progress, fruitlessClaims: 0 }),
      };
      const names = Object.keys(sets);
      return heldTrue(
        update(
          sha1,
          {
            // An update must set something; the lease is this claim's anyway.
            set: ['#leaseUntil = :leaseUntil', ...names.map((name) => `#${name} = :${name}`)].join(', '),
            ...(transfer === undefined && { remove: '#transfer' }),
            condition: mine,
          },
          {
            ...valuesOf(claim),
            ':leaseUntil': canonicalTime(claim.leaseUntil),
            ...Object.fromEntries(Object.entries(sets).map(([name, value]) => [`:${name}`, value])),
          },
        ),
      );
    },

    async pause(sha1, claim, why) {
      const reason = why && { ':error': why.error.slice(0, maxErrorLength) };
      await heldTrue(
        update(
          sha1,
          {
            set: reason === undefined ? '#state = :open' : '#state = :open, #lastError = :error',
            remove: `#queuedAt, ${worker}`,
            condition: mine,
          },
          { ...valuesOf(claim), ':open': 'open', ...reason },
        ),
      );
    },

    async fail(sha1, claim, { at, error, final }) {
      const when = canonicalTime(at);
      const ours = valuesOf(claim);
      const condition = mine;
      const lastError = error.slice(0, maxErrorLength);
      // Somebody who took over meanwhile has the say; then nothing is noted here.
      await heldTrue(
        final
          ? update(
              sha1,
              {
                set: '#state = :failed, #failedAt = :at, #lastError = :error, #expiresAt = :expiresAt',
                remove: `#queuedAt, ${worker}, ${way}`,
                condition,
              },
              { ...ours, ':failed': 'failed', ':at': when, ':error': lastError, ':expiresAt': expiryOf(when) },
            )
          : update(
              sha1,
              { set: '#state = :queued, #queuedAt = :at, #lastError = :error', remove: worker, condition },
              { ...ours, ':queued': 'queued', ':at': when, ':error': lastError },
            ),
      );
    },

    async complete(sha1, { at, sha256 }) {
      const when = canonicalTime(at);
      // A request that is gone (expired, or the file came without one) needs no end.
      await heldTrue(
        update(
          sha1,
          {
            set: '#state = :done, #doneAt = :at, #sha256 = :sha256, #expiresAt = :expiresAt',
            remove: `#queuedAt, ${worker}, ${way}, #failedAt, #lastError`,
            condition: 'attribute_exists(#sha1)',
          },
          { ':done': 'done', ':at': when, ':sha256': sha256, ':expiresAt': expiryOf(when) },
        ),
      );
    },
  };
}

/** Whether a claim still holds: somebody who took over has the say. */
const mine = '#state = :fetching AND #message = :message AND #receive = :receive';
const valuesOf = ({ messageId, receiveCount }: Pick<Claim, 'messageId' | 'receiveCount'>) => ({
  ':fetching': 'fetching',
  ':message': messageId,
  ':receive': receiveCount,
});

/** The placeholders of an expression with the attributes they stand for. */
function namesIn(expression: string): Record<string, string> {
  const attributes: Record<string, string> = { '#message': 'claimMessageId', '#receive': 'claimReceiveCount' };
  return Object.fromEntries((expression.match(/#\w+/g) ?? []).map((name) => [name, attributes[name] ?? name.slice(1)]));
}

function ofState(table: string, state: FileRequestState) {
  return {
    TableName: table,
    IndexName: byState.indexName,
    KeyConditionExpression: '#state = :state',
    ExpressionAttributeNames: { '#state': byState.partitionKey },
    ExpressionAttributeValues: { ':state': state },
  };
}
