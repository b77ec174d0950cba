import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';

let s3: TestS3;
let nowMs = 0;
let counter = 0;
let Bucket = '';

beforeAll(async () => {
  s3 = await startTestS3({ nowMs: () => nowMs });
});
afterAll(() => s3.stop());

const day = 24 * 3600 * 1000;
const lock = (Mode: 'COMPLIANCE' | 'GOVERNANCE', more: { Days?: number; Years?: number }) =>
  s3.client.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode, ...more } } },
    }),
  );
const put = (Key: string, Body = 'first', more = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const read = async (Key: string) =>
  (await s3.client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
const remove = (Key: string, more = {}) => s3.client.send(new DeleteObjectCommand({ Bucket, Key, ...more }));

beforeEach(async () => {
  nowMs = Date.parse('2026-03-01T15:00:00Z');
  s3.grants = [];
  Bucket = `locked-${counter++}`;
  await s3.client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
});

describe('a bucket', () => {
  it('has object lock when it was made with it, and then versions', async () => {
    const { ObjectLockConfiguration } = await s3.client.send(new GetObjectLockConfigurationCommand({ Bucket }));
    expect(ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' });
    expect((await s3.client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled');
    const suspend = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } });
    await expect(s3.client.send(suspend)).rejects.toMatchObject({ name: 'InvalidBucketState' });
  });

  it('without it has neither, and gets neither', async () => {
    Bucket = 'without-lock';
    await s3.client.send(new CreateBucketCommand({ Bucket }));
    await expect(s3.client.send(new GetObjectLockConfigurationCommand({ Bucket }))).rejects.toMatchObject({
      name: 'ObjectLockConfigurationNotFoundError',
    });
    await expect(lock('COMPLIANCE', { Days: 1 })).rejects.toMatchObject({ name: 'InvalidBucketState' });
  });

  it.each([
    ['no time', {}],
    ['two times', { Days: 1, Years: 1 }],
    ['no whole number', { Days: 0 }],
  ])('refuses a default retention of %s', async (_what, time) => {
    await expect(lock('COMPLIANCE', time)).rejects.toMatchObject({ name: 'MalformedXML' });
  });

  it('without a default retention locks nothing', async () => {
    await put('a');
    await put('a', 'second');
    await remove('a');
  });
});

describe('an object that is locked', () => {
  it('is not deleted, by whichever call', async () => {
    await lock('COMPLIANCE', { Days: 2 });
    await put('a');
    const denied = { name: 'AccessDenied', message: expect.stringContaining('object lock') };
    await expect(remove('a')).rejects.toMatchObject(denied);
    await expect(remove('a', { BypassGovernanceRetention: true })).rejects.toMatchObject(denied);
    const both = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }] } });
    expect((await s3.client.send(both)).Errors).toMatchObject([{ Key: 'a', Code: 'AccessDenied' }]);
    expect(await read('a')).toBe('first');
  });

  it('is not written again, by put or by copy', async () => {
    await lock('COMPLIANCE', { Days: 2 });
    await put('a');
    await expect(put('a', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put('a', 'second')).rejects.toMatchObject({ name: 'NotImplemented' });
    await put('b', 'other');
    await expect(
      s3.client.send(new CopyObjectCommand({ Bucket, Key: 'a', CopySource: `${Bucket}/b` })),
    ).rejects.toMatchObject({ name: 'NotImplemented' });
    expect(await read('a')).toBe('first');
  });

  it('is not expired by a lifecycle rule', async () => {
    await lock('COMPLIANCE', { Days: 5 });
    const Rules = [{ ID: 'all', Status: 'Enabled' as const, Filter: { Prefix: '' }, Expiration: { Days: 1 } }];
    await s3.client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    await put('a');
    nowMs += 3 * day;
    await s3.server.sweep();
    expect(await read('a')).toBe('first');
    nowMs += 4 * day;
    await s3.server.sweep();
    await expect(read('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('says until when, and is free then', async () => {
    await lock('COMPLIANCE', { Years: 1 });
    await put('a');
    const { Retention } = await s3.client.send(new GetObjectRetentionCommand({ Bucket, Key: 'a' }));
    expect(Retention).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: new Date('2027-03-01T15:00:00Z') });
    nowMs = Date.parse('2027-03-01T15:00:01Z');
    await remove('a');
    await expect(read('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('stays locked when the default changes, and after a restart', async () => {
    await lock('GOVERNANCE', { Days: 10 });
    await put('a');
    await lock('GOVERNANCE', { Days: 1 });
    await s3.restart();
    nowMs += 5 * day;
    await expect(remove('a')).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('by GOVERNANCE is deleted by whoever asks for it and may', async () => {
    await lock('GOVERNANCE', { Days: 2 });
    await put('a');
    const role = s3.clientOf('ROLE');
    const wish = new DeleteObjectCommand({ Bucket, Key: 'a', BypassGovernanceRetention: true });
    s3.grants = [`s3:DeleteObject arn:aws:s3:::${Bucket}/*`];
    await expect(role.send(wish)).rejects.toMatchObject({ name: 'AccessDenied' });
    s3.grants = [...s3.grants, `s3:BypassGovernanceRetention arn:aws:s3:::${Bucket}/*`];
    await expect(role.send(new DeleteObjectCommand({ Bucket, Key: 'a' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await role.send(wish);
    await expect(read('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('was proved by a digest when it was written', async () => {
    await lock('COMPLIANCE', { Days: 2 });
    const bare = s3.clientOf('ADMIN', { requestChecksumCalculation: 'WHEN_REQUIRED' });
    await expect(bare.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('Content-MD5'),
    });
    await put('a');
  });
});

it('a policy sees whether a write is conditional', async () => {
  s3.calls.length = 0;
  await put('a', 'first', { IfNoneMatch: '*' });
  await put('b');
  expect(s3.calls.filter(({ action }) => action === 's3:PutObject').map(({ context }) => context)).toEqual([
    { 's3:if-none-match': ['*'] },
    undefined,
  ]);
});
