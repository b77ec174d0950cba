import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { tokenId, tokenView } from '../../contract/tokens.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { failedConditions, type Retrying } from '../dynamodb/conditional-writes.ts';
import { heldTrue } from '../dynamodb/conditions.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { tokensBinding } from './binding.ts';
import type { TokenStore } from './port.ts';
import { endOfRow, tokenKey, tokenRow, tokensPartition } from './row.ts';

const { partitionKey, sortKey, timeToLive } = tokensBinding.table;
const position = z.object({ list: z.literal('tokens'), after: tokenId });

export interface TokenStoreOptions extends Retrying {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
}

export function awsTokenStore({ dynamodb, table, ...retrying }: TokenStoreOptions): TokenStore {
  return {
    async get(id) {
      const get = new GetCommand({ TableName: table, Key: tokenKey(id), ConsistentRead: true });
      const { Item } = await dynamodb.send(get);
      return Item === undefined ? undefined : parseAll(tokenView, sortKey, table, [Item])[0];
    },

    async create(token, secretSha256) {
      const row = z.parse(tokenRow, { ...token, secretSha256 });
      const put = new PutCommand({
        TableName: table,
        Item: { ...row, ...tokenKey(token.tokenId), [timeToLive]: endOfRow(token) },
        ConditionExpression: 'attribute_not_exists(#id)',
        ExpressionAttributeNames: { '#id': sortKey },
      });
      if (!(await heldTrue(dynamodb.send(put))))
        throw new StoreError('conflict', `there is a token ${token.tokenId} already`);
    },

    async list({ cursor, limit }) {
      const after = cursor === undefined ? undefined : decodeCursor(position, cursor).after;
      const { Items, LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          Limit: limit,
          KeyConditionExpression: '#list = :list',
          ExpressionAttributeNames: { '#list': partitionKey },
          ExpressionAttributeValues: { ':list': tokensPartition },
          ...(after !== undefined && { ExclusiveStartKey: tokenKey(after) }),
        }),
      );
      const { rows, unreadable } = parseRows(tokenView, sortKey, Items ?? []);
      const last = LastEvaluatedKey?.[sortKey];
      return {
        items: rows,
        unreadable,
        ...(last !== undefined && { next: encodeCursor({ list: 'tokens', after: last }) }),
      };
    },

    async revoke(id, at) {
      const failed = await failedConditions(
        () =>
          dynamodb.send(
            new UpdateCommand({
              TableName: table,
              Key: tokenKey(id),
              UpdateExpression: 'SET #revokedAt = if_not_exists(#revokedAt, :at)',
              ConditionExpression: 'attribute_exists(#id)',
              ExpressionAttributeNames: { '#revokedAt': 'revokedAt', '#id': sortKey },
              ExpressionAttributeValues: { ':at': at },
            }),
          ),
        retrying,
      );
      return failed === undefined;
    },
  };
}
