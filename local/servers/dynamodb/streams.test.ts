import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
  type _Record as StreamRecord,
} from '@aws-sdk/client-dynamodb-streams';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceCall } from '../../types.ts';
import { type DynamoDbServer, startDynamoDb } from './server.ts';

const region = 'eu-west-1';
const accountId = '111122223333';
let dataDir: string;
let server: DynamoDbServer;
let client: DynamoDBClient;
let streams: DynamoDBStreamsClient;
let nowMs = Date.now();
let calls: ServiceCall[] = [];
let denied: (call: ServiceCall) => boolean = () => false;

async function start(): Promise<void> {
  server = await startDynamoDb({
    dataDir,
    region,
    accountId,
    nowMs: () => nowMs,
    secretOf: (id) => (id === 'KEY' ? 'SECRET' : undefined),
    authorize: (call) => {
      calls.push(call);
      return denied(call)
        ? { allowed: false, message: `not authorized to perform: ${call.action}` }
        : { allowed: true };
    },
  });
  const config = {
    endpoint: server.url,
    region,
    credentials: { accessKeyId: 'KEY', secretAccessKey: 'SECRET' },
    maxAttempts: 1,
  };
  client = new DynamoDBClient(config);
  streams = new DynamoDBStreamsClient(config);
}

async function stop(): Promise<void> {
  client.destroy();
  streams.destroy();
  await server.close();
}

const keys = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
} as const;
const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } as const;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-streams-'));
  await start();
  await client.send(
    new CreateTableCommand({
      ...keys,
      KeySchema: [...keys.KeySchema],
      AttributeDefinitions: [...keys.AttributeDefinitions],
      TableName: 'things',
      StreamSpecification,
    }),
  );
});
afterEach(() => {
  denied = () => false;
});
afterAll(async () => {
  await stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function streamArn(TableName = 'things'): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table?.LatestStreamArn ?? '';
}

async function iteratorOf(from: { readonly after?: string; readonly type?: 'LATEST' | 'TRIM_HORIZON' } = {}) {
  const StreamArn = await streamArn();
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
  const { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({
      StreamArn,
      ShardId,
      ...(from.after === undefined
        ? { ShardIteratorType: from.type ?? 'TRIM_HORIZON' }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: from.after }),
    }),
  );
  return ShardIterator;
}

async function records(ShardIterator: string | undefined, Limit = 1000) {
  const got = await streams.send(new GetRecordsCommand({ ShardIterator, Limit }));
  return { records: got.Records ?? [], next: got.NextShardIterator };
}

const put = (pk: string, more: object = {}) =>
  client.send(new PutItemCommand({ TableName: 'things', Item: { pk: { S: pk }, ...more } }));
const keyOf = ({ dynamodb }: StreamRecord): string | undefined => dynamodb?.Keys?.pk?.S;

describe('streams of the local DynamoDB', () => {
  it('carry each change in its order, with the image, under the names of the account', async () => {
    await put('a', {
      bytes: { B: Uint8Array.of(0, 255) },
      arn: { S: 'arn:aws:dynamodb:dynoxide:000000000000:table/x' },
    });
    await put('a');
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: ['b', 'c'].map((pk) => ({ Put: { TableName: 'things', Item: { pk: { S: pk } } } })),
      }),
    );
    await client.send(new DeleteItemCommand({ TableName: 'things', Key: { pk: { S: 'a' } } }));
    const arn = await streamArn();
    expect(arn).toMatch(new RegExp(`^arn:aws:dynamodb:${region}:${accountId}:table/things/stream/`));
    const { Streams } = await streams.send(new ListStreamsCommand({ TableName: 'things' }));
    expect(Streams).toEqual([expect.objectContaining({ StreamArn: arn, TableName: 'things' })]);
    const first = await records(await iteratorOf(), 2);
    const rest = await records(first.next);
    const all = [...first.records, ...rest.records];
    expect(all.map((record) => [record.eventName, keyOf(record)])).toEqual([
      ['INSERT', 'a'],
      ['MODIFY', 'a'],
      ['INSERT', 'b'],
      ['INSERT', 'c'],
      ['REMOVE', 'a'],
    ]);
    expect(all[0]).toMatchObject({
      awsRegion: region,
      eventSource: 'aws:dynamodb',
      dynamodb: {
        StreamViewType: 'NEW_IMAGE',
        NewImage: { bytes: { B: Uint8Array.of(0, 255) }, arn: { S: 'arn:aws:dynamodb:dynoxide:000000000000:table/x' } },
      },
    });
    expect(all[4]?.dynamodb?.NewImage).toBeUndefined();
    expect((await records(rest.next)).records).toEqual([]);
  });

  it('go on behind a sequence number, also after a restart', async () => {
    const before = await records(await iteratorOf());
    const after = before.records.at(-1)?.dynamodb?.SequenceNumber;
    await put('later');
    const arn = await streamArn();
    await stop();
    await start();
    expect(await streamArn()).toBe(arn);
    expect((await records(await iteratorOf({ after: after ?? '' }))).records.map(keyOf)).toEqual(['later']);
    const latest = await iteratorOf({ type: 'LATEST' });
    await put('latest');
    expect((await records(latest)).records.map(keyOf)).toEqual(['latest']);
  });

  it('need permission on the stream', async () => {
    calls = [];
    await records(await iteratorOf());
    await streams.send(new ListStreamsCommand({}));
    const arn = await streamArn();
    expect(calls.map(({ action, resource }) => [action, resource])).toEqual([
      ['dynamodb:DescribeTable', `arn:aws:dynamodb:${region}:${accountId}:table/things`],
      ['dynamodb:DescribeStream', arn],
      ['dynamodb:GetShardIterator', arn],
      ['dynamodb:GetRecords', arn],
      ['dynamodb:ListStreams', `arn:aws:dynamodb:${region}:${accountId}:table/*/stream/*`],
      ['dynamodb:DescribeTable', `arn:aws:dynamodb:${region}:${accountId}:table/things`],
    ]);
    const iterator = await iteratorOf();
    denied = ({ action }) => action === 'dynamodb:GetRecords';
    await expect(records(iterator)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    denied = () => false;
    await expect(records('made-up')).rejects.toMatchObject({ message: expect.stringContaining('ShardIterator') });
  });

  it('are enabled once', async () => {
    const enable = (TableName: string) => client.send(new UpdateTableCommand({ TableName, StreamSpecification }));
    await expect(enable('things')).rejects.toMatchObject({
      message: expect.stringContaining('already has an enabled'),
    });
    await client.send(
      new CreateTableCommand({
        ...keys,
        KeySchema: [...keys.KeySchema],
        AttributeDefinitions: [...keys.AttributeDefinitions],
        TableName: 'others',
      }),
    );
    expect(await streamArn('others')).toBe('');
    await enable('others');
    expect(await streamArn('others')).toContain('table/others/stream/');
  });

  it('lose at a start what is older than a day, and count on', async () => {
    await put('last');
    const before = (await records(await iteratorOf())).records;
    expect(before.length).toBeGreaterThan(2);
    await stop();
    nowMs = Date.now() + 2 * 24 * 3600 * 1000;
    await start();
    const left = (await records(await iteratorOf())).records;
    expect(left.map(keyOf)).toEqual(['last']);
    await put('next');
    const numbers = (await records(await iteratorOf())).records.map(({ dynamodb }) => Number(dynamodb?.SequenceNumber));
    expect(numbers).toEqual([
      Number(before.at(-1)?.dynamodb?.SequenceNumber),
      numbers[0] === undefined ? 0 : numbers[0] + 1,
    ]);
  });
});
