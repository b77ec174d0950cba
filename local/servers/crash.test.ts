/** Servers that are killed in the middle of their work, as by a power cut for the process, and started again. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../types.ts';
import { startDynamoDb } from './dynamodb/server.ts';
import { startS3 } from './s3/server.ts';
import { startSqs } from './sqs/server.ts';

const region = 'eu-west-1';
const credentials = { accessKeyId: 'KEY', secretAccessKey: 'SECRET' };
let dataDir: string;
let child: ChildProcess | undefined;
let server: EmbeddedServer | undefined;
const clients: { destroy(): void }[] = [];

const options = () => ({
  dataDir,
  region,
  accountId: '111122223333',
  authorize: () => ({ allowed: true as const }),
  secretOf: (id: string) => (id === 'KEY' ? 'SECRET' : undefined),
});

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kbroker-crash-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await kill();
  await server?.close();
  server = undefined;
  await rm(dataDir, { recursive: true, force: true });
});

async function serve(service: 's3' | 'dynamodb' | 'sqs'): Promise<string> {
  const script = fileURLToPath(new URL('./testing/serve.ts', import.meta.url));
  child = spawn(process.execPath, [script, service, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no standard output');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return String(line);
}

async function kill(): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function config(endpoint: string) {
  return { endpoint, region, credentials, maxAttempts: 1 };
}
function client<C extends { destroy(): void }>(made: C): C {
  clients.push(made);
  return made;
}
/** A zombie has ended: nobody has asked for its exit status yet. */
const isAlive = (pid: number) => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

describe('a data folder', () => {
  it('belongs to one process, until that has ended in whatever way', async () => {
    await serve('s3');
    await expect(startS3(options())).rejects.toMatchObject({ name: 'ServersError', code: 'data-in-use' });
    await kill();
    server = await startS3(options());
  });
});

describe('S3', () => {
  const s3Of = (url: string) => client(new S3Client({ ...config(url), forcePathStyle: true }));

  it('keeps every object that it has acknowledged, whole, and nothing of the others', async () => {
    let s3 = s3Of(await serve('s3'));
    const Bucket = 'crash';
    await s3.send(new CreateBucketCommand({ Bucket }));
    const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'upload' }));
    const part = { Bucket, Key: 'upload', UploadId: upload.UploadId, PartNumber: 1 };
    const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: 'kept part' }));

    const acknowledged = new Map<string, Buffer>();
    let next = 0;
    const write = async () => {
      for (;;) {
        const Key = `k${next++}`;
        const Body = randomBytes(200_000);
        await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
        acknowledged.set(Key, Body);
      }
    };
    const writers = Promise.allSettled([write(), write(), write()]);
    await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(20);
    await kill();
    await writers;

    server = await startS3(options());
    s3 = s3Of(server.url);
    for (const [Key, bytes] of acknowledged) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes), Key).toBe(true);
    }
    // At most the three that were being written may be there as well: done, but their answers lost.
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.length).toBeLessThanOrEqual(acknowledged.size + 3);
    expect(Contents.every((one) => one.Size === 200_000)).toBe(true);
    await s3.send(
      new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }),
    );
    const completed = await s3.send(new GetObjectCommand({ Bucket, Key: 'upload' }));
    expect(await completed.Body?.transformToString()).toBe('kept part');
    const files = await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile())).toHaveLength(Contents.length + 1);
  });

  it('removes the bytes of a body that was being received', async () => {
    const url = await serve('s3');
    const s3 = s3Of(url);
    await s3.send(new CreateBucketCommand({ Bucket: 'crash' }));
    const request = httpRequest(`${url}/crash/half`, { method: 'PUT', headers: { 'content-length': 10_000_000 } });
    request.on('error', () => undefined);
    request.write(randomBytes(1_000_000));
    const blobs = async () => {
      const files = existsSync(join(dataDir, 'blobs'))
        ? await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true })
        : [];
      return files.filter((file) => file.isFile()).length;
    };
    await expect.poll(blobs).toBe(1);
    await kill();
    server = await startS3(options());
    expect(await blobs()).toBe(0);
  });
});

describe('DynamoDB', () => {
  const pidOf = async (): Promise<number> => JSON.parse(await readFile(join(dataDir, 'dynoxide.pid.json'), 'utf8')).pid;

  it('keeps what it has acknowledged; the orphaned program is found and ended before another starts', async () => {
    let db = client(new DynamoDBClient(config(await serve('dynamodb'))));
    await db.send(
      new CreateTableCommand({
        TableName: 'crash',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );
    const acknowledged: string[] = [];
    const write = async () => {
      for (let index = 0; ; index++) {
        await db.send(new PutItemCommand({ TableName: 'crash', Item: { pk: { S: `k${index}` } } }));
        acknowledged.push(`k${index}`);
      }
    };
    const writer = write().catch(() => undefined);
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(20);
    const orphan = await pidOf();
    await kill();
    await writer;
    expect(isAlive(orphan)).toBe(true);

    server = await startDynamoDb(options());
    expect(isAlive(orphan)).toBe(false);
    expect(await pidOf()).not.toBe(orphan);
    db = client(new DynamoDBClient(config(server.url)));
    const { Items = [] } = await db.send(new ScanCommand({ TableName: 'crash' }));
    expect(Items.map((item) => item.pk?.S)).toEqual(expect.arrayContaining(acknowledged));
  });

  it('leaves alone a process that merely has the number in the pid file', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
    const pid = stranger.pid ?? 0;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    for (const record of [{ pid, startTicks }, { pid, startTicks: '1' }, {}]) {
      await writeFile(join(dataDir, 'dynoxide.pid.json'), JSON.stringify(record));
      server = await startDynamoDb(options());
      expect(isAlive(pid)).toBe(true);
      await server.close();
      server = undefined;
    }
    const ended = once(stranger, 'exit');
    stranger.kill('SIGKILL');
    await ended;
  });

  it('says in its answers that the program has ended', async () => {
    server = await startDynamoDb(options());
    process.kill(await pidOf(), 'SIGKILL');
    const db = client(new DynamoDBClient(config(server.url)));
    const scan = async () => db.send(new ScanCommand({ TableName: 'x' })).catch((error: unknown) => String(error));
    await expect.poll(scan).toContain('dynoxide has ended (exit SIGKILL)');
  });
});

describe('SQS', () => {
  it('keeps every message that it has acknowledged', async () => {
    let sqs = client(new SQSClient(config(await serve('sqs'))));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'crash' }));
    const acknowledged: string[] = [];
    const write = async () => {
      for (let index = 0; ; index++) {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `m${index}` }));
        acknowledged.push(`m${index}`);
      }
    };
    const writer = write().catch(() => undefined);
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(20);
    await kill();
    await writer;

    server = await startSqs(options());
    sqs = client(new SQSClient(config(server.url)));
    const received: (string | undefined)[] = [];
    for (;;) {
      const url = `${server.url}/111122223333/crash`;
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
      if (Messages.length === 0) break;
      received.push(...Messages.map((message) => message.Body));
    }
    expect(received).toEqual(expect.arrayContaining(acknowledged));
    expect(received.length).toBeLessThanOrEqual(acknowledged.length + 1);
  });
});
