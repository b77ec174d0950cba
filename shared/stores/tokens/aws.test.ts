import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { sha256, tokenOf } from '#test/kit/values.ts';
import { awsTokenStore } from './aws.ts';
import { tokensBinding } from './binding.ts';
import { tokenStoreContract } from './contract-suite.ts';
import { tokenKey } from './row.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const sleep = async (): Promise<void> => {};
const store = async () => {
  const table = await aws.createTable(tokensBinding);
  return { table, tokens: awsTokenStore({ dynamodb: aws.dynamodb, table, sleep }) };
};

tokenStoreContract('DynamoDB', async () => (await store()).tokens);

it('a token leaves the table 30 days after its end', async () => {
  const { table, tokens } = await store();
  const token = tokenOf(1, { expiresAt: '2026-08-01T00:00:00.000Z' });
  await tokens.create(token, sha256('secret'));
  const { Item } = await aws.dynamodb.send(new GetCommand({ TableName: table, Key: tokenKey(token.tokenId) }));
  expect(Item?.[tokensBinding.table.timeToLive]).toBe(Date.parse('2026-08-31T00:00:00.000Z') / 1000);
});

it('rows that do not parse are named, and a page may end at one', async () => {
  const { table, tokens } = await store();
  const bad = tokenOf(1).tokenId;
  await aws.dynamodb.send(new PutCommand({ TableName: table, Item: tokenKey(bad) }));
  await tokens.create(tokenOf(2), sha256('secret'));
  const first = await tokens.list({ limit: 1 });
  const second = await tokens.list({ limit: 1, cursor: first.next });
  expect([...first.unreadable, ...second.unreadable]).toEqual([bad]);
  expect([...first.items, ...second.items]).toEqual([tokenOf(2)]);
  await expect(tokens.get(bad)).rejects.toMatchObject({ code: 'corrupt' });
});
