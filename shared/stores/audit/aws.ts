import { createHash } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type AuditEntry, auditEntry, auditRecord } from '../../contract/audit.ts';
import { auditEntryText, type ChainHead, chainStart, nextAuditEntry } from '../../contract/audit-chain.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Retrying } from '../dynamodb/conditional-writes.ts';
import { StoreError } from '../store-error.ts';
import { auditBinding } from './binding.ts';
import type { AuditLog } from './port.ts';

const { partitionKey, sortKey } = auditBinding.table;
const chain = 'main';
/** Digits of a number as sort key: enough for a trillion changes. */
const digits = 12;
/** So many others may come first. With the waits below that is some 10 s. */
const maxTries = 200;
/** Tries that go on from the entry that was in the way; whoever lost so often waits, and looks for the end anew. */
const triesInARow = 3;
const longestWait = 100;

/** The entry itself is kept as the text that its hash is made of and the hash, so that no conversion can alter it. */
const row = z.object({
  [sortKey]: z.string(),
  text: z.string(),
  hash: z.string(),
  /** Who wrote it: tells an append whether an entry that is there already is its own. */
  writer: z.string(),
});
const position = z.strictObject({ after: z.int().check(z.positive()), order: z.enum(['ascending', 'descending']) });

export interface AwsAuditLogOptions extends Retrying {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  /** A new UUID. */
  readonly newId: () => string;
}

/**
 * The audit log in DynamoDB. An entry is added by one conditional write under the next number; whoever finds the number
 * taken goes on from the entry that is there. No call updates or deletes an item, and no role may.
 */
export function awsAuditLog({ dynamodb, table, newId, sleep, random = Math.random }: AwsAuditLogOptions): AuditLog {
  const query = async (options: { readonly from?: number; readonly descending: boolean; readonly limit: number }) => {
    const { Items, LastEvaluatedKey } = await dynamodb.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: `#chain = :chain${options.from === undefined ? '' : ` AND #number ${options.descending ? '<=' : '>='} :from`}`,
        ExpressionAttributeNames: {
          '#chain': partitionKey,
          ...(options.from !== undefined && { '#number': sortKey }),
        },
        ExpressionAttributeValues: {
          ':chain': chain,
          ...(options.from !== undefined && { ':from': keyOf(options.from) }),
        },
        ConsistentRead: true,
        ScanIndexForward: !options.descending,
        Limit: options.limit,
      }),
    );
    return { items: Items ?? [], more: LastEvaluatedKey !== undefined };
  };

  /** @throws StoreError `corrupt` when the last row does not parse: nothing can be chained to it */
  const head = async (): Promise<AuditEntry | undefined> => {
    const { items } = await query({ descending: true, limit: 1 });
    const [item] = items;
    return item === undefined ? undefined : entryOf(item);
  };

  return {
    head,

    async append(record) {
      const wanted = z.parse(auditRecord, JSON.parse(JSON.stringify(record)));
      const writer = newId();
      let previous: ChainHead = (await head()) ?? chainStart;
      for (let tries = 1; tries <= maxTries; tries += 1) {
        const entry = nextAuditEntry(wanted, previous, sha256);
        const taken = await putNew(dynamodb, table, entry, writer);
        if (taken === undefined) return entry;
        previous = taken;
        if (tries % triesInARow !== 0) continue;
        await sleep(Math.min(5 * tries, longestWait) * random());
        previous = (await head()) ?? taken;
      }
      throw new StoreError('conflict', `${maxTries} others came first, each time: the audit log is too busy`);
    },

    async list({ from, order = 'ascending', cursor, limit }) {
      const descending = order === 'descending';
      const begin = cursor === undefined ? from : beginAfter(cursor, order);
      const { items, more } = await query({ ...(begin !== undefined && { from: begin }), descending, limit });
      const entries: AuditEntry[] = [];
      const unreadable: string[] = [];
      for (const item of items) {
        try {
          entries.push(entryOf(item));
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          unreadable.push(String(Number(item[sortKey])));
        }
      }
      const last = Number(items.at(-1)?.[sortKey] ?? 0);
      const ends = !more || (descending && last <= 1);
      return { items: entries, unreadable, ...(!ends && { next: encodeCursor({ after: last, order }) }) };
    },
  };
}

/** @returns what to chain to instead, when another entry has the number */
async function putNew(
  dynamodb: DynamoDBDocumentClient,
  table: string,
  entry: AuditEntry,
  writer: string,
): Promise<ChainHead | undefined> {
  const number = keyOf(entry.number);
  const stored = { [sortKey]: number, text: auditEntryText(entry), hash: entry.hash, writer };
  try {
    await dynamodb.send(
      new PutCommand({
        TableName: table,
        Item: { [partitionKey]: chain, ...stored },
        ConditionExpression: 'attribute_not_exists(#number)',
        ExpressionAttributeNames: { '#number': sortKey },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException) || error.Item === undefined) throw error;
    // The row as it is, in DynamoDB's own form; all of its attributes are texts.
    const there = Object.fromEntries(Object.entries(error.Item).map(([name, value]) => [name, value.S]));
    // The SDK sends again what it got no answer to: then the entry that is there is ours.
    if (there.writer === writer && there.hash === entry.hash) return undefined;
    return entryOf(there);
  }
}

const keyOf = (number: number): string => String(number).padStart(digits, '0');

/** @throws StoreError `refused` for a cursor of another list */
function beginAfter(cursor: string, order: 'ascending' | 'descending'): number {
  const { after, order: listed } = decodeCursor(position, cursor);
  if (listed !== order) throw new StoreError('refused', `the cursor is one of the ${listed} list`);
  return order === 'ascending' ? after + 1 : after - 1;
}

/** @throws StoreError `corrupt` that names the entry */
function entryOf(item: Readonly<Record<string, unknown>>): AuditEntry {
  try {
    const { text, hash } = z.parse(row, item);
    return z.parse(auditEntry, { ...JSON.parse(text), hash });
  } catch (cause) {
    throw new StoreError('corrupt', `entry ${Number(item[sortKey])} of the audit log does not parse`, { cause });
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
