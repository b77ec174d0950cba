import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { awsThrottleStore } from './aws.ts';
import { throttleBinding } from './binding.ts';
import { throttleStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

throttleStoreContract('DynamoDB', async () => awsThrottleStore(aws.dynamodb, await aws.createTable(throttleBinding)));

it('rows of minutes that are over expire', async () => {
  const table = await aws.createTable(throttleBinding);
  const at = Date.UTC(2026, 6, 14, 12, 0, 30);
  await awsThrottleStore(aws.dynamodb, table).count('ada', at);
  const { Items } = await aws.dynamodb.send(new ScanCommand({ TableName: table }));
  expect(Items?.map(({ deleteAfter }) => deleteAfter)).toEqual([Date.UTC(2026, 6, 14, 13) / 1000]);
});
