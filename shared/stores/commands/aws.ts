import { createHash } from 'node:crypto';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type Command, command, hostOutcome } from '../../contract/commands.ts';
import { machineId } from '../../contract/primitives.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Item, Sleep } from '../dynamodb/batches.ts';
import { failedConditions } from '../dynamodb/conditional-writes.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { commandsBinding } from './binding.ts';
import type { CommandStore } from './port.ts';

const { partitionKey, sortKey, timeToLive } = commandsBinding.table;
const { byTime, active } = commandsBinding;

/** Sort keys. Those of the command and its counts stand together, before the outcomes. */
const items = {
  command: 'command',
  count: 'count#',
  countsEnd: 'count#~',
  outcome: 'outcome#',
  outcomesEnd: 'outcome#~',
};
/**
 * Rows that the outcomes of one command are counted in. A row takes about 500 transactions a second, and two that meet on
 * it must try again: with 100,000 hosts that answer within minutes, one row would be the bottleneck.
 */
const countRows = 8;
/** Commands are history for people after their end; they are deleted after so long. Seconds. */
const keepEndedSeconds = 90 * 24 * 3600;
/** Commands whose counts are read at a time. */
const parallel = 25;

const listName = 'commands';
const activeName = 'yes';

const commandRow = z.omit(command, { outcomes: true });
const countRow = z.object({ done: z._default(z.int(), 0), failed: z._default(z.int(), 0) });
const ttl = z.object({ [timeToLive]: z.int() });

const listPosition = z.strictObject({
  [partitionKey]: z.string(),
  [sortKey]: z.literal(items.command),
  [byTime.partitionKey]: z.literal(listName),
  [byTime.sortKey]: z.string(),
});
const outcomePosition = z.strictObject({ of: z.string(), afterMachine: machineId });

export interface AwsCommandStoreOptions {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  readonly sleep: Sleep;
}

