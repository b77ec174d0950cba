/** A gibibyte goes in by multipart and out again while the server's memory stays bounded. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** A Node process with this server takes about 90 MiB when it does nothing. */
const MOST_RESIDENT_BYTES = 320 * MIB;
const Bucket = 'gibibytes';

let dataDir: string;
let child: ReturnType<typeof spawn>;
let s3: S3Client;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-s3-memory-'));
  const script = fileURLToPath(new URL('../testing/serve.ts', import.meta.url));
  child = spawn(process.execPath, [script, 's3', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no standard output');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  s3 = new S3Client({
    endpoint: String(line),
    region: 'eu-west-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'KEY', secretAccessKey: 'SECRET' },
  });
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  s3.destroy();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  await rm(dataDir, { recursive: true, force: true });
});

/** Peak of the resident memory in bytes, as the kernel counts it (proc_pid_status(5)). */
async function peakResidentBytes(): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** The same bytes for the same length, not all alike. */
function* content(bytes: number): Generator<Buffer> {
  for (let offset = 0; offset < bytes; offset += MIB) {
    const block = Buffer.alloc(Math.min(MIB, bytes - offset), (offset / MIB) % 251);
    block.writeUInt32BE(offset / MIB, 0);
    yield block;
  }
}
function digestOf(bytes: number): string {
  const hash = createHash('sha256');
  for (const block of content(bytes)) hash.update(block);
  return hash.digest('hex');
}
async function digestStored(Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  const hash = createHash('sha256');
  for await (const chunk of Body as Readable) hash.update(chunk);
  return hash.digest('hex');
}

describe('a gibibyte', () => {
  it('by multipart, read back and copied', async () => {
    const Body = Readable.from(content(GIB), { objectMode: false });
    await new Upload({ client: s3, params: { Bucket, Key: 'parts', Body }, partSize: 16 * MIB, queueSize: 3 }).done();
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'parts' }));
    expect(head).toMatchObject({ ContentLength: GIB, ETag: expect.stringMatching(/-64"$/) });
    const expected = digestOf(GIB);
    expect(await digestStored('parts')).toBe(expected);
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/parts` }));
    expect(await digestStored('copy')).toBe(expected);
    expect(await peakResidentBytes()).toBeLessThan(MOST_RESIDENT_BYTES);
  }, 300_000);

  it('by one PUT', async () => {
    const Body = Readable.from(content(GIB), { objectMode: false });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'single', Body, ContentLength: GIB }));
    expect(await digestStored('single')).toBe(digestOf(GIB));
    expect(await peakResidentBytes()).toBeLessThan(MOST_RESIDENT_BYTES);
  }, 300_000);
});
