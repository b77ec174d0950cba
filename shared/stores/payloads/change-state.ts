import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { chunked, type Sleep } from '../dynamodb/batches.ts';
import { failedConditions } from '../dynamodb/conditional-writes.ts';
import { payloadsBinding } from './binding.ts';
import type { CleanablePayload } from './port.ts';
import { listNames, totalsKey } from './rows.ts';

export interface StateTable {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  readonly sleep: Sleep;
}

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** One step of records, and where it is counted. */
export interface StateChange {
  readonly write: (table: string, file: CleanablePayload) => Write;
  readonly from: Total;
  readonly to: Total;
}

/** Two attributes of the row of totals. */
interface Total {
  readonly files: string;
  readonly bytes: string;
}
const held: Total = { files: 'files', bytes: 'bytes' };
const retired: Total = { files: 'retiredFiles', bytes: 'retiredBytes' };
const removed: Total = { files: 'removedFiles', bytes: 'removedBytes' };

const { partitionKey } = payloadsBinding.table;

/** Attributes of records; written with a `#` everywhere, since some are reserved words. */
const attributes = {
  '#list': payloadsBinding.byTime.partitionKey,
  '#unneededSince': 'unneededSince',
  '#retiredAt': 'retiredAt',
  '#removingSince': 'removingSince',
} as const;

/** What an expression names and refers to; DynamoDB refuses names and values that it does not use. */
export function expressionsOf<E extends Readonly<Record<string, string>>>(
  expressions: E,
  values: Readonly<Record<string, string | undefined>>,
) {
  const text = Object.values(expressions).join(' ');
  const used = ([name]: readonly [string, unknown]): boolean => new RegExp(`${name}\\b`).test(text);
  const usedValues = Object.fromEntries(Object.entries(values).filter(used));
  return {
    ...expressions,
    ExpressionAttributeNames: Object.fromEntries(Object.entries(attributes).filter(used)),
    ...(Object.keys(usedValues).length > 0 && { ExpressionAttributeValues: usedValues }),
  };
}

/** True of the record while it is as it was read. */
export function asRead(file: CleanablePayload) {
  const same = (name: string, value: string | undefined) =>
    value === undefined ? `attribute_not_exists(#${name})` : `#${name} = :${name}`;
  const values = { ':state': listNames[file.state] };
  if (file.state === 'held')
    return {
      condition: `#list = :state AND ${same('unneededSince', file.unneededSince)}`,
      values: { ...values, ':unneededSince': file.unneededSince },
    };
  return {
    condition: `#list = :state AND #retiredAt = :retiredAt AND ${same('removingSince', file.removingSince)}`,
    values: { ...values, ':retiredAt': file.retiredAt, ':removingSince': file.removingSince },
  };
}

const keyOf = ({ sha1 }: CleanablePayload) => ({ [partitionKey]: sha1 });

export const retiring = (at: string): StateChange => ({
  write(TableName, file) {
    const { condition, values } = asRead(file);
    const UpdateExpression = 'SET #list = :retired, #retiredAt = :at REMOVE #unneededSince';
    const expressions = { UpdateExpression, ConditionExpression: condition };
    const all = { ...values, ':retired': listNames.retired, ':at': at };
    return { Update: { TableName, Key: keyOf(file), ...expressionsOf(expressions, all) } };
  },
  from: held,
  to: retired,
});

export const restoring: StateChange = {
  write(TableName, file) {
    const { condition, values } = asRead(file);
    const expressions = { UpdateExpression: 'SET #list = :held REMOVE #retiredAt', ConditionExpression: condition };
    return {
      Update: { TableName, Key: keyOf(file), ...expressionsOf(expressions, { ...values, ':held': listNames.held }) },
    };
  },
  from: retired,
  to: held,
};

export const forgetting: StateChange = {
  write(TableName, file) {
    const { condition, values } = asRead(file);
    return { Delete: { TableName, Key: keyOf(file), ...expressionsOf({ ConditionExpression: condition }, values) } };
  },
  from: retired,
  to: removed,
};

/**
 * Records in one transaction, which takes up to 100 writes and is one write more for the totals: half of it, so that few are
 * lost when one of them is not as it was read.
 */
const filesPerTransaction = 50;

/** Takes the step for all files that are as they were read, and moves the totals with it. @returns those files */
export async function changeState(
  target: StateTable,
  files: readonly CleanablePayload[],
  change: StateChange,
): Promise<readonly CleanablePayload[]> {
  const changed: CleanablePayload[] = [];
  // One after the other: all of them write the totals.
  for (const chunk of chunked(files, filesPerTransaction)) {
    let left: readonly CleanablePayload[] = chunk;
    while (left.length > 0) {
      const tried = left;
      const refused = await failedConditions(() => target.dynamodb.send(transaction(target.table, tried, change)), {
        sleep: target.sleep,
      });
      if (refused === undefined) {
        changed.push(...tried);
        break;
      }
      const places = new Set(refused);
      left = tried.filter((_, place) => !places.has(place));
    }
  }
  return changed;
}

function transaction(table: string, files: readonly CleanablePayload[], { write, from, to }: StateChange) {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return new TransactWriteCommand({
    TransactItems: [
      ...files.map((file) => write(table, file)),
      {
        Update: {
          TableName: table,
          Key: totalsKey,
          UpdateExpression: 'ADD #fromFiles :lessFiles, #fromBytes :lessBytes, #toFiles :files, #toBytes :bytes',
          ExpressionAttributeNames: {
            '#fromFiles': from.files,
            '#fromBytes': from.bytes,
            '#toFiles': to.files,
            '#toBytes': to.bytes,
          },
          ExpressionAttributeValues: {
            ':lessFiles': -files.length,
            ':lessBytes': -bytes,
            ':files': files.length,
            ':bytes': bytes,
          },
        },
      },
    ],
  });
}
