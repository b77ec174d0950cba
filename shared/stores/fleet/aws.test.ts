import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { MemoryFleetRows, MemoryFleetStore } from '#test/kit/memory-fleet.ts';
import { buildKey } from '../../contract/keys.ts';
import { hostsBinding } from '../hosts/binding.ts';
import { awsFleetRows, awsFleetStore } from './aws.ts';
import { fleetRowsContract, fleetStoreContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

fleetStoreContract('S3', async () => awsFleetStore(aws.s3, await aws.createBucket()));
fleetStoreContract('memory', async () => new MemoryFleetStore());

fleetRowsContract('DynamoDB', async () => {
  const table = await aws.createTable(hostsBinding);
  return {
    rows: awsFleetRows(aws.dynamodb, table),
    put: async (Item) => void (await aws.dynamodb.send(new PutCommand({ TableName: table, Item }))),
  };
});
fleetRowsContract('memory', async () => {
  const rows = new MemoryFleetRows();
  return { rows, put: async (row) => void rows.rows.push(row) };
});

it('names the object that is damaged', async () => {
  const bucket = await aws.createBucket();
  const store = awsFleetStore(aws.s3, bucket);
  const put = (Key: string, Body: string | Uint8Array) =>
    aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  const corrupt = (why: RegExp) => expect.objectContaining({ code: 'corrupt', message: expect.stringMatching(why) });
  const [manifest, partition] = [
    buildKey({ kind: 'fleet-manifest' }),
    buildKey({ kind: 'fleet-partition', layout: 'one', index: 3 }),
  ];
  await put(manifest, '{');
  await expect(store.manifest()).rejects.toThrow(corrupt(/current\.json is not JSON/));
  await put(manifest, '{"version":2}');
  await expect(store.manifest()).rejects.toThrow(corrupt(/current\.json does not parse: version/));
  await put(partition, 'no gzip');
  await expect(store.partition('one', 3)).rejects.toThrow(corrupt(/one\/3\.kbf\.gz does not parse/));
  await put(partition, gzipSync('no partition'));
  await expect(store.partition('one', 3)).rejects.toThrow(corrupt(/does not begin as a partition does/));
});
