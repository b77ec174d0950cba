import { createHash, randomBytes } from 'node:crypto';
import type { CompletedPart } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';

let s3: TestS3;
const Bucket = 'parts';
const MIB = 1024 * 1024;
const md5 = (data: Uint8Array) => createHash('md5').update(data).digest();

beforeAll(async () => {
  s3 = await startTestS3();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => s3.stop());

async function create(Key: string, more: object = {}): Promise<string> {
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return UploadId ?? '';
}
const uploadPart = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array | string) =>
  s3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more: object = {}) =>
  s3.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
async function bytesOf(Key: string, more: object = {}): Promise<Buffer> {
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

describe('multipart uploads', () => {
  it('take parts in any order and give the right ETag, bytes and ranges', async () => {
    const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB + 7), randomBytes(100)];
    const UploadId = await create('big', { ContentType: 'text/x-big', Metadata: { m: '1' }, Tagging: 'a=b' });
    const etags: (string | undefined)[] = [];
    for (const index of [2, 0, 1]) {
      etags[index] = (await uploadPart('big', UploadId, index + 1, parts[index] ?? '')).ETag;
    }
    const listed = await s3.client.send(new ListPartsCommand({ Bucket, Key: 'big', UploadId }));
    expect(listed.Parts?.map((part) => [part.PartNumber, part.Size, part.ETag])).toEqual(
      parts.map((part, index) => [index + 1, part.length, `"${md5(part).toString('hex')}"`]),
    );
    const done = await complete(
      'big',
      UploadId,
      etags.map((ETag, index) => ({ PartNumber: index + 1, ETag })),
    );
    expect(done.ETag).toBe(`"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-3"`);
    const whole = Buffer.concat(parts);
    expect((await bytesOf('big')).equals(whole)).toBe(true);
    const across = await bytesOf('big', { Range: `bytes=${5 * MIB - 3}-${10 * MIB + 20}` });
    expect(across.equals(whole.subarray(5 * MIB - 3, 10 * MIB + 21))).toBe(true);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'big', PartNumber: 2 }));
    expect(head).toMatchObject({ ContentType: 'text/x-big', Metadata: { m: '1' }, TagCount: 1, PartsCount: 3 });
    expect(head.ContentLength).toBe(5 * MIB + 7);
  });

  it('are listed while they run and gone when they are aborted', async () => {
    const first = await create('up/1');
    const second = await create('up/1');
    const third = await create('up/2');
    const list = (more: object = {}) =>
      s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'up/', ...more }));
    expect((await list()).Uploads?.map((upload) => upload.UploadId)).toEqual(
      expect.arrayContaining([first, second, third]),
    );
    const page = await list({ MaxUploads: 2 });
    expect(page).toMatchObject({ IsTruncated: true });
    const next = await list({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker });
    expect([...(page.Uploads ?? []), ...(next.Uploads ?? [])]).toHaveLength(3);
    for (const [Key, UploadId] of [
      ['up/1', first],
      ['up/1', second],
      ['up/2', third],
    ] as const) {
      await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
    expect((await list()).Uploads ?? []).toHaveLength(0);
    await expect(uploadPart('up/1', first, 1, 'x')).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('are refused with wrong, missing, unordered or small parts', async () => {
    const UploadId = await create('bad');
    const one = (await uploadPart('bad', UploadId, 1, 'small')).ETag;
    const two = (await uploadPart('bad', UploadId, 2, 'last')).ETag;
    const attempt = (Parts: CompletedPart[]) => complete('bad', UploadId, Parts);
    await expect(attempt([{ PartNumber: 1, ETag: two }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(attempt([{ PartNumber: 3, ETag: two }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(
      attempt([
        { PartNumber: 2, ETag: two },
        { PartNumber: 1, ETag: one },
      ]),
    ).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(
      attempt([
        { PartNumber: 1, ETag: one },
        { PartNumber: 2, ETag: two },
      ]),
    ).rejects.toMatchObject({ name: 'EntityTooSmall' });
    await expect(uploadPart('bad', UploadId, 10_001, 'x')).rejects.toMatchObject({ name: 'InvalidArgument' });
    // The upload lives on after all that.
    await attempt([{ PartNumber: 1, ETag: one }]);
    expect((await bytesOf('bad')).toString()).toBe('small');
  });

  it('are completed twice with the same answer', async () => {
    const UploadId = await create('twice');
    const { ETag } = await uploadPart('twice', UploadId, 1, 'bytes');
    const first = await complete('twice', UploadId, [{ PartNumber: 1, ETag }]);
    const again = await complete('twice', UploadId, [{ PartNumber: 1, ETag }]);
    expect(again.ETag).toBe(first.ETag);
    await expect(complete('twice', 'unknown', [{ PartNumber: 1, ETag }])).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
  });

  it('are completed under a condition', async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'cond', Body: 'first' }));
    const UploadId = await create('cond');
    const { ETag } = await uploadPart('cond', UploadId, 1, 'second');
    const attempt = (more: object) => complete('cond', UploadId, [{ PartNumber: 1, ETag }], more);
    await expect(attempt({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(attempt({ IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect((await bytesOf('cond')).toString()).toBe('first');
    await attempt({ IfMatch: `"${md5(Buffer.from('first')).toString('hex')}"` });
    expect((await bytesOf('cond')).toString()).toBe('second');
  });

  it('copy parts from other objects', async () => {
    const source = randomBytes(6 * MIB);
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: source }));
    const UploadId = await create('assembled');
    const copy = (PartNumber: number, CopySourceRange: string) =>
      s3.client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key: 'assembled',
          UploadId,
          PartNumber,
          CopySource: `${Bucket}/source`,
          CopySourceRange,
        }),
      );
    const one = await copy(1, `bytes=1-${5 * MIB}`);
    const two = await copy(2, 'bytes=0-9');
    await complete('assembled', UploadId, [
      { PartNumber: 1, ETag: one.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: two.CopyPartResult?.ETag },
    ]);
    const expected = Buffer.concat([source.subarray(1, 5 * MIB + 1), source.subarray(0, 10)]);
    expect((await bytesOf('assembled')).equals(expected)).toBe(true);
  });

  it.each([
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'COMPOSITE'],
    ['CRC64NVME', 'FULL_OBJECT'],
    ['SHA256', 'COMPOSITE'],
  ] as const)('keep a %s checksum of type %s', async (ChecksumAlgorithm, ChecksumType) => {
    const key = `sum-${ChecksumAlgorithm}`;
    const parts = [randomBytes(5 * MIB), randomBytes(11)];
    const UploadId = await create(key, { ChecksumAlgorithm, ChecksumType });
    const done: CompletedPart[] = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      const answer = await s3.client.send(
        new UploadPartCommand({ Bucket, Key: key, UploadId, PartNumber, Body, ChecksumAlgorithm }),
      );
      const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA256 } = answer;
      done.push(
        Object.fromEntries(
          Object.entries({ PartNumber, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA256 }).filter(
            ([, value]) => value !== undefined,
          ),
        ),
      );
    }
    const answer: object = await complete(key, UploadId, done, { ChecksumType });
    expect(answer).toHaveProperty('ChecksumType', ChecksumType);
    const whole = await s3.client.send(new GetObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' }));
    // Reading it to the end lets the SDK prove a checksum of the full object.
    expect((await whole.Body?.transformToByteArray())?.length).toBe(5 * MIB + 11);
    expect(whole.ChecksumType).toBe(ChecksumType);
  });

  it("serve the SDK's own uploader", async () => {
    const body = randomBytes(12 * MIB);
    await new Upload({ client: s3.client, params: { Bucket, Key: 'uploader', Body: body }, partSize: 5 * MIB }).done();
    expect((await bytesOf('uploader')).equals(body)).toBe(true);
  });

  it('survive a restart in the middle', async () => {
    const UploadId = await create('restart');
    const { ETag } = await uploadPart('restart', UploadId, 1, 'kept');
    await s3.restart();
    await complete('restart', UploadId, [{ PartNumber: 1, ETag }]);
    expect((await bytesOf('restart')).toString()).toBe('kept');
  });
});
