import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startS3 } from './server.ts';
import type { TestS3 } from './testing/start.ts';
import { REGION, startTestS3, testOptions } from './testing/start.ts';

let s3: TestS3;
beforeAll(async () => {
  s3 = await startTestS3();
});
afterAll(() => s3.stop());
const create = (Bucket: string) => s3.client.send(new CreateBucketCommand({ Bucket }));

describe('buckets', () => {
  it('are created, found, listed and deleted', async () => {
    await create('one.two-3');
    await s3.client.send(new HeadBucketCommand({ Bucket: 'one.two-3' }));
    const { LocationConstraint } = await s3.client.send(new GetBucketLocationCommand({ Bucket: 'one.two-3' }));
    expect(LocationConstraint).toBe(REGION);
    const { Buckets } = await s3.client.send(new ListBucketsCommand({}));
    expect(Buckets).toMatchObject([{ Name: 'one.two-3', CreationDate: expect.any(Date) }]);
    await expect(create('one.two-3')).rejects.toMatchObject({ name: 'BucketAlreadyOwnedByYou' });
    await s3.client.send(new DeleteBucketCommand({ Bucket: 'one.two-3' }));
    await expect(s3.client.send(new HeadBucketCommand({ Bucket: 'one.two-3' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it.each(['ab', 'Upper', 'under_score', '-dash', '10.0.0.1', 'a..b'])('may not be called %s', async (name) => {
    await expect(create(name)).rejects.toMatchObject({ name: 'InvalidBucketName' });
  });

  it('are deleted only when they are empty; uploads under way go with them', async () => {
    await create('full');
    await s3.client.send(new PutObjectCommand({ Bucket: 'full', Key: 'k', Body: 'x' }));
    await s3.client.send(new CreateMultipartUploadCommand({ Bucket: 'full', Key: 'u' }));
    const remove = () => s3.client.send(new DeleteBucketCommand({ Bucket: 'full' }));
    await expect(remove()).rejects.toMatchObject({ name: 'BucketNotEmpty' });
    await s3.client.send(new DeleteObjectCommand({ Bucket: 'full', Key: 'k' }));
    await remove();
  });

  it('have tags', async () => {
    await create('tagged');
    const get = () => s3.client.send(new GetBucketTaggingCommand({ Bucket: 'tagged' }));
    await expect(get()).rejects.toMatchObject({ name: 'NoSuchTagSet' });
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
    await s3.client.send(new PutBucketTaggingCommand({ Bucket: 'tagged', Tagging }));
    expect((await get()).TagSet).toEqual(Tagging.TagSet);
    await s3.client.send(new DeleteBucketTaggingCommand({ Bucket: 'tagged' }));
    await expect(get()).rejects.toMatchObject({ name: 'NoSuchTagSet' });
  });

  it('refuse by name what is not modelled', async () => {
    await create('plain');
    expect((await s3.client.send(new GetBucketVersioningCommand({ Bucket: 'plain' }))).Status).toBeUndefined();
    const versions = s3.client.send(
      new PutBucketVersioningCommand({ Bucket: 'plain', VersioningConfiguration: { Status: 'Enabled' } }),
    );
    await expect(versions).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringMatching(/versions/),
    });
    const acl = s3.client.send(new GetBucketAclCommand({ Bucket: 'plain' }));
    await expect(acl).rejects.toMatchObject({ name: 'NotImplemented', message: expect.stringMatching(/acl/) });
    const open = s3.client.send(new PutObjectCommand({ Bucket: 'plain', Key: 'k', Body: 'x', ACL: 'public-read' }));
    await expect(open).rejects.toMatchObject({ name: 'AccessControlListNotSupported' });
  });

  it('lie in a folder that no second server takes', async () => {
    const second = startS3(testOptions(s3.dataDir, () => ({ allowed: true })));
    await expect(second).rejects.toMatchObject({ name: 'ServersError', code: 'data-in-use' });
  });
});
