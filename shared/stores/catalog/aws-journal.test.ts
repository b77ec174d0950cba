import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { awsSyncJournal } from './aws-journal.ts';
import { catalogBinding } from './binding.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

async function journalWith(pk: string) {
  const table = await aws.createTable(catalogBinding);
  await aws.dynamodb.send(new PutCommand({ TableName: table, Item: { pk, version: 2, of: 'tomorrow' } }));
  const warnings: string[] = [];
  return { journal: awsSyncJournal(aws.dynamodb, table, (message) => warnings.push(message)), warnings };
}

it('a copy that does not parse is dropped, and another may begin', async () => {
  const { journal, warnings } = await journalWith('copy');
  expect(await journal.copy()).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/do not parse \(copy\)/)]);
  expect(await journal.copy()).toBeUndefined();
  expect(warnings).toHaveLength(1);
});

it('an unfinished publication that does not parse is there all the same, and can be cleared', async () => {
  const { journal, warnings } = await journalWith('unfinished');
  expect(await journal.unfinished()).toMatchObject({ version: 1, sha256: '0'.repeat(64) });
  expect(warnings).toEqual([expect.stringMatching(/do not parse \(unfinished\)/)]);
  await journal.clearUnfinished();
  expect(await journal.unfinished()).toBeUndefined();
});

it('a refusal that does not parse is none', async () => {
  const { journal, warnings } = await journalWith('refusal');
  expect(await journal.refusal()).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/do not parse \(refusal\)/)]);
});
