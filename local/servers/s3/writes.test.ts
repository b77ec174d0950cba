import { createHash, randomBytes } from 'node:crypto';
import {
  ChecksumAlgorithm,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';

let s3: TestS3;
const Bucket = 'test-bucket';
const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex');

beforeAll(async () => {
  s3 = await startTestS3();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => s3.stop());

const put = (Key: string, Body: string | Uint8Array = 'body', more: object = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more: object = {}) => s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
const text = async (Key: string, more: object = {}) => (await get(Key, more)).Body?.transformToString();

describe('conditions', () => {
  it('on reads', async () => {
    const { ETag } = await put('cond', 'x');
    const { LastModified } = await get('cond');
    const at = LastModified?.getTime() ?? 0;
    expect(await text('cond', { IfMatch: ETag })).toBe('x');
    await expect(get('cond', { IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(get('cond', { IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    expect(await text('cond', { IfNoneMatch: '"other"' })).toBe('x');
    await expect(get('cond', { IfModifiedSince: new Date(at) })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    await expect(get('cond', { IfUnmodifiedSince: new Date(at - 1000) })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    const head = s3.client.send(new HeadObjectCommand({ Bucket, Key: 'cond', IfMatch: '"other"' }));
    await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
  });

  it('on writes: only if absent, only if unchanged', async () => {
    const { ETag } = await put('once', '1', { IfNoneMatch: '*' });
    await expect(put('once', '2', { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    await expect(put('once', '2', { IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put('never', '2', { IfMatch: ETag })).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await text('once')).toBe('1');
    await put('once', '2', { IfMatch: ETag });
    expect(await text('once')).toBe('2');
  });

  it('on writes that race: exactly one wins', async () => {
    const body = randomBytes(500_000);
    const writers = Array.from({ length: 6 }, () => put('race', body, { IfNoneMatch: '*' }));
    const results = await Promise.allSettled(writers);
    expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  it('on deletes', async () => {
    const { ETag } = await put('cond-del');
    const del = (IfMatch: string) => s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'cond-del', IfMatch }));
    await expect(del('"other"')).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await del(ETag ?? '');
    await expect(get('cond-del')).rejects.toBeInstanceOf(NoSuchKey);
  });
});

describe('checksums', () => {
  it.each(Object.values(ChecksumAlgorithm).filter((one) => /^(CRC32|CRC32C|SHA1|SHA256)$/.test(one)))(
    '%s is proved, kept and given back',
    async (algorithm) => {
      const name = `Checksum${algorithm}`;
      const answer: object = await put(`sum-${algorithm}`, '123456789', { ChecksumAlgorithm: algorithm });
      const got: object = await get(`sum-${algorithm}`, { ChecksumMode: 'ENABLED' });
      expect(got).toHaveProperty(name, (answer as Record<string, string>)[name]);
      expect(got).toHaveProperty('ChecksumType', 'FULL_OBJECT');
      const wrong = put('wrong', 'other', { [name]: (answer as Record<string, string>)[name] });
      await expect(wrong).rejects.toMatchObject({ name: 'BadDigest' });
    },
  );

  it('CRC64NVME is proved and kept, too', async () => {
    // The check value of CRC-64/NVME.
    const ChecksumCRC64NVME = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
    await put('sum-64', '123456789', { ChecksumCRC64NVME });
    const got = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'sum-64', ChecksumMode: 'ENABLED' }));
    expect(got.ChecksumCRC64NVME).toBe(ChecksumCRC64NVME);
    await expect(put('sum-64', '12345678', { ChecksumCRC64NVME })).rejects.toMatchObject({ name: 'BadDigest' });
  });

  it('Content-MD5 is proved', async () => {
    await put('md5', 'right', { ContentMD5: Buffer.from(md5('right'), 'hex').toString('base64') });
    const wrong = put('md5', 'wrong', { ContentMD5: Buffer.from(md5('right'), 'hex').toString('base64') });
    await expect(wrong).rejects.toMatchObject({ name: 'BadDigest' });
    expect(await text('md5')).toBe('right');
    await expect(put('md5', 'x', { ContentMD5: 'AAAA' })).rejects.toMatchObject({ name: 'InvalidDigest' });
  });
});

describe('copies', () => {
  it('take bytes, metadata and tags along, or new ones', async () => {
    await put('from', 'copied', { ContentType: 'text/plain', Metadata: { a: '1' }, Tagging: 't=1' });
    const CopySource = `${Bucket}/from`;
    const copy = await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }));
    expect(copy.CopyObjectResult?.ETag).toBe(`"${md5('copied')}"`);
    expect(await get('to')).toMatchObject({ ContentType: 'text/plain', Metadata: { a: '1' }, TagCount: 1 });
    await s3.client.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'to',
        CopySource,
        MetadataDirective: 'REPLACE',
        TaggingDirective: 'REPLACE',
        Metadata: { b: '2' },
      }),
    );
    const replaced = await get('to');
    expect(replaced).toMatchObject({ ContentType: 'binary/octet-stream', Metadata: { b: '2' } });
    expect(replaced.TagCount).toBeUndefined();
    // The bytes live on without their source.
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'from' }));
    expect(await text('to')).toBe('copied');
  });

  it('read odd keys, and look at conditions of the source and of the target', async () => {
    const key = 'odd +&?%/é';
    const { ETag } = await put(key, 'odd');
    const CopySource = encodeURIComponent(`${Bucket}/${key}`);
    const copy = (more: object) =>
      s3.client.send(new CopyObjectCommand({ Bucket, Key: 'odd-copy', CopySource, ...more }));
    await copy({ CopySourceIfMatch: ETag, IfNoneMatch: '*' });
    expect(await text('odd-copy')).toBe('odd');
    await expect(copy({ CopySourceIfNoneMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(copy({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const missing = s3.client.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/nowhere` }));
    await expect(missing).rejects.toMatchObject({ name: 'NoSuchKey' });
    const itself = s3.client.send(new CopyObjectCommand({ Bucket, Key: 'odd-copy', CopySource: `${Bucket}/odd-copy` }));
    await expect(itself).rejects.toMatchObject({ name: 'InvalidRequest' });
  });
});
