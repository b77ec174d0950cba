import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { awsRuleStore } from './aws.ts';
import { rulesBinding } from './binding.ts';
import { ruleStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

ruleStoreContract('DynamoDB', async () => awsRuleStore(aws.dynamodb, await aws.createTable(rulesBinding)));

it('rules that do not parse are not taken for "nothing allowed"', async () => {
  const table = await aws.createTable(rulesBinding);
  const Item = { name: 'default', version: 1, revision: 3, defaultAllow: 'yes' };
  await aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
  await expect(awsRuleStore(aws.dynamodb, table).get()).rejects.toMatchObject({ name: 'StoreError', code: 'corrupt' });
});
