import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, reportOf } from '#test/kit/values.ts';
import { awsHostStore } from './aws.ts';
import { hostsBinding } from './binding.ts';
import { hostStoreContract } from './contract-suite.ts';
import { summaryOf } from './summary.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

hostStoreContract('DynamoDB', async () => awsHostStore(aws.dynamodb, await aws.createTable(hostsBinding)));

it('rows that do not parse are named, and a page may end at one', async () => {
  const table = await aws.createTable(hostsBinding);
  const store = awsHostStore(aws.dynamodb, table);
  const bad = ['pc-1', 'not a machine id!'];
  for (const machineId of bad) await aws.dynamodb.send(new PutCommand({ TableName: table, Item: { machineId } }));
  await store.put(reportOf('pc-2'), { receivedAt: at(0), refused: [] });
  const items: string[] = [];
  const unreadable: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ cursor, limit: 1 });
    items.push(...page.items.map((host) => host.machineId));
    unreadable.push(...page.unreadable);
    cursor = page.next;
  } while (cursor !== undefined);
  expect(items).toEqual(['pc-2']);
  expect(unreadable.sort()).toEqual([...bad].sort());
  await expect(store.get('pc-1')).rejects.toMatchObject({ code: 'corrupt' });
  await expect(store.countByState()).rejects.toMatchObject({ code: 'corrupt' });
});

it('a stored report that is damaged is named', async () => {
  const table = await aws.createTable(hostsBinding);
  const Item = { version: 1, ...summaryOf(reportOf('pc-1'), at(0)), body: Buffer.from('not gzip') };
  await aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
  await expect(awsHostStore(aws.dynamodb, table).get('pc-1')).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining('pc-1'),
  });
});
