import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { awsIdempotencyStore } from './aws.ts';
import { idempotencyBinding } from './binding.ts';
import { idempotencyStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

idempotencyStoreContract('DynamoDB', async () =>
  awsIdempotencyStore(aws.dynamodb, await aws.createTable(idempotencyBinding)),
);

it('a request is begun once when the SDK sends it again, and its row expires', async () => {
  const table = await aws.createTable(idempotencyBinding);
  const store = awsIdempotencyStore(aws.dynamodb, table);
  const attempt = { id: 'r', fingerprint: 'f', attempt: 'a', at: 1_000 };
  expect(await store.begin(attempt, 61_000)).toEqual({ state: 'begun' });
  expect(await store.begin(attempt, 61_000)).toEqual({ state: 'begun' });
  const expiry = async () =>
    (await aws.dynamodb.send(new GetCommand({ TableName: table, Key: { id: 'r' } }))).Item?.deleteAfter;
  expect(await expiry()).toBe(61);
  await store.finish(attempt, Buffer.from('x'), 86_401_500);
  expect(await expiry()).toBe(86_402);
});
