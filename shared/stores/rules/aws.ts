import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { noRules, type RulesDocument } from '../../contract/rules.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { failedConditions } from '../dynamodb/conditional-writes.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { rulesBinding } from './binding.ts';
import type { RuleStore } from './port.ts';
import {
  currentRulesRow,
  documentOf,
  packBook,
  packSigned,
  ruleBookRow,
  rulesRevisionRow,
  rulesSignatureRow,
  unpackBook,
  unpackSigned,
} from './rows.ts';

const { partitionKey, sortKey } = rulesBinding.table;
/** All rows are of one book. */
const name = 'rules';
/** Sort keys. Numbers have leading zeros, so that their order as text is the one of revisions. */
const items = {
  current: 'current',
  revision: 'revision#',
  revisionsEnd: 'revision#~',
  book: 'book#',
  signature: 'signature#',
};
const numbered = (kind: string, revision: number): string => `${kind}${String(revision).padStart(10, '0')}`;
const keyOf = (item: string) => ({ [partitionKey]: name, [sortKey]: item });

const signatureItem = (revision: number, body: Uint8Array) => ({
  ...keyOf(numbered(items.signature, revision)),
  ...z.parse(rulesSignatureRow, { version: 1, revision, body }),
});

const listPosition = z.strictObject({ [partitionKey]: z.literal(name), [sortKey]: z.string() });

export function awsRuleStore(dynamodb: DynamoDBDocumentClient, table: string): RuleStore {
  /** @throws StoreError `corrupt` */
  const read = async <S extends z.ZodMiniType>(schema: S, item: string): Promise<z.output<S> | undefined> => {
    const { Item } = await dynamodb.send(new GetCommand({ TableName: table, Key: keyOf(item), ConsistentRead: true }));
    return Item === undefined ? undefined : parseAll(schema, sortKey, table, [Item])[0];
  };

  const revisionInForce = async (): Promise<number> => (await read(currentRulesRow, items.current))?.revision ?? 0;

  const bookOf = async (revision: number): Promise<RulesDocument | undefined> => {
    if (revision === 0) return noRules;
    const row = await read(ruleBookRow, numbered(items.book, revision));
    return row && unpackBook(row);
  };

  /** What is in force is never taken for "nothing allowed" because its book is lost. */
  const inForce = async (revision: number): Promise<RulesDocument> => {
    const rules = await bookOf(revision);
    if (rules === undefined) throw new StoreError('corrupt', `the rules in force, revision ${revision}, are lost`);
    return rules;
  };

  return {
    get: async () => inForce(await revisionInForce()),

    async getIfNewer(known) {
      const revision = await revisionInForce();
      return revision === known ? undefined : inForce(revision);
    },

    async put({ book, changedAt, changedBy, comment, signed }, expectedRevision) {
      const body = packBook(book);
      const signature = signed === undefined ? [] : [packSigned(signed)];
      const revision = expectedRevision + 1;
      const about = { version: 2, revision, changedAt, changedBy, ...(comment !== undefined && { comment }) };
      const isNew = {
        ConditionExpression: 'attribute_not_exists(#key)',
        ExpressionAttributeNames: { '#key': sortKey },
      };
      // Revision 0 is never stored: it is what holds while there is no row.
      const isExpected =
        expectedRevision === 0
          ? isNew
          : {
              ConditionExpression: '#revision = :expected',
              ExpressionAttributeNames: { '#revision': 'revision' },
              ExpressionAttributeValues: { ':expected': expectedRevision },
            };
      const write = new TransactWriteCommand({
        TransactItems: [
          {
            Put: {
              TableName: table,
              Item: { ...keyOf(items.current), ...z.parse(currentRulesRow, about) },
              ...isExpected,
            },
          },
          {
            Put: {
              TableName: table,
              Item: {
                ...keyOf(numbered(items.revision, revision)),
                ...z.parse(rulesRevisionRow, about),
              },
              ...isNew,
            },
          },
          {
            Put: {
              TableName: table,
              Item: { ...keyOf(numbered(items.book, revision)), ...z.parse(ruleBookRow, { ...about, body }) },
              ...isNew,
            },
          },
          ...signature.map((packed) => ({
            Put: { TableName: table, Item: signatureItem(revision, packed), ...isNew },
          })),
        ],
      });
      // Without waits: whoever meets here is an administrator, and the other's three rows are written in a few tries.
      const refused = await failedConditions(() => dynamodb.send(write), { sleep: async () => {} });
      if (refused !== undefined)
        throw new StoreError('conflict', `the rules in force are not revision ${expectedRevision} any more`);
      return documentOf({ revision, changedAt, changedBy, comment }, book);
    },

    async revisions({ cursor, limit }) {
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: '#name = :name AND #item BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#name': partitionKey, '#item': sortKey },
          ExpressionAttributeValues: { ':name': name, ':from': items.revision, ':to': items.revisionsEnd },
          ScanIndexForward: false,
          ConsistentRead: true,
          Limit: limit,
          ...(cursor !== undefined && { ExclusiveStartKey: decodeCursor(listPosition, cursor) }),
        }),
      );
      const { rows, unreadable } = parseRows(rulesRevisionRow, sortKey, Items ?? []);
      return {
        items: rows.map(({ version: _, ...row }) => row),
        unreadable,
        ...(LastEvaluatedKey !== undefined && { next: encodeCursor(LastEvaluatedKey) }),
      };
    },

    async putSigned(revision, signed) {
      await dynamodb.send(new PutCommand({ TableName: table, Item: signatureItem(revision, packSigned(signed)) }));
    },

    async signed(revision) {
      const row = await read(rulesSignatureRow, numbered(items.signature, revision));
      return row && unpackSigned(row);
    },

    revision: bookOf,
  };
}
