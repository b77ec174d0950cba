/**
 * One server in a process of its own, so that its time is not the measured one's: `node served.ts s3 FOLDER` or `node served.ts
 * origin BYTES`. Prints its address as a line of JSON, and lives until its input ends.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startS3 } from '#local/servers/s3/server.ts';
import { credentials, region } from './common.ts';

const [kind = '', argument = ''] = process.argv.slice(2);

async function serveS3(): Promise<string> {
  const server = await startS3({
    dataDir: argument,
    region,
    accountId: '111122223333',
    authorize: () => ({ allowed: true }),
    secretOf: (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : undefined),
  });
  return server.url;
}

const block = Buffer.alloc(256 * 1024);
function* zeros(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= block.byteLength) yield block.subarray(0, Math.min(left, block.byteLength));
}

/** A file of zeros under one strong tag, whole or in ranges. */
async function serveOrigin(): Promise<string> {
  const bytes = Number(argument);
  const server = createServer(async (request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const from = range === null ? 0 : Number(range[1]);
    const to = range === null ? bytes : Math.min(bytes, Number(range[2]) + 1);
    response.writeHead(range === null ? 200 : 206, {
      etag: '"zeros"',
      'content-length': to - from,
      ...(range !== null && { 'content-range': `bytes ${from}-${to - 1}/${bytes}` }),
    });
    // A client that goes away is no failure of the origin.
    await pipeline(Readable.from(zeros(to - from)), response).catch(() => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

console.log(JSON.stringify({ url: await (kind === 's3' ? serveS3() : serveOrigin()) }));
process.stdin.once('end', () => process.exit(0)).resume();
