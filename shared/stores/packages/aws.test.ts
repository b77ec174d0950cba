import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { payloadsBinding } from '../payloads/binding.ts';
import { awsPackageCleaning, awsPackageFiles } from './aws.ts';
import { packageFilesContract } from './contract-suite.ts';
import type { PackageFileStore } from './port.ts';

let aws: AwsServers;
let bucket: string;
let files: PackageFileStore;
beforeAll(async () => {
  aws = await startAwsServers();
  bucket = await aws.createBucket();
  files = awsPackageFiles({ s3: aws.s3, bucket, now: () => new Date() });
});
afterAll(() => aws.close());

const idOf = (bytes: string) => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  size: Buffer.byteLength(bytes),
});
const put = async (bytes: string, said = idOf(bytes), more: Record<string, string> = {}) => {
  const { url, headers } = await files.uploadAddress(said);
  const { 'content-length': _, ...rest } = headers;
  return fetch(url, { method: 'PUT', headers: { ...rest, ...more }, body: bytes });
};

it('an address takes the bytes that it was made for, once', async () => {
  expect(await files.has(idOf('setup'))).toBe(false);
  expect((await put('setup')).status).toBe(200);
  expect(await files.has(idOf('setup'))).toBe(true);
  expect(await files.has({ ...idOf('setup'), size: 6 })).toBe(false);
  expect((await put('setup')).status, 'nothing is written over').toBe(412);
});

it('other bytes, another length or other conditions are refused by S3 itself', async () => {
  const wanted = idOf('good!');
  expect((await put('evil!', wanted)).status).toBe(400);
  expect((await put('good', wanted)).status).toBe(403);
  expect((await put('good!', wanted, { 'if-none-match': '"x"' })).status).toBe(403);
  expect((await put('evil!', wanted, { 'x-amz-checksum-sha256': 'AAAA' })).status).toBe(403);
  expect(await files.has(wanted)).toBe(false);
});

it('an object that came another way is not believed', async () => {
  const { sha256 } = idOf('one');
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: `packages/${sha256}`, Body: 'two' }));
  expect(await files.has(idOf('one'))).toBe(false);
});

packageFilesContract({
  name: 'S3 and DynamoDB',
  async prepare() {
    const own = await aws.createBucket();
    const table = await aws.createTable(payloadsBinding);
    // Nothing of ours.
    await aws.s3.send(new PutObjectCommand({ Bucket: own, Key: 'packages/stray', Body: 'x' }));
    await aws.s3.send(new PutObjectCommand({ Bucket: own, Key: `payloads/sha256/${'a'.repeat(64)}`, Body: 'x' }));
    const store = awsPackageFiles({ s3: aws.s3, bucket: own, now: () => new Date() });
    return {
      store,
      cleaning: awsPackageCleaning({ s3: aws.s3, bucket: own, dynamodb: aws.dynamodb, table }),
      async put(file, bytes) {
        const { url, headers } = await store.uploadAddress(file);
        const { 'content-length': _, ...rest } = headers;
        const { ok } = await fetch(url, { method: 'PUT', headers: rest, body: bytes });
        if (!ok) throw new Error('the upload was refused');
      },
    };
  },
});
