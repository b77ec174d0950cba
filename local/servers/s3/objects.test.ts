import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
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

describe('objects', () => {
  it('come back as they were put, with headers, metadata and tags', async () => {
    const body = randomBytes(300_000);
    const answer = await put('a/b', body, {
      ContentType: 'application/vnd.ms-cab-compressed',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
      ContentEncoding: 'identity',
      ContentLanguage: 'en',
      Metadata: { sha1: 'abc', Note: 'two words' },
      Tagging: 'state=new&with%20space=%26',
    });
    expect(answer.ETag).toBe(`"${md5(body)}"`);
    const got = await get('a/b');
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect(got).toMatchObject({
      ContentType: 'application/vnd.ms-cab-compressed',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
      ContentEncoding: 'identity',
      ContentLanguage: 'en',
      ContentLength: body.length,
      Metadata: { sha1: 'abc', note: 'two words' },
      ETag: answer.ETag,
      TagCount: 2,
    });
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'a/b' }));
    expect(head).toMatchObject({ ContentLength: body.length, ETag: answer.ETag, Metadata: { sha1: 'abc' } });
    const tags = await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'a/b' }));
    expect(tags.TagSet).toEqual([
      { Key: 'state', Value: 'new' },
      { Key: 'with space', Value: '&' },
    ]);
  });

  it('change their tags without changing their bytes', async () => {
    await put('tagged', 'bytes');
    const Tagging = { TagSet: [{ Key: 'k', Value: 'v <&>' }] };
    await s3.client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging }));
    const tags = () => s3.client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }));
    expect((await tags()).TagSet).toEqual(Tagging.TagSet);
    await s3.client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tagged' }));
    expect((await tags()).TagSet).toEqual([]);
    expect(await text('tagged')).toBe('bytes');
    const eleven = Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
    const tooMany = s3.client.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet: eleven } }));
    await expect(tooMany).rejects.toMatchObject({ name: 'InvalidTag' });
  });

  it('may be empty, and may be replaced', async () => {
    await put('empty', '');
    expect(await text('empty')).toBe('');
    await put('empty', 'no more');
    expect(await text('empty')).toBe('no more');
  });

  it('are missing with the errors that the SDK knows', async () => {
    await expect(get('nowhere')).rejects.toBeInstanceOf(NoSuchKey);
    await expect(s3.client.send(new HeadObjectCommand({ Bucket, Key: 'nowhere' }))).rejects.toBeInstanceOf(NotFound);
    const elsewhere = s3.client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'k' }));
    await expect(elsewhere).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  it('are deleted, once or again', async () => {
    await put('gone');
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await expect(get('gone')).rejects.toBeInstanceOf(NoSuchKey);
  });

  it('are deleted by many, with an answer for each', async () => {
    const keys = ['many/<1>', 'many/&2', 'many/3'];
    for (const key of keys) await put(key);
    const answer = await s3.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    expect(answer.Deleted?.map((one) => one.Key)).toEqual(keys);
    for (const key of keys) await expect(get(key)).rejects.toBeInstanceOf(NoSuchKey);
  });

  it('have any key of up to 1,024 bytes', async () => {
    const odd = [
      'a//b',
      '/lead',
      'trail/',
      'a/../b',
      './.',
      ' a + b%2F?x=y#z ',
      'é'.repeat(512),
      'k'.repeat(1024),
      '\u0001\u{1f600}',
    ];
    for (const key of odd) {
      await put(key, `body of ${key}`);
      expect(await text(key), key).toBe(`body of ${key}`);
    }
    await expect(put('k'.repeat(1025))).rejects.toMatchObject({ name: 'KeyTooLongError' });
  });

  it('keep any bytes under any key', async () => {
    const keys = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 60 })
      .filter((key) => key !== '.' && key !== '..');
    await fc.assert(
      fc.asyncProperty(keys, fc.uint8Array({ maxLength: 2000 }), async (key, bytes) => {
        await put(key, bytes);
        const got = await get(key);
        expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('are put from a stream of known length', async () => {
    const body = randomBytes(3_000_000);
    await put('streamed', Readable.from([body.subarray(0, 1_000_001), body.subarray(1_000_001)]) as never, {
      ContentLength: body.length,
    });
    const got = await get('streamed');
    expect(md5((await got.Body?.transformToByteArray()) ?? '')).toBe(md5(body));
    // The transfer's encoding is not the object's.
    expect(got.ContentEncoding).toBeUndefined();
  });

  it('can be read while they are replaced', async () => {
    const old = randomBytes(8_000_000);
    await put('busy', old);
    const reading = await get('busy');
    await put('busy', 'new');
    expect(md5((await reading.Body?.transformToByteArray()) ?? '')).toBe(md5(old));
    expect(await text('busy')).toBe('new');
  });
});

describe('ranges', () => {
  beforeAll(() => put('ten', '0123456789'));

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=-20', '0123456789', 'bytes 0-9/10'],
    ['bytes=5-100', '56789', 'bytes 5-9/10'],
  ])('%s', async (Range, expected, ContentRange) => {
    const got = await get('ten', { Range });
    expect(got).toMatchObject({ ContentRange, ContentLength: expected.length, $metadata: { httpStatusCode: 206 } });
    expect(await got.Body?.transformToString()).toBe(expected);
  });

  it.each(['bytes=10-', 'bytes=-0'])('%s is refused with 416', async (Range) => {
    await expect(get('ten', { Range })).rejects.toMatchObject({
      name: 'InvalidRange',
      $metadata: { httpStatusCode: 416 },
    });
  });

  it.each(['bytes=3-1', 'bytes=0-1,4-5', 'lines=1-2'])('%s is answered with the whole', async (Range) => {
    const got = await get('ten', { Range });
    expect(got.$metadata.httpStatusCode).toBe(200);
    expect(await got.Body?.transformToString()).toBe('0123456789');
  });
});

describe('state', () => {
  it('is there after a restart', async () => {
    await put('durable', 'still here', { Metadata: { m: '1' } });
    await s3.restart();
    expect(await text('durable')).toBe('still here');
    expect((await get('durable')).Metadata).toEqual({ m: '1' });
  });
});
