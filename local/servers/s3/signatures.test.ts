import { request as httpRequest } from 'node:http';
import { crc32 } from 'node:zlib';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';
import { presign, send, signedChunks, signedHeaders } from './testing/wire.ts';

let s3: TestS3;
const Bucket = 'signed';

beforeAll(async () => {
  s3 = await startTestS3();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'content' }));
});
afterAll(() => s3.stop());

async function text(Key: string): Promise<string | undefined> {
  return (await s3.client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
}
const crc32Base64 = (data: string) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(data));
  return bytes.toString('base64');
};

describe('signatures in headers', () => {
  it('of an unknown key, a wrong secret or another region are refused by name', async () => {
    const get = (client: TestS3['client']) => client.send(new GetObjectCommand({ Bucket, Key: 'object' }));
    await expect(get(s3.clientOf('NOBODY'))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
    const wrong = s3.clientOf('ADMIN', { credentials: { accessKeyId: 'ADMIN', secretAccessKey: 'guess' } });
    await expect(get(wrong)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    const elsewhere = s3.clientOf('ADMIN', { region: 'us-east-1' });
    await expect(get(elsewhere)).rejects.toMatchObject({ name: 'AuthorizationHeaderMalformed' });
    const late = s3.clientOf('ADMIN', { systemClockOffset: -6 * 60_000 });
    await expect(get(late)).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' });
  });

  it('cover the body', async () => {
    const path = `/${Bucket}/body`;
    const { createHash } = await import('node:crypto');
    const headers = await signedHeaders(s3.server.url, path, createHash('sha256').update('right').digest('hex'));
    expect(await send(s3.server.url, path, 'PUT', headers, 'wrong')).toMatchObject({
      status: 400,
      body: expect.stringContaining('<Code>XAmzContentSHA256Mismatch</Code>'),
    });
    expect((await send(s3.server.url, path, 'PUT', headers, 'right')).status).toBe(200);
  });
});

describe('presigned addresses', () => {
  it('read and write until they expire', async () => {
    const get = await fetch(await presign(s3.server.url, `/${Bucket}/object`));
    expect([get.status, await get.text()]).toEqual([200, 'content']);
    const put = await fetch(await presign(s3.server.url, `/${Bucket}/put`, { method: 'PUT' }), {
      method: 'PUT',
      body: 'by address',
    });
    expect(put.status).toBe(200);
    expect(await text('put')).toBe('by address');
    const signingDate = new Date(Date.now() - 61_000);
    const late = await fetch(await presign(s3.server.url, `/${Bucket}/object`, { signingDate, expiresIn: 60 }));
    expect(late.status).toBe(403);
    expect(await late.text()).toContain('<Message>Request has expired</Message>');
  });

  it('may set headers of the answer, and ranges work', async () => {
    const query = {
      'response-content-type': 'text/x-asked',
      'response-content-disposition': 'attachment; filename="a b"',
    };
    const address = await presign(s3.server.url, `/${Bucket}/object`, { query });
    const answer = await fetch(address, { headers: { range: 'bytes=0-2' } });
    expect([answer.status, await answer.text()]).toEqual([206, 'con']);
    expect(answer.headers.get('content-type')).toBe('text/x-asked');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="a b"');
  });

  it.each<[string, (address: string) => string]>([
    ['key', (address) => address.replace('/object', '/put')],
    ['time', (address) => address.replace('X-Amz-Expires=60', 'X-Amz-Expires=600')],
    ['query', (address) => `${address}&response-content-type=text/html`],
    [
      'signature',
      (address) =>
        address.replace(/X-Amz-Signature=./, (start) => `${start.slice(0, -1)}${start.endsWith('0') ? '1' : '0'}`),
    ],
  ])('with a changed %s are refused', async (_what, change) => {
    const answer = await fetch(change(await presign(s3.server.url, `/${Bucket}/object`)));
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('<Code>SignatureDoesNotMatch</Code>');
  });

  it('of the old signature version 2 are refused by name', async () => {
    const answer = await fetch(`${s3.server.url}/${Bucket}/object?AWSAccessKeyId=ADMIN&Signature=x&Expires=1`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('Please use AWS4-HMAC-SHA256.');
  });

  it('do not become a write', async () => {
    const answer = await fetch(await presign(s3.server.url, `/${Bucket}/object`), { method: 'PUT', body: 'x' });
    expect(answer.status).toBe(403);
    expect(await text('object')).toBe('content');
  });
});

describe('aws-chunked bodies', () => {
  const chunks = ['first chunk, ', 'second chunk'];
  const length = String(chunks.join('').length);
  const put = async (
    path: string,
    mode: string,
    body: (headers: Record<string, string>) => string,
    more: Record<string, string> = {},
  ) => {
    const headers = await signedHeaders(s3.server.url, path, mode, {
      'content-encoding': 'aws-chunked,gzip',
      'x-amz-decoded-content-length': length,
      ...more,
    });
    return send(s3.server.url, path, 'PUT', headers, body(headers));
  };

  it('are read when each chunk is signed', async () => {
    const answer = await put(`/${Bucket}/chunked`, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', (headers) =>
      signedChunks(headers, chunks),
    );
    expect(answer.status).toBe(200);
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'chunked' }));
    expect(got.ContentEncoding).toBe('gzip');
    expect(await got.Body?.transformToString()).toBe(chunks.join(''));
  });

  it('are refused when a chunk was changed, dropped or cut', async () => {
    const mode = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const path = `/${Bucket}/tampered`;
    const changed = await put(path, mode, (headers) => signedChunks(headers, chunks).replace('second', 'sEcond'));
    expect(changed).toMatchObject({ status: 403, body: expect.stringContaining('SignatureDoesNotMatch') });
    const dropped = await put(path, mode, (headers) => signedChunks(headers, chunks.slice(0, 1)));
    expect(dropped).toMatchObject({ status: 400, body: expect.stringContaining('IncompleteBody') });
    const cut = await put(path, mode, (headers) => signedChunks(headers, chunks).slice(0, 150));
    expect(cut).toMatchObject({ status: 400, body: expect.stringContaining('IncompleteBody') });
    await expect(text('tampered')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('that are large and refused early are answered all the same', async () => {
    const path = `/${Bucket}/large`;
    const large = Array.from({ length: 80 }, () => 'x'.repeat(100_000));
    const headers = await signedHeaders(s3.server.url, path, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', {
      'x-amz-decoded-content-length': '8000000',
    });
    const body = signedChunks(headers, large).replace('xx', 'yy');
    const answer = await send(s3.server.url, path, 'PUT', headers, body);
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('SignatureDoesNotMatch') });
    const longer = await send(s3.server.url, path, 'PUT', { ...headers, 'x-amz-decoded-content-length': '7' }, body);
    expect(longer.status).toBe(403);
    const plain = await signedHeaders(s3.server.url, path, 'UNSIGNED-PAYLOAD', { 'content-md5': 'wrong' });
    const md5 = await send(
      s3.server.url,
      path,
      'PUT',
      { ...plain, 'content-length': '8000000' },
      'x'.repeat(8_000_000),
    );
    expect(md5).toMatchObject({ status: 400, body: expect.stringContaining('InvalidDigest') });
  }, 10_000);

  it('end in signed trailers with a checksum', async () => {
    const mode = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
    const path = `/${Bucket}/trailer`;
    const more = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
    const attempt = (sum: string, change = (body: string) => body) =>
      put(path, mode, (headers) => change(signedChunks(headers, chunks, { 'x-amz-checksum-crc32': sum })), more);
    const right = crc32Base64(chunks.join(''));
    expect(await attempt(crc32Base64('other'))).toMatchObject({
      status: 400,
      body: expect.stringContaining('BadDigest'),
    });
    const forged = await attempt(crc32Base64('other'), (body) => body.replace(crc32Base64('other'), right));
    expect(forged).toMatchObject({ status: 403, body: expect.stringContaining('SignatureDoesNotMatch') });
    const answer = await attempt(right);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-amz-checksum-crc32': right } });
    expect(await text('trailer')).toBe(chunks.join(''));
  });

  it('may be unsigned, with a checksum as trailer', async () => {
    const mode = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
    const path = `/${Bucket}/unsigned`;
    const more = { 'x-amz-trailer': 'x-amz-checksum-crc32' };
    const plain = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
    const attempt = (end: string) => put(path, mode, () => `${plain}0\r\n${end}\r\n`, more);
    const trailer = (data: string) => `x-amz-checksum-crc32:${crc32Base64(data)}\r\n`;
    expect(await attempt(trailer('other'))).toMatchObject({ status: 400, body: expect.stringContaining('BadDigest') });
    expect(await attempt('')).toMatchObject({ status: 400, body: expect.stringContaining('MalformedTrailerError') });
    expect((await attempt(trailer(chunks.join('')))).status).toBe(200);
    expect(await text('unsigned')).toBe(chunks.join(''));
  });

  it('need their decoded length', async () => {
    const path = `/${Bucket}/length`;
    const headers = await signedHeaders(s3.server.url, path, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    const answer = await send(s3.server.url, path, 'PUT', headers, '0\r\n\r\n');
    expect(answer).toMatchObject({ status: 411, body: expect.stringContaining('MissingContentLength') });
  });
});

describe('a client that asks before it sends', () => {
  it('is refused before it has sent its body', async () => {
    const path = `/${Bucket}/expect`;
    const headers = await signedHeaders(s3.server.url, path, 'UNSIGNED-PAYLOAD', { 'if-match': '"other"' });
    const result = await new Promise<{ status: number; asked: boolean }>((resolve, reject) => {
      let asked = false;
      const request = httpRequest(`${s3.server.url}${path}`, {
        method: 'PUT',
        headers: { ...headers, expect: '100-continue', 'content-length': 5_000_000 },
      });
      request.on('continue', () => {
        asked = true;
      });
      request.on('response', (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, asked });
        request.destroy();
      });
      request.on('error', reject);
      request.flushHeaders();
    });
    expect(result).toEqual({ status: 404, asked: false });
  });

  it('leaves nothing behind when it goes away in the middle', async () => {
    const path = `/${Bucket}/cut`;
    const headers = await signedHeaders(s3.server.url, path, 'UNSIGNED-PAYLOAD');
    const request = httpRequest(`${s3.server.url}${path}`, {
      method: 'PUT',
      headers: { ...headers, 'content-length': 1000 },
    });
    request.on('error', () => undefined);
    request.write('only the beginning', () => request.destroy());
    await new Promise((resolve) => request.once('close', resolve));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expect(text('cut')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await s3.restart();
    const { readdir } = await import('node:fs/promises');
    const blobs = await readdir(`${s3.dataDir}/blobs`, { recursive: true, withFileTypes: true });
    const listed = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'object' }));
    expect(listed.ContentLength).toBe(7);
    // One blob for each object that was written and not refused: object, body, put, chunked, trailer, unsigned.
    expect(blobs.filter((entry) => entry.isFile())).toHaveLength(6);
  });
});
