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
import type { Sleep } from '../dynamodb/batches.ts';
import { failedConditions } from '../dynamodb/conditional-writes.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { commandsBinding } from './binding.ts';
import type { CommandStore } from './port.ts';

const { partitionKey, sortKey, timeToLive } = commandsBinding.table;
const { byTime, active, outcomesPrefix } = commandsBinding;

/** Sort keys, or what they begin with. */
const items = { command: 'command', count: 'count#', outcome: 'outcome#' };
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
  /** Rows beside a command whose sort keys begin so. */
  const beside = (commandId: string, prefix: string) => ({
    TableName: table,
    KeyConditionExpression: '#id = :id AND begins_with(#item, :prefix)',
    ExpressionAttributeNames: { '#id': partitionKey, '#item': sortKey },
    ExpressionAttributeValues: { ':id': `${outcomesPrefix}${commandId}`, ':prefix': prefix },
  });

  const find = async (commandId: string): Promise<Command | undefined> => {
    const { Item } = await dynamodb.send(
      new GetCommand({ TableName: table, Key: commandKey(commandId), ConsistentRead: true }),
    );
    const [row] = parseAll(commandRow, partitionKey, table, Item === undefined ? [] : [Item]);
    return row && uncounted(row);
  };

  const counted = async (found: Command): Promise<Command> => {
    const { Items } = await dynamodb.send(
      new QueryCommand({ ...beside(found.commandId, items.count), ConsistentRead: true }),
    );
    const counts = parseAll(countRow, sortKey, table, Items ?? []);
    const sumOf = (outcome: keyof Command['outcomes']) => counts.reduce((sum, count) => sum + count[outcome], 0);
    return { ...found, outcomes: { done: sumOf('done'), failed: sumOf('failed') } };
  };

  return {
    find,

    async get(commandId) {
      const found = await find(commandId);
      return found && counted(found);
    },

    async create(wanted) {
      const { outcomes: _, ...row } = z.parse(command, wanted);
      const put = new PutCommand({
        TableName: table,
        Item: {
          ...row,
          ...commandKey(row.commandId),
          [byTime.partitionKey]: listName,
          [byTime.sortKey]: canonical(row.createdAt),
          [active.partitionKey]: activeName,
          [active.sortKey]: canonical(row.expiresAt),
          [timeToLive]: deletedAfter(row.expiresAt),
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
      const commands: Command[] = [];
      for (let start = 0; start < rows.length; start += parallel) {
        const some = rows.slice(start, start + parallel);
        commands.push(...(await Promise.all(some.map((row) => counted(uncounted(row))))));
      }
      return {
        items: commands,
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
        Key: commandKey(commandId),
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

    async putOutcome(machine, outcome, expiresAt) {
      const { commandId, ...stored } = z.parse(hostOutcome, { ...outcome, machineId: machine });
      const deleteAfter = deletedAfter(expiresAt);
      const write = new TransactWriteCommand({
        TransactItems: [
          {
            Put: {
              TableName: table,
              Item: { ...stored, ...besideKey(commandId, outcomeItem(machine)), [timeToLive]: deleteAfter },
              ConditionExpression: 'attribute_not_exists(#id)',
              ExpressionAttributeNames: { '#id': partitionKey },
            },
          },
          {
            Update: {
              TableName: table,
              Key: besideKey(commandId, countItem(machine)),
              UpdateExpression: 'ADD #outcome :one SET #deleteAfter = :deleteAfter',
              ExpressionAttributeNames: { '#outcome': stored.outcome, '#deleteAfter': timeToLive },
              ExpressionAttributeValues: { ':one': 1, ':deleteAfter': deleteAfter },
            },
          },
        ],
      });
      return (await failedConditions(() => dynamodb.send(write), { sleep })) === undefined ? 'stored' : 'already';
    },

    async outcomes(commandId, { cursor, limit }) {
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          ...beside(commandId, items.outcome),
          Limit: limit,
          ...(cursor !== undefined && { ExclusiveStartKey: startOf(commandId, cursor) }),
        }),
      );
      const rows = (Items ?? []).map((item) => ({ ...item, commandId }));
      const { rows: outcomes, unreadable } = parseRows(hostOutcome, sortKey, rows);
      const last = LastEvaluatedKey?.[sortKey];
      return {
        items: outcomes,
        unreadable: unreadable.map(machineOf),
        ...(typeof last === 'string' && { next: encodeCursor({ of: commandId, afterMachine: machineOf(last) }) }),
      };
    },
  };
}

const commandKey = (commandId: string) => ({ [partitionKey]: commandId, [sortKey]: items.command });
const besideKey = (commandId: string, item: string) => ({
  [partitionKey]: `${outcomesPrefix}${commandId}`,
  [sortKey]: item,
});
const outcomeItem = (machine: string): string => `${items.outcome}${machine}`;
const machineOf = (item: string): string => item.slice(items.outcome.length);
const countItem = (machine: string): string =>
  `${items.count}${(createHash('sha256').update(machine).digest()[0] ?? 0) % countRows}`;

/** @throws StoreError `refused` for a cursor of another command */
function startOf(commandId: string, cursor: string) {
  const { of, afterMachine } = decodeCursor(outcomePosition, cursor);
  if (of !== commandId) throw new StoreError('refused', `the cursor is one of the outcomes of ${of}`);
  return besideKey(commandId, outcomeItem(afterMachine));
}

/** Second since 1970 after which DynamoDB may delete the rows of a command with this end. */
const deletedAfter = (expiresAt: string): number => Math.floor(Date.parse(expiresAt) / 1000) + keepEndedSeconds;

/** Times are compared as text: one moment, one spelling. */
const canonical = (time: string): string => new Date(time).toISOString();

const uncounted = (row: z.output<typeof commandRow>): Command => ({ ...row, outcomes: { done: 0, failed: 0 } });
