import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { MultipartUpload, partBytes, uploadWhole } from './multipart-upload.ts';

let aws: AwsServers;
let bucket: string;
beforeAll(async () => {
  aws = await startAwsServers();
  bucket = await aws.createBucket();
});
afterAll(() => aws.close());

const target = (key: string) => ({ bucket, key, contentType: 'application/octet-stream', cacheControl: 'no-store' });

/** The same server, with a say over each command: its name is counted, and it may fail. */
function watched(fail: (name: string, count: number) => boolean = () => false) {
  const counts: Record<string, number> = {};
  const s3 = aws.newS3();
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const name = context.commandName ?? '';
      counts[name] = (counts[name] ?? 0) + 1;
      if (fail(name, counts[name])) throw new Error(`${name} fails`);
      return next(args);
    },
    { step: 'initialize' },
  );
  return { s3, counts };
}

describe('an upload', () => {
  it.each([
    [0, 0],
    [1, 0],
    [partBytes, 0],
    [partBytes + 1, 2],
    [3 * partBytes, 3],
  ])('of %i bytes is whole, in %i parts (0: one PutObject)', async (length, parts) => {
    const { s3, counts } = watched();
    const bytes = Buffer.alloc(
      length,
      Uint8Array.from({ length: 253 }, (_, n) => n),
    );
    const upload = new MultipartUpload(s3, target(`of-${length}`));
    for (let start = 0; start < length; start += 3_000_000)
      await upload.write(bytes.subarray(start, start + 3_000_000));
    await upload.complete();
    expect(counts.UploadPartCommand ?? 0).toBe(parts);
    expect(counts.PutObjectCommand ?? 0).toBe(parts === 0 ? 1 : 0);
    const got = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key: `of-${length}` }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    expect(got.CacheControl).toBe('no-store');
  });

  it('takes one write larger than many parts', async () => {
    const upload = new MultipartUpload(aws.s3, target('one-write'));
    const bytes = Buffer.alloc(2 * partBytes + 17, 3);
    await upload.write(bytes);
    await upload.complete();
    const got = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'one-write' }));
    expect((await got.Body?.transformToByteArray())?.byteLength).toBe(bytes.byteLength);
  });

  it('tells the failure of a part to the next call, and can be aborted', async () => {
    const { s3 } = watched((name, count) => name === 'UploadPartCommand' && count === 2);
    const upload = new MultipartUpload(s3, target('failing-part'));
    const writing = async (): Promise<void> => {
      for (let part = 0; part < 5; part += 1) await upload.write(Buffer.alloc(partBytes));
      await upload.complete();
    };
    await expect(writing()).rejects.toThrow('UploadPartCommand fails');
    await expect(upload.write(Buffer.alloc(1))).rejects.toThrow('UploadPartCommand fails');
    expect(await aws.openUploads(bucket)).toEqual(['failing-part']);
    await upload.abort();
    expect(await aws.openUploads(bucket)).toEqual([]);
  });

  it('sends at most one part while the next one fills', async () => {
    let inFlight = 0;
    let most = 0;
    const s3 = aws.newS3();
    s3.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== 'UploadPartCommand') return next(args);
        inFlight += 1;
        most = Math.max(most, inFlight);
        try {
          return await next(args);
        } finally {
          inFlight -= 1;
        }
      },
      { step: 'initialize' },
    );
    const upload = new MultipartUpload(s3, target('in-order'));
    for (let part = 0; part < 4; part += 1) await upload.write(Buffer.alloc(partBytes));
    await upload.complete();
    expect(most).toBe(1);
  });

  it('is used no more after its end', async () => {
    const upload = new MultipartUpload(aws.s3, target('ended'));
    await upload.complete();
    await expect(upload.write(Buffer.alloc(1))).rejects.toThrow('completed');
    await expect(upload.complete()).rejects.toThrow('completed');
  });

  it('that fails is aborted, and a failing abort does not hide why', async () => {
    const { s3 } = watched((name) => name === 'AbortMultipartUploadCommand');
    const upload = new MultipartUpload(s3, target('failing-abort'));
    const failing = uploadWhole(upload, async () => {
      await upload.write(Buffer.alloc(partBytes + 1));
      throw new Error('the reason');
    });
    await expect(failing).rejects.toThrow('the reason');
  });
});