export function awsCommandStore({ dynamodb, table, sleep }: AwsCommandStoreOptions): CommandStore {
  const keyOf = (commandId: string, item: string) => ({ [partitionKey]: commandId, [sortKey]: item });

  /** Rows of one command between two sort keys, both included. */
  const between = (commandId: string, from: string, to: string) => ({
    TableName: table,
    KeyConditionExpression: '#id = :id AND #item BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#id': partitionKey, '#item': sortKey },
    ExpressionAttributeValues: { ':id': commandId, ':from': from, ':to': to },
  });

  const get = async (commandId: string): Promise<Command | undefined> => {
    const { Items } = await dynamodb.send(
      new QueryCommand({ ...between(commandId, items.command, items.countsEnd), ConsistentRead: true }),
    );
    return countedCommand(table, Items ?? []);
  };

  return {
    get,

    async create(wanted) {
      const { outcomes: _, ...row } = z.parse(command, wanted);
      const put = new PutCommand({
        TableName: table,
        Item: {
          ...row,
          ...keyOf(row.commandId, items.command),
          [byTime.partitionKey]: listName,
          [byTime.sortKey]: canonical(row.createdAt),
          [active.partitionKey]: activeName,
          [active.sortKey]: canonical(row.expiresAt),
          [timeToLive]: Math.floor(Date.parse(row.expiresAt) / 1000) + keepEndedSeconds,
        },
        ConditionExpression: 'attribute_not_exists(#id)',
        ExpressionAttributeNames: { '#id': partitionKey },
      });
      if (!(await heldTrue(dynamodb.send(put))))
        throw new StoreError('conflict', `there is a command ${row.commandId} already`);
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
          ...(cursor !== undefined && { ExclusiveStartKey: decodeCursor(listPosition, cursor) }),
        }),
      );
      const { rows, unreadable } = parseRows(commandRow, partitionKey, Items ?? []);
      const counted: Command[] = [];
      for (let start = 0; start < rows.length; start += parallel) {
        const some = rows.slice(start, start + parallel);
        counted.push(...(await Promise.all(some.map(async (row) => (await get(row.commandId)) ?? uncounted(row)))));
      }
      return {
        items: counted,
        unreadable,
        ...(LastEvaluatedKey !== undefined && { next: encodeCursor(LastEvaluatedKey) }),
      };
    },

    async active(at) {
      const pages = paginateQuery(
        { client: dynamodb },
        {
          TableName: table,
          IndexName: active.indexName,
          KeyConditionExpression: '#active = :yes AND #end > :at',
          ExpressionAttributeNames: { '#active': active.partitionKey, '#end': active.sortKey },
          ExpressionAttributeValues: { ':yes': activeName, ':at': canonical(at) },
        },
      );
      const found: Command[] = [];
      for await (const { Items } of pages)
        found.push(...parseRows(commandRow, partitionKey, Items ?? []).rows.map(uncounted));
      return found;
    },

    cancel(commandId, at) {
      const update = new UpdateCommand({
        TableName: table,
        Key: keyOf(commandId, items.command),
        UpdateExpression: 'SET #cancelledAt = if_not_exists(#cancelledAt, :at) REMOVE #active',
        ConditionExpression: 'attribute_exists(#id)',
        ExpressionAttributeNames: {
          '#id': partitionKey,
          '#active': active.partitionKey,
          '#cancelledAt': 'cancelledAt',
        },
        ExpressionAttributeValues: { ':at': at },
      });
      return heldTrue(dynamodb.send(update));
    },

    async putOutcome(machine, outcome) {
      const stored = z.parse(hostOutcome, { ...outcome, machineId: machine });
      const { commandId } = stored;
      const { Item } = await dynamodb.send(
        new GetCommand({ TableName: table, Key: keyOf(commandId, items.command), ConsistentRead: true }),
      );
      if (Item === undefined) return 'unknown';
      const { [timeToLive]: deleteAfter } = z.parse(ttl, Item);
      const refused = await failedConditions(
        () =>
          dynamodb.send(
            new TransactWriteCommand({
              TransactItems: [
                {
                  Put: {
                    TableName: table,
                    Item: { ...stored, ...keyOf(commandId, `${items.outcome}${machine}`), [timeToLive]: deleteAfter },
                    ConditionExpression: 'attribute_not_exists(#id)',
                    ExpressionAttributeNames: { '#id': partitionKey },
                  },
                },
                {
                  Update: {
                    TableName: table,
                    Key: keyOf(commandId, `${items.count}${countRowOf(machine)}`),
                    UpdateExpression: 'ADD #outcome :one SET #deleteAfter = :deleteAfter',
                    ExpressionAttributeNames: { '#outcome': stored.outcome, '#deleteAfter': timeToLive },
                    ExpressionAttributeValues: { ':one': 1, ':deleteAfter': deleteAfter },
                  },
                },
              ],
            }),
          ),
        { sleep },
      );
      return refused === undefined ? 'stored' : 'already';
    },

    async outcomes(commandId, { cursor, limit }) {
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          ...between(commandId, items.outcome, items.outcomesEnd),
          Limit: limit,
          ...(cursor !== undefined && { ExclusiveStartKey: startOf(commandId, cursor) }),
        }),
      );
      const { rows, unreadable } = parseRows(hostOutcome, sortKey, Items ?? []);
      const last = LastEvaluatedKey?.[sortKey];
      return {
        items: rows,
        unreadable: unreadable.map(machineOf),
        ...(typeof last === 'string' && { next: encodeCursor({ of: commandId, afterMachine: machineOf(last) }) }),
      };
    },
  };

  /** @throws StoreError `refused` for a cursor of another command */
  function startOf(commandId: string, cursor: string) {
    const { of, afterMachine } = decodeCursor(outcomePosition, cursor);
    if (of !== commandId) throw new StoreError('refused', `the cursor is one of the outcomes of ${of}`);
    return keyOf(commandId, `${items.outcome}${afterMachine}`);
  }
}

/** Times are compared as text: one moment, one spelling. */
const canonical = (time: string): string => new Date(time).toISOString();

const machineOf = (item: string): string => item.slice(items.outcome.length);

const countRowOf = (machine: string): number => (createHash('sha256').update(machine).digest()[0] ?? 0) % countRows;

const uncounted = (row: z.output<typeof commandRow>): Command => ({ ...row, outcomes: { done: 0, failed: 0 } });

/** @throws StoreError `corrupt` */
function countedCommand(table: string, rows: readonly Item[]): Command | undefined {
  const [row] = parseAll(
    commandRow,
    partitionKey,
    table,
    rows.filter((item) => item[sortKey] === items.command),
  );
  if (row === undefined) return undefined;
  const counts = parseAll(
    countRow,
    sortKey,
    table,
    rows.filter((item) => item[sortKey] !== items.command),
  );
  return {
    ...row,
    outcomes: {
      done: counts.reduce((sum, { done }) => sum + done, 0),
      failed: counts.reduce((sum, { failed }) => sum + failed, 0),
    },
  };
}
