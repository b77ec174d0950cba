/**
 * Which IAM actions on which resources a DynamoDB call needs.
 *
 * Source: "Actions, resources, and condition keys for Amazon DynamoDB" (Service Authorization Reference) and "Amazon
 * DynamoDB Transactions: How it works", which says that transactions are governed by the underlying item actions.
 */
import * as z from 'zod/mini';
import type { Need } from '../json-service.ts';
import { JsonServiceError } from '../json-service.ts';

const item = z.record(z.string(), z.unknown());
/** A request that names one item, by its key or whole. */
const itemCall = z.looseObject({ TableName: z.string(), Key: z.optional(item), Item: z.optional(item) });
const batchItems = z.union([
  z.looseObject({ Keys: z.array(item) }),
  z.array(
    z.looseObject({
      PutRequest: z.optional(z.looseObject({ Item: item })),
      DeleteRequest: z.optional(z.looseObject({ Key: item })),
    }),
  ),
]);
const tableCall = z.looseObject({ TableName: z.string(), IndexName: z.optional(z.string()) });
const batchCall = z.looseObject({ RequestItems: z.record(z.string(), batchItems) });
const arnCall = z.looseObject({ ResourceArn: z.string() });
const transactGet = z.looseObject({ TransactItems: z.array(z.looseObject({ Get: itemCall })) });
const transactWrite = z.looseObject({
  TransactItems: z.array(
    z.looseObject({
      Put: z.optional(itemCall),
      Update: z.optional(itemCall),
      Delete: z.optional(itemCall),
      ConditionCheck: z.optional(itemCall),
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

/** Attributes of an item, in DynamoDB's own JSON. */
type Item = z.output<typeof item>;

const isItem = (value: Item | undefined): value is Item => value !== undefined;

/** What a call needs, with the items that it names: their keys decide, too. */
export interface TableNeed extends Need {
  /**
   * A table and items of it, by their keys or whole.
   *
   * @default - the call names none: what it reads or changes is not decided by keys, or (Query) not modelled
   */
  readonly named?: { readonly table: string; readonly items: readonly Item[] };
}

export interface Account {
  readonly region: string;
  readonly accountId: string;
}

/** A table may be named by its name or by its ARN. */
export function tableArn(account: Account, table: string): string {
  return table.startsWith('arn:') ? table : `arn:aws:dynamodb:${account.region}:${account.accountId}:table/${table}`;
}

/** @throws JsonServiceError `UnknownOperationException`, `ValidationException` */
export function dynamoDbNeeds(account: Account, operation: string, input: unknown): readonly TableNeed[] {
  const action = `dynamodb:${operation}`;
  const arnOf = (table: string) => tableArn(account, table);
  const onItems = (what: string, table: string, items: readonly Item[]): TableNeed => ({
    action: what,
    resource: arnOf(table),
    ...(items.length > 0 && { named: { table, items } }),
  });
  const onItem = (what: string, { TableName, Key, Item }: z.output<typeof itemCall>): TableNeed =>
    onItems(what, TableName, [Key, Item].filter(isItem));
  if (TABLE_OPERATIONS.has(operation)) {
    return [onItem(action, parse(itemCall, operation, input))];
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
      return Object.entries(parse(batchCall, operation, input).RequestItems).map(([table, asked]) =>
        onItems(
          action,
          table,
          Array.isArray(asked)
            ? asked.flatMap(({ PutRequest, DeleteRequest }) => [PutRequest?.Item, DeleteRequest?.Key].filter(isItem))
            : asked.Keys,
        ),
      );
    case 'TransactGetItems':
      return parse(transactGet, operation, input).TransactItems.map(({ Get }) => onItem('dynamodb:GetItem', Get));
    case 'TransactWriteItems':
      return parse(transactWrite, operation, input).TransactItems.flatMap((one) =>
        (['Put', 'Update', 'Delete', 'ConditionCheck'] as const).flatMap((kind) => {
          const part = one[kind];
          return part === undefined ? [] : [onItem(`dynamodb:${TRANSACT_ACTIONS[kind]}`, part)];
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
