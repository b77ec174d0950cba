import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at } from '#test/kit/values.ts';
import { awsCommandStore } from './aws.ts';
import { commandsBinding } from './binding.ts';
import { commandStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const make = async () => {
  const table = await aws.createTable(commandsBinding);
  return { table, store: awsCommandStore({ dynamodb: aws.dynamodb, table, sleep: async () => {} }) };
};
commandStoreContract('DynamoDB', async () => (await make()).store);

describe('the command store on DynamoDB', () => {
  const command = {
    version: 1 as const,
    commandId: 'command-1',
    verb: 'scan' as const,
    target: { kind: 'group' as const, group: 'pilot' },
    createdAt: at(0),
    createdBy: 'Ada',
    expiresAt: at(100),
    outcomes: { done: 0, failed: 0 },
  };

  it('lets all rows of a command expire 90 days after its end', async () => {
    const { table, store } = await make();
    await store.create(command);
    const outcome = { commandId: 'command-1', outcome: 'done' as const, detail: '', at: at(1) };
    await store.putOutcome('pc-1', outcome, command.expiresAt);
    const { Items = [] } = await aws.dynamodb.send(new ScanCommand({ TableName: table }));
    const expected = Date.parse(at(100)) / 1000 + 90 * 24 * 3600;
    expect(Items.map(({ commandId, item, deleteAfter }) => [commandId, item, deleteAfter]).toSorted()).toEqual([
      ['command-1', 'command', expected],
      ['outcomes#command-1', expect.stringMatching(/^count#[0-7]$/), expected],
      ['outcomes#command-1', 'outcome#pc-1', expected],
    ]);
  });

  it('names rows that do not parse', async () => {
    const { table, store } = await make();
    await store.create(command);
    const bad = { commandId: 'command-2', item: 'command', version: 1, list: 'commands', createdAt: at(5) };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item: bad }));
    await aws.dynamodb.send(
      new PutCommand({
        TableName: table,
        Item: { commandId: 'outcomes#command-1', item: 'outcome#pc-1', outcome: 'maybe' },
      }),
    );
    expect(await store.list({ limit: 10 })).toMatchObject({ items: [command], unreadable: ['command-2'] });
    await expect(store.get('command-2')).rejects.toMatchObject({ code: 'corrupt' });
    expect(await store.outcomes('command-1', { limit: 10 })).toEqual({ items: [], unreadable: ['pc-1'] });
  });
});
