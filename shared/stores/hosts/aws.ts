import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type * as z from 'zod/mini';
import { type HostRecord, type hostItems, hostRecord, reportRecord } from '../../contract/host-records.ts';
import type { Item } from '../dynamodb/batches.ts';
import { failedConditions, type Retrying } from '../dynamodb/conditional-writes.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { enrolling } from './aws-enrol.ts';
import { countingOpenings } from './aws-openings.ts';
import { hostsBinding } from './binding.ts';
import type { HostStore, Seen, Unchanged } from './port.ts';
import {
  factsOfRow,
  itemKey,
  keyPartition,
  keyRow,
  openingsRow,
  packReport,
  rejectedItem,
  stateOfRow,
  unpackReport,
  viewOf,
  withClone,
} from './rows.ts';

const { partitionKey, sortKey } = hostsBinding.table;
/** Tries to note a clone beside others who note one. */
const maxNotes = 5;

export interface HostStoreOptions extends Retrying {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  /** Table of the enrolment tokens: an enrolment spends a use of one in the same transaction. */
  readonly tokensTable: string;
}

/** A partition per machine: its row, its report, and what came of it and did not parse; and one per key. */
export function awsHostStore(options: HostStoreOptions): HostStore {
  const { dynamodb, table, tokensTable, ...retrying } = options;

  const read = async <S extends z.ZodMiniType>(
    schema: S,
    id: string,
    item: keyof typeof hostItems,
  ): Promise<z.output<S> | undefined> => {
    const get = new GetCommand({ TableName: table, Key: itemKey(id, item), ConsistentRead: true });
    const { Item: row } = await dynamodb.send(get);
    return row === undefined ? undefined : parseAll(schema, partitionKey, table, [row])[0];
  };
  const find = (id: string): Promise<HostRecord | undefined> => read(hostRecord, id, 'host');
  const ownerOf = async (thumbprint: string): Promise<string | undefined> =>
    (await read(keyRow, keyPartition(thumbprint), 'key'))?.owner;

  const noteClone: HostStore['noteClone'] = async (id, clone) => {
    for (let tried = 0; tried < maxNotes; tried += 1) {
      const before = await find(id);
      const next = before && withClone(before.clones ?? [], clone);
      if (before === undefined || next === undefined) return false;
      const update = new UpdateCommand({
        TableName: table,
        Key: itemKey(id, 'host'),
        UpdateExpression: 'SET #clones = :next',
        // The row is there: it was just read, and rows of hosts are not deleted.
        ConditionExpression: before.clones === undefined ? 'attribute_not_exists(#clones)' : '#clones = :before',
        ExpressionAttributeNames: { '#clones': 'clones' },
        ExpressionAttributeValues: {
          ':next': next,
          ...(before.clones && { ':before': before.clones }),
        },
      });
      if ((await failedConditions(() => dynamodb.send(update), retrying)) === undefined) return true;
    }
    throw new StoreError('conflict', `others noted clones of ${id} in each of ${maxNotes} tries`);
  };

  return {
    find,
    ownerOf,
    noteClone,
    enrol: enrolling({ ...options, find, ownerOf, noteClone }),
    ...countingOpenings({ ...options, find: (id) => read(openingsRow, id, 'openings') }),

    async seen(id, seen, unchanged) {
      const update = new UpdateCommand({
        TableName: table,
        Key: itemKey(id, 'host'),
        ...updateOf({ ...left(seen), ...unchangedOf(unchanged) }, lettingIn(seen)),
      });
      return (await failedConditions(() => dynamodb.send(update), retrying)) === undefined;
    },

    async report(id) {
      const stored = await read(reportRecord, id, 'report');
      return stored && unpackReport(stored);
    },

    async putReport(id, seen, { replaces, report, hash, scan, refused }) {
      const body = packReport(id, { report, refused });
      const reportVersion = replaces + 1;
      const changed = {
        ...left(seen),
        ...factsOfRow(report.host),
        ...stateOfRow(report),
        // What commands and lists go by: the host believes nobody but administrators about its group.
        ...(report.group !== undefined && { group: report.group }),
        reportVersion,
        reportHash: hash,
        reportedAt: seen.at,
        scannedAt: scan.at,
      };
      const condition = lettingIn(seen);
      const write = new TransactWriteCommand({
        TransactItems: [
          {
            Update: {
              TableName: table,
              Key: itemKey(id, 'host'),
              ...updateOf(changed, {
                expression: `${condition.expression} AND #reportVersion = :replaces`,
                values: { ...condition.values, ':replaces': replaces },
                names: [...condition.names, 'reportVersion'],
              }),
            },
          },
          {
            Put: {
              TableName: table,
              Item: { ...itemKey(id, 'report'), version: 2, reportVersion, hash, reportedAt: seen.at, scan, body },
            },
          },
        ],
      });
      return (await failedConditions(() => dynamodb.send(write), retrying)) === undefined ? 'stored' : 'lost';
    },

    async keepRejected(id, rejected) {
      await dynamodb.send(
        new PutCommand({ TableName: table, Item: { ...itemKey(id, 'rejected'), ...rejectedItem(rejected) } }),
      );
    },

    async view(id) {
      const items: Item[] = [];
      const pages = paginateQuery(
        { client: dynamodb },
        {
          TableName: table,
          KeyConditionExpression: '#machine = :machine',
          ExpressionAttributeNames: { '#machine': partitionKey },
          ExpressionAttributeValues: { ':machine': id },
          ConsistentRead: true,
        },
      );
      for await (const { Items } of pages) items.push(...(Items ?? []));
      return viewOf(table, items);
    },

    async revoke(id, at, reason) {
      const firsts = { revokedAt: at, ...(reason !== undefined && { revocationReason: reason }) };
      const names = Object.keys(firsts);
      const update = new UpdateCommand({
        TableName: table,
        Key: itemKey(id, 'host'),
        UpdateExpression: `SET ${names.map((name) => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}`,
        ConditionExpression: 'attribute_exists(#item)',
        ExpressionAttributeNames: {
          '#item': sortKey,
          ...Object.fromEntries(names.map((name) => [`#${name}`, name])),
        },
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(firsts).map(([name, value]) => [`:${name}`, value]),
        ),
      });
      return (await failedConditions(() => dynamodb.send(update), retrying)) === undefined;
    },
  };
}

