import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { awsRequestStore } from './aws.ts';
import { requestsBinding } from './binding.ts';
import { requestStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const sleep = async (): Promise<void> => {};

requestStoreContract('DynamoDB', async (options) =>
  awsRequestStore({ dynamodb: aws.dynamodb, table: await aws.createTable(requestsBinding), sleep, ...options }),
);

describe('the request store on DynamoDB', () => {
  const make = async () => {
    const table = await aws.createTable(requestsBinding);
    return { table, store: awsRequestStore({ dynamodb: aws.dynamodb, table, sleep }) };
  };

  it('names rows that do not parse, on the page and in a lookup', async () => {
    const { table, store } = await make();
    await store.open({ sha1: sha1('good'), requestedBy: 'pc-1', requestedAt: at(0) });
    const bad = { sha1: sha1('bad'), version: 1, state: 'open', requestedAt: at(1) };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item: bad }));
    const page = await store.list({ state: 'open', limit: 10 });
    expect(page.items.map((request) => request.sha1)).toEqual([sha1('good')]);
    expect(page.unreadable).toEqual([sha1('bad')]);
    expect((await store.list({ limit: 10 })).unreadable).toEqual([sha1('bad')]);
    await expect(store.get([sha1('bad')])).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('lets requests that ended expire, and keeps one that was opened again', async () => {
    const { table, store } = await make();
    const expiry = async () => {
      const { Item } = await aws.dynamodb.send(new GetCommand({ TableName: table, Key: { sha1: sha1('x') } }));
      return Item?.expiresAt;
    };
    await store.open({ sha1: sha1('x'), requestedBy: 'pc-1', requestedAt: at(0) });
    await store.complete(sha1('x'), { at: at(0), sha256: sha256('x') });
    expect(await expiry()).toBe(Date.parse(at(0)) / 1000 + 90 * 24 * 3600);
    await store.open({ sha1: sha1('x'), requestedBy: 'pc-1', requestedAt: at(1) });
    expect(await expiry()).toBeUndefined();
  });

  it('gives a failed request up for a day unless told otherwise', async () => {
    const { store } = await make();
    const claim = { messageId: 'm', receiveCount: 3, leaseUntil: at(900) };
    const request = { sha1: sha1('x'), requestedBy: 'pc-1', requestedAt: at(0) };
    await store.open(request);
    await store.claim(request.sha1, claim, at(1));
    await store.fail(request.sha1, claim, { at: at(2), error: 'gone', final: true });
    expect(await store.open({ ...request, requestedAt: at(86_401) })).toBe('failed-recently');
    expect(await store.open({ ...request, requestedAt: at(86_402) })).toBe('opened');
  });
});
