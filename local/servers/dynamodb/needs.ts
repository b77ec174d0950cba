/**
 * Which IAM actions on which resources a DynamoDB call needs.
 *
 * Source: "Actions, resources, and condition keys for Amazon DynamoDB" (Service Authorization Reference) and "Amazon
 * DynamoDB Transactions: How it works", which says that transactions are governed by the underlying item actions.
 */
import * as z from 'zod/mini';
import type { Need } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';

const tableCall = z.looseObject({ TableName: z.string(), IndexName: z.optional(z.string()) });
const batchCall = z.looseObject({ RequestItems: z.record(z.string(), z.unknown()) });
const arnCall = z.looseObject({ ResourceArn: z.string() });
const onTable = z.looseObject({ TableName: z.string() });
const transactGet = z.looseObject({ TransactItems: z.array(z.looseObject({ Get: onTable })) });
const transactWrite = z.looseObject({
  TransactItems: z.array(
    z.looseObject({
      Put: z.optional(onTable),
      Update: z.optional(onTable),
      Delete: z.optional(onTable),
      ConditionCheck: z.optional(onTable),
    }),
  ),
});

const TRANSACT_ACTIONS = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
} as const;

const TABLE_OPERATIONS = new Set([
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeContinuousBackups',
  'DescribeTable',
  'DescribeTimeToLive',
  'GetItem',
  'PutItem',
  'UpdateContinuousBackups',
  'UpdateItem',
  'UpdateTable',
  'UpdateTimeToLive',
]);
const INDEX_OPERATIONS = new Set(['Query', 'Scan']);
const ARN_OPERATIONS = new Set(['TagResource', 'UntagResource', 'ListTagsOfResource']);

export interface Account {
  readonly region: string;
  readonly accountId: string;
}

/** A table may be named by its name or by its ARN. */
export function tableArn(account: Account, table: string): string {
  return table.startsWith('arn:') ? table : `arn:aws:dynamodb:${account.region}:${account.accountId}:table/${table}`;
}

const withStream = z.looseObject({ StreamSpecification: z.looseObject({ StreamEnabled: z.literal(true) }) });

/**
 * Nothing would read a stream here, so a table with one is refused instead of going without.
 *
 * @throws JsonServiceError `ValidationException`
 */
export function refuseStreams(input: unknown): void {
  if (!z.safeParse(withStream, input).success) return;
  throw new JsonServiceError('ValidationException', 'The local DynamoDB does not model streams (StreamSpecification).');
}

/** @throws JsonServiceError `UnknownOperationException`, `ValidationException` */
export function dynamoDbNeeds(account: Account, operation: string, input: unknown): readonly Need[] {
  const action = `dynamodb:${operation}`;
  const arnOf = (table: string) => tableArn(account, table);
  if (TABLE_OPERATIONS.has(operation)) {
    return [{ action, resource: arnOf(parse(onTable, operation, input).TableName) }];
  }
  if (INDEX_OPERATIONS.has(operation)) {
    const { TableName, IndexName } = parse(tableCall, operation, input);
    return [
      { action, resource: IndexName === undefined ? arnOf(TableName) : `${arnOf(TableName)}/index/${IndexName}` },
    ];
  }
  if (ARN_OPERATIONS.has(operation)) return [{ action, resource: parse(arnCall, operation, input).ResourceArn }];
  switch (operation) {
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.keys(parse(batchCall, operation, input).RequestItems).map((table) => ({
        action,
        resource: arnOf(table),
      }));
    case 'TransactGetItems':
      return parse(transactGet, operation, input).TransactItems.map((item) => ({
        action: 'dynamodb:GetItem',
        resource: arnOf(item.Get.TableName),
      }));
    case 'TransactWriteItems':
      return parse(transactWrite, operation, input).TransactItems.flatMap((item) =>
        (['Put', 'Update', 'Delete', 'ConditionCheck'] as const).flatMap((kind) => {
          const part = item[kind];
          return part === undefined
            ? []
            : [{ action: `dynamodb:${TRANSACT_ACTIONS[kind]}`, resource: arnOf(part.TableName) }];
        }),
      );
    case 'ListTables':
      return [{ action, resource: `arn:aws:dynamodb:${account.region}:${account.accountId}:table/*` }];
    default:
      throw new JsonServiceError('UnknownOperationException', `The local DynamoDB does not model ${operation}.`);
  }
}

function parse<S extends z.ZodMiniType>(schema: S, operation: string, input: unknown): z.output<S> {
  const parsed = z.safeParse(schema, input);
  if (parsed.success) return parsed.data;
  throw new JsonServiceError('ValidationException', `${operation}: ${z.prettifyError(parsed.error)}`);
}