const unchangedOf = (unchanged: Unchanged | undefined) =>
  unchanged && {
    scannedAt: unchanged.scannedAt,
    ...(unchanged.reportedAt !== undefined && { reportedAt: unchanged.reportedAt }),
  };

/** What a request leaves on the row. */
const left = ({ sequence, at, allowance, livelyUntil, received }: Seen) => ({
  sequence,
  lastSeenAt: at,
  allowance,
  ...(livelyUntil !== undefined && { livelyUntil }),
  ...(received !== undefined && { received }),
});

interface Condition {
  readonly expression: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Attributes that the expression names with `#`. */
  readonly names: readonly string[];
}

/** A request is let in once and alone, while its key is the machine's and was not revoked. */
const lettingIn = ({ sequence, after, thumbprint }: Seen): Condition => ({
  expression:
    '#sequence = :after AND #sequence < :before AND #thumbprint = :thumbprint AND attribute_not_exists(#revokedAt)',
  values: { ':after': after, ':before': sequence, ':thumbprint': thumbprint },
  names: ['sequence', 'thumbprint', 'revokedAt'],
});

/** An update that sets attributes on a condition. */
function updateOf(changed: Readonly<Record<string, unknown>>, condition: Condition) {
  const names = Object.keys(changed);
  return {
    UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: Object.fromEntries([...names, ...condition.names].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(names.map((name) => [`:${name}`, changed[name]])),
      ...condition.values,
    },
  };
}
