import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceCall } from '../../types.ts';
import { dynoxideBinary } from './child.ts';
import type { DynamoDbServer } from './server.ts';
import { startDynamoDb } from './server.ts';

const region = 'eu-west-1';
const accountId = '111122223333';
let dataDir: string;
let server: DynamoDbServer;
let client: DynamoDBClient;
let nowMs = Date.now();
let calls: ServiceCall[] = [];
let denied: (call: ServiceCall) => boolean = () => false;

const options = () => ({
  dataDir,
  region,
  accountId,
  nowMs: () => nowMs,
  secretOf: (id: string) => (id === 'KEY' ? 'SECRET' : undefined),
  authorize: (call: ServiceCall) => {
    calls.push(call);
    return denied(call)
      ? { allowed: false as const, message: `not authorized to perform: ${call.action}` }
      : { allowed: true as const };
  },
});

function clientFor(url: string, secretAccessKey = 'SECRET'): DynamoDBClient {
  return new DynamoDBClient({
    endpoint: url,
    region,
    credentials: { accessKeyId: 'KEY', secretAccessKey },
    maxAttempts: 1,
  });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-dynamodb-'));
  server = await startDynamoDb(options());
  client = clientFor(server.url);
  await client.send(
    new CreateTableCommand({
      TableName: 'things',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'kind', AttributeType: 'S' },
      ],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byKind',
          KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
});

beforeEach(() => {
  calls = [];
  denied = () => false;
});

