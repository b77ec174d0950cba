import { gzipSync } from 'node:zlib';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at } from '#test/kit/values.ts';
import { noRules } from '../../contract/rules.ts';
import { awsRuleStore } from './aws.ts';
import { rulesBinding } from './binding.ts';
import { ruleStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

ruleStoreContract('DynamoDB', async () => awsRuleStore(aws.dynamodb, await aws.createTable(rulesBinding)));

const change = (n: number) => ({ book: noRules.book, changedAt: at(n), changedBy: 'ada' });

describe('rules that are damaged are not taken for "nothing allowed":', () => {
  const book = { name: 'rules', item: 'book#0000000001', version: 2, revision: 1, changedAt: at(1) };
  it.each([
    ['which are in force', { name: 'rules', item: 'current', version: 2, revision: 'one' }],
    ['a book of another version', { ...book, version: 9, body: gzipSync(JSON.stringify(noRules.book)) }],
    ['a book that is not gzip', { ...book, body: Buffer.from('{}') }],
    ['a book that is none', { ...book, body: gzipSync('{"packages":{}}') }],
  ])('%s', async (_what, Item) => {
    const table = await aws.createTable(rulesBinding);
    const store = awsRuleStore(aws.dynamodb, table);
    await store.put(change(1), 0);
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
    await expect(store.get()).rejects.toMatchObject({ name: 'StoreError', code: 'corrupt' });
    await expect(store.getIfNewer(0)).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('a book that is lost', async () => {
    const table = await aws.createTable(rulesBinding);
    const store = awsRuleStore(aws.dynamodb, table);
    await store.put(change(1), 0);
    const Key = { name: 'rules', item: 'book#0000000001' };
    await aws.dynamodb.send(new DeleteCommand({ TableName: table, Key }));
    await expect(store.get()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringMatching(/1, are lost/) });
  });
});

it('a list names the rows that do not parse, and goes on', async () => {
  const table = await aws.createTable(rulesBinding);
  const store = awsRuleStore(aws.dynamodb, table);
  for (const n of [1, 2, 3]) await store.put(change(n), n - 1);
  const Item = { name: 'rules', item: 'revision#0000000002', version: 2 };
  await aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
  expect(await store.revisions({ limit: 10 })).toMatchObject({
    items: [{ revision: 3 }, { revision: 1 }],
    unreadable: ['revision#0000000002'],
  });
});

it('never writes over a revision of the history, even where the row in force went back', async () => {
  const table = await aws.createTable(rulesBinding);
  const store = awsRuleStore(aws.dynamodb, table);
  for (const n of [1, 2]) await store.put(change(n), n - 1);
  const Item = { name: 'rules', item: 'current', version: 2, revision: 1 };
  await aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
  await expect(store.put(change(9), 1)).rejects.toMatchObject({ code: 'conflict' });
  expect(await store.revision(2)).toMatchObject({ changedAt: at(2) });
});

it('whether there is news costs one read of a row that stays small', async () => {
  const table = await aws.createTable(rulesBinding);
  const sent: unknown[] = [];
  const client = Object.create(aws.dynamodb) as AwsServers['dynamodb'];
  client.send = ((command: { readonly input: unknown }) => {
    sent.push(command.input);
    return aws.dynamodb.send(command as never);
  }) as AwsServers['dynamodb']['send'];
  const store = awsRuleStore(client, table);
  await store.put(change(1), 0);
  sent.length = 0;
  expect(await store.getIfNewer(1)).toBeUndefined();
  expect(sent).toEqual([{ TableName: table, Key: { name: 'rules', item: 'current' }, ConsistentRead: true }]);
});
