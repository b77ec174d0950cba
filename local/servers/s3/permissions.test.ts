import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';

let s3: TestS3;
let role: S3Client;
const Bucket = 'guarded';
const arn = 'arn:aws:s3:::guarded';

beforeAll(async () => {
  s3 = await startTestS3();
  role = s3.clientOf('ROLE');
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  for (const Key of ['open/a', 'closed/a']) {
    await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key, Tagging: Key === 'closed/a' ? 't=1' : '' }));
  }
});
beforeEach(() => {
  s3.grants = [];
  s3.calls.length = 0;
});
afterAll(() => s3.stop());

const denied = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } };
const asked = () => s3.calls.map(({ accessKeyId, action, resource }) => `${accessKeyId} ${action} ${resource}`);

describe('permissions', () => {
  it('are asked for each operation with its action and its ARN', async () => {
    const all = { Bucket, Key: 'open/a' };
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand(all));
    await s3.client.send(new UploadPartCommand({ ...all, UploadId, PartNumber: 1, Body: 'x' }));
    await s3.client.send(new ListPartsCommand({ ...all, UploadId }));
    await s3.client.send(new ListMultipartUploadsCommand({ Bucket }));
    await s3.client.send(new AbortMultipartUploadCommand({ ...all, UploadId }));
    await s3.client.send(new GetObjectCommand(all));
    await s3.client.send(new HeadObjectCommand(all));
    await s3.client.send(new ListObjectsV2Command({ Bucket }));
    await s3.client.send(new ListBucketsCommand({}));
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'open/b', Body: 'x', Tagging: 'a=b' }));
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'open/b' }));
    await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'open/c', CopySource: `${Bucket}/open/a` }));
    expect(asked()).toEqual([
      `ADMIN s3:PutObject ${arn}/open/a`,
      `ADMIN s3:PutObject ${arn}/open/a`,
      `ADMIN s3:ListMultipartUploadParts ${arn}/open/a`,
      `ADMIN s3:ListBucketMultipartUploads ${arn}`,
      `ADMIN s3:AbortMultipartUpload ${arn}/open/a`,
      `ADMIN s3:GetObject ${arn}/open/a`,
      `ADMIN s3:GetObject ${arn}/open/a`,
      `ADMIN s3:ListBucket ${arn}`,
      'ADMIN s3:ListAllMyBuckets arn:aws:s3:::*',
      `ADMIN s3:PutObject ${arn}/open/b`,
      `ADMIN s3:PutObjectTagging ${arn}/open/b`,
      `ADMIN s3:DeleteObject ${arn}/open/b`,
      `ADMIN s3:GetObject ${arn}/open/a`,
      `ADMIN s3:PutObject ${arn}/open/c`,
    ]);
  });

  it('hold for what they name and nothing else', async () => {
    s3.grants = [`s3:GetObject ${arn}/open/*`];
    const got = await role.send(new GetObjectCommand({ Bucket, Key: 'open/a' }));
    expect(await got.Body?.transformToString()).toBe('open/a');
    await expect(role.send(new GetObjectCommand({ Bucket, Key: 'closed/a' }))).rejects.toMatchObject(denied);
    await expect(role.send(new PutObjectCommand({ Bucket, Key: 'open/a', Body: 'changed' }))).rejects.toMatchObject({
      ...denied,
      message: 'ROLE is not authorized to perform: s3:PutObject',
    });
    await expect(role.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject(denied);
    const still = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'open/a' }));
    expect(await still.Body?.transformToString()).toBe('open/a');
  });

  it('decide what is said about a missing key', async () => {
    const missing = () => role.send(new GetObjectCommand({ Bucket, Key: 'open/missing' }));
    const head = () => role.send(new HeadObjectCommand({ Bucket, Key: 'open/missing' }));
    s3.grants = [`s3:GetObject ${arn}/*`];
    await expect(missing()).rejects.toMatchObject(denied);
    await expect(head()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    s3.grants.push(`s3:ListBucket ${arn}`);
    await expect(missing()).rejects.toMatchObject({ name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } });
    await expect(head()).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  });

  it('are needed for both ends of a copy, and for tags', async () => {
    const copy = (source: string) =>
      role.send(new CopyObjectCommand({ Bucket, Key: 'open/copy', CopySource: `${Bucket}/${source}` }));
    s3.grants = [`s3:GetObject ${arn}/*`];
    await expect(copy('open/a')).rejects.toMatchObject(denied);
    s3.grants = [`s3:PutObject ${arn}/open/*`];
    await expect(copy('open/a')).rejects.toMatchObject(denied);
    s3.grants.push(`s3:GetObject ${arn}/*`);
    await copy('open/a');
    await expect(copy('closed/a')).rejects.toMatchObject(denied);
    const tagged = role.send(new PutObjectCommand({ Bucket, Key: 'open/t', Body: 'x', Tagging: 'a=b' }));
    await expect(tagged).rejects.toMatchObject({ ...denied, message: expect.stringMatching(/s3:PutObjectTagging/) });
  });

  it('to read are needed for comparing an ETag before a write or a delete', async () => {
    s3.grants = [`s3:PutObject ${arn}/open/*`, `s3:DeleteObject ${arn}/open/*`];
    const { ETag } = await role.send(new PutObjectCommand({ Bucket, Key: 'open/etag', Body: 'x' }));
    const put = () => role.send(new PutObjectCommand({ Bucket, Key: 'open/etag', Body: 'x', IfMatch: ETag }));
    const remove = () => role.send(new DeleteObjectCommand({ Bucket, Key: 'open/etag', IfMatch: ETag }));
    await expect(put()).rejects.toMatchObject({ ...denied, message: expect.stringContaining('s3:GetObject') });
    await expect(remove()).rejects.toMatchObject(denied);
    await role.send(new PutObjectCommand({ Bucket, Key: 'open/new', Body: 'x', IfNoneMatch: '*' }));
    s3.grants.push(`s3:GetObject ${arn}/open/*`);
    await put();
    await remove();
  });

  it('are asked for each key that is deleted', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'open/d', Body: 'x' }));
    s3.grants = [`s3:DeleteObject ${arn}/open/*`];
    const answer = await role.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'open/d' }, { Key: 'closed/a' }] } }),
    );
    expect(answer.Deleted).toMatchObject([{ Key: 'open/d' }]);
    expect(answer.Errors).toMatchObject([{ Key: 'closed/a', Code: 'AccessDenied' }]);
  });

  it('are asked with an empty key for callers who do not sign', async () => {
    const anonymous = await fetch(`${s3.server.url}/${Bucket}/open/a`);
    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain('<Code>AccessDenied</Code>');
    expect(asked()).toEqual([` s3:GetObject ${arn}/open/a`]);
  });
});