afterAll(async () => {
  client.destroy();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

const table = `arn:aws:dynamodb:${region}:${accountId}:table/things`;

describe('the embedded DynamoDB', () => {
  it('puts, gets and queries, asking for the action on the table or the index', async () => {
    await client.send(new PutItemCommand({ TableName: 'things', Item: { pk: { S: 'a' }, kind: { S: 'k' } } }));
    const got = await client.send(new GetItemCommand({ TableName: 'things', Key: { pk: { S: 'a' } } }));
    expect(got.Item).toEqual({ pk: { S: 'a' }, kind: { S: 'k' } });
    const found = await client.send(
      new QueryCommand({
        TableName: 'things',
        IndexName: 'byKind',
        KeyConditionExpression: 'kind = :k',
        ExpressionAttributeValues: { ':k': { S: 'k' } },
      }),
    );
    expect(found.Count).toBe(1);
    const context = { 'dynamodb:leadingkeys': ['a'] };
    expect(calls).toEqual([
      { accessKeyId: 'KEY', action: 'dynamodb:PutItem', resource: table, context },
      { accessKeyId: 'KEY', action: 'dynamodb:GetItem', resource: table, context },
      { accessKeyId: 'KEY', action: 'dynamodb:Query', resource: `${table}/index/byKind` },
    ]);
  });

  it('asks per table for batches, and per item action for transactions', async () => {
    await client.send(
      new BatchWriteItemCommand({ RequestItems: { things: [{ PutRequest: { Item: { pk: { S: 'b' } } } }] } }),
    );
    await client.send(new BatchGetItemCommand({ RequestItems: { things: { Keys: [{ pk: { S: 'b' } }] } } }));
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { TableName: 'things', Item: { pk: { S: 'c' } } } },
          { Update: { TableName: 'things', Key: { pk: { S: 'd' } }, UpdateExpression: 'REMOVE kind' } },
          { Delete: { TableName: 'things', Key: { pk: { S: 'e' } } } },
          {
            ConditionCheck: {
              TableName: 'things',
              Key: { pk: { S: 'b' } },
              ConditionExpression: 'attribute_exists(pk)',
            },
          },
        ],
      }),
    );
    await client.send(
      new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName: 'things', Key: { pk: { S: 'c' } } } }] }),
    );
    await client.send(new ListTablesCommand({}));
    expect(calls.map((call) => [call.action, call.resource])).toEqual([
      ['dynamodb:BatchWriteItem', table],
      ['dynamodb:BatchGetItem', table],
      ['dynamodb:PutItem', table],
      ['dynamodb:UpdateItem', table],
      ['dynamodb:DeleteItem', table],
      ['dynamodb:ConditionCheckItem', table],
      ['dynamodb:GetItem', table],
      ['dynamodb:ListTables', `arn:aws:dynamodb:${region}:${accountId}:table/*`],
    ]);
  });

  it("keeps conditions, also those of transactions, as the SDK's own errors", async () => {
    await client.send(new PutItemCommand({ TableName: 'things', Item: { pk: { S: 'once' }, n: { N: '1' } } }));
    const again = client.send(
      new PutItemCommand({
        TableName: 'things',
        Item: { pk: { S: 'once' } },
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    const error: unknown = await again.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect((error as ConditionalCheckFailedException).Item).toEqual({ pk: { S: 'once' }, n: { N: '1' } });
    const transaction = client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          { Put: { TableName: 'things', Item: { pk: { S: 'never' } } } },
          {
            ConditionCheck: {
              TableName: 'things',
              Key: { pk: { S: 'once' } },
              ConditionExpression: 'attribute_not_exists(pk)',
            },
          },
        ],
      }),
    );
    await expect(transaction).rejects.toBeInstanceOf(TransactionCanceledException);
    const never = await client.send(new GetItemCommand({ TableName: 'things', Key: { pk: { S: 'never' } } }));
    expect(never.Item).toBeUndefined();
  });

  it('says who owns a table', async () => {
    const described = await client.send(new DescribeTableCommand({ TableName: 'things' }));
    expect(described.Table?.TableArn).toBe(table);
    expect(described.Table?.GlobalSecondaryIndexes?.[0]?.IndexArn).toBe(`${table}/index/byKind`);
  });

  it('refuses what the role may not do, without doing it', async () => {
    denied = (call) => call.action === 'dynamodb:PutItem';
    const put = client.send(new PutItemCommand({ TableName: 'things', Item: { pk: { S: 'denied' } } }));
    await expect(put).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('dynamodb:PutItem'),
      $metadata: { httpStatusCode: 400 },
    });
    const got = await client.send(new GetItemCommand({ TableName: 'things', Key: { pk: { S: 'denied' } } }));
    expect(got.Item).toBeUndefined();
  });

  it('tells which items a call names, by their partition keys', async () => {
    const at = (pk: string) => ({ pk: { S: pk } });
    await client.send(new PutItemCommand({ TableName: 'things', Item: { ...at('a'), n: { N: '1' } } }));
    await client.send(new GetItemCommand({ TableName: 'things', Key: at('b') }));
    await client.send(new BatchGetItemCommand({ RequestItems: { things: { Keys: [at('c'), at('d')] } } }));
    const requests = [{ PutRequest: { Item: at('e') } }, { DeleteRequest: { Key: at('f') } }];
    await client.send(new BatchWriteItemCommand({ RequestItems: { things: requests } }));
    const parts = [{ Put: { TableName: 'things', Item: at('g') } }, { Delete: { TableName: 'things', Key: at('h') } }];
    await client.send(new TransactWriteItemsCommand({ TransactItems: parts }));
    await client.send(new DescribeTableCommand({ TableName: 'things' }));
    expect(calls.map(({ action, context }) => [action.split(':')[1], context?.['dynamodb:leadingkeys']])).toEqual([
      ['PutItem', ['a']],
      ['GetItem', ['b']],
      ['BatchGetItem', ['c', 'd']],
      ['BatchWriteItem', ['e', 'f']],
      ['PutItem', ['g']],
      ['DeleteItem', ['h']],
      ['DescribeTable', undefined],
    ]);
  });

  it('refuses a wrong secret and operations that it does not model', async () => {
    const stranger = clientFor(server.url, 'OTHER');
    await expect(stranger.send(new ListTablesCommand({}))).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    stranger.destroy();
    const statement = client.send(new ExecuteStatementCommand({ Statement: 'SELECT * FROM things' }));
    await expect(statement).rejects.toMatchObject({ name: 'UnknownOperationException' });
  });

  it('expires items by their time to live, and no others', async () => {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: 'things',
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires' },
      }),
    );
    nowMs = Date.parse('2030-01-01T00:00:00Z');
    const seconds = nowMs / 1000;
    const items = [
      { pk: { S: 'over' }, expires: { N: String(seconds - 1) } },
      { pk: { S: 'later' }, expires: { N: String(seconds + 1) } },
      { pk: { S: 'ancient' }, expires: { N: String(seconds - 6 * 366 * 24 * 3600) } },
      { pk: { S: 'text' }, expires: { S: '1' } },
    ];
    for (const Item of items) await client.send(new PutItemCommand({ TableName: 'things', Item }));
    expect(await server.expire()).toBe(1);
    const left = await client.send(
      new BatchGetItemCommand({ RequestItems: { things: { Keys: items.map(({ pk }) => ({ pk })) } } }),
    );
    const keys = left.Responses?.things?.map((item) => item.pk?.S).sort();
    expect(keys).toEqual(['ancient', 'later', 'text']);
  });

  it('keeps its state over a restart and does not share its folder', async () => {
    await client.send(new PutItemCommand({ TableName: 'things', Item: { pk: { S: 'stays' } } }));
    await expect(startDynamoDb(options())).rejects.toMatchObject({ code: 'data-in-use' });
    await server.close();
    client.destroy();
    server = await startDynamoDb(options());
    client = clientFor(server.url);
    const got = await client.send(new GetItemCommand({ TableName: 'things', Key: { pk: { S: 'stays' } } }));
    expect(got.Item).toEqual({ pk: { S: 'stays' } });
  });

  it('is not ended by what ends the group of processes at the terminal, but by the close alone', () => {
    const { pid } = JSON.parse(readFileSync(join(dataDir, 'dynoxide.pid.json'), 'utf8'));
    // After the name in parentheses: state, parent, group.
    const [, parent, group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    expect([parent, group]).toEqual([process.pid, pid]);
  });

  it('names the platforms that it has no program for', () => {
    expect(() => dynoxideBinary('win32', 'x64')).toThrow(/Linux x64 only.*win32 x64/);
  });
});
