import { GetObjectCommand } from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { openObject } from '../s3/objects.ts';
import { awsPayloadStore } from './aws.ts';
import { awsTransferStore } from './aws-transfers.ts';
import { payloadsBinding } from './binding.ts';
import { payloadStoreContract } from './contract-suite.ts';
import { transferStoreContract } from './transfer-contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

async function make() {
  const { dynamodb, s3 } = aws;
  const table = await aws.createTable(payloadsBinding);
  const bucket = await aws.createBucket();
  const store = awsPayloadStore({ dynamodb, s3, table, bucket, sleep: async () => {} });
  return {
    store,
    table,
    bucket,
    async object(digest: string) {
      const object = await openObject(s3, bucket, `payloads/sha256/${digest}`);
      if (object === undefined) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of object.body) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async leftovers() {
      const keys = (await aws.keys(bucket)).filter((key) => !key.startsWith('payloads/sha256/'));
      return [...keys, ...(await aws.openUploads(bucket))];
    },
  };
}

payloadStoreContract('AWS', make);
transferStoreContract('AWS', async () => {
  const made = await make();
  return { ...made, store: awsTransferStore(aws.s3, made.bucket) };
});

describe('the payload store on AWS', () => {
  it('lets the CDN keep files for ever, with or without a staging copy', async () => {
    const { store, bucket } = await make();
    for (const [text, known] of [
      ['one', true],
      ['two', false],
    ] as const) {
      const upload = await store.begin({ sha1: sha1(text), sha256: known ? sha256(text) : undefined });
      await upload.write(Buffer.from(text));
      await upload.complete(sha256(text));
      const got = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key: `payloads/sha256/${sha256(text)}` }));
      expect(got.CacheControl).toContain('immutable');
      expect(got.ContentType).toBe('application/octet-stream');
    }
  });

  it('keeps what the CDN is told when a large file is copied to its key', async () => {
    const { bucket } = await make();
    const transfers = awsTransferStore(aws.s3, bucket);
    const id = await transfers.beginUpload(sha1('large'));
    await transfers.upload(sha1('large'), id).put(1, Buffer.from('large'));
    await transfers.upload(sha1('large'), id).complete({ parts: 1, length: 5 });
    await transfers.publishStaged(sha1('large'), { sha256: sha256('large'), bytes: 5 });
    const Key = `payloads/sha256/${sha256('large')}`;
    expect(await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).toMatchObject({
      CacheControl: expect.stringContaining('immutable'),
      ContentType: 'application/octet-stream',
    });
  });

  it('names records that do not parse', async () => {
    const { store, table } = await make();
    const bad = { sha1: sha1('x'), version: 1, size: -1, list: 'held', heldAt: at(1) };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item: bad }));
    const named = { code: 'corrupt', message: expect.stringContaining(sha1('x')) };
    await expect(store.held([sha1('x')])).rejects.toMatchObject(named);
    expect(await store.list({ limit: 10 })).toEqual({ items: [], unreadable: [sha1('x')] });
  });
});
