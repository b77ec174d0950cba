import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateBucketCommand, DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { presign } from '#local/servers/s3/testing/wire.ts';
import { catalogBinding } from '#shared/stores/catalog/binding.ts';
import { payloadsBinding } from '#shared/stores/payloads/binding.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { requestsBinding } from '#shared/stores/requests/binding.ts';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { type Bench, type BenchContext, type BenchRow, UsageError } from '../kit/bench.ts';
import { measureProcess, median, type ProcessCost } from '../kit/measure.ts';
import { measureAgentPath } from './agent-path.ts';
import { credentials, region, type WorkerTask } from './common.ts';

const mebibyte = 1024 * 1024;
const here = (name: string): string => join(import.meta.dirname, name);

interface Options {
  readonly bytes: number;
  readonly rounds: number;
}

function readOptions(args: readonly string[]): Options {
  const options = { mib: 1024, rounds: 3 };
  for (let at = 0; at < args.length; at += 2) {
    const [name = '', value = ''] = args.slice(at, at + 2);
    const number = Number(value);
    if ((name !== '--mib' && name !== '--rounds') || !Number.isInteger(number) || number < 1)
      throw new UsageError(`got ${name} ${value}; allowed are --mib N and --rounds N`);
    options[name === '--mib' ? 'mib' : 'rounds'] = number;
  }
  return { bytes: options.mib * mebibyte, rounds: options.rounds };
}

/** A server in a process of its own. */
async function served(started: AsyncDisposableStack, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [here('served.ts'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.defer(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  });
  for await (const line of createInterface(child.stdout)) return (JSON.parse(line) as { url: string }).url;
  throw new Error(`${args[0]} said no address`);
}

/** Tables, the file's facts, and a request of it for each round. */
async function prepare(
  aws: AwsServers,
  bytes: number,
): Promise<Omit<WorkerTask, 's3' | 'origin' | 'bucket'> & { readonly sha256: string }> {
  const digests = ['sha1', 'sha256'].map((name) => createHash(name));
  const block = Buffer.alloc(mebibyte);
  for (let left = bytes; left > 0; left -= mebibyte) for (const digest of digests) digest.update(block);
  const [sha1 = '', sha256 = ''] = digests.map((digest) => digest.digest('hex'));
  const tables = {
    payloads: await aws.createTable(payloadsBinding),
    requests: await aws.createTable(requestsBinding),
    catalog: await aws.createTable(catalogBinding),
  };
  const facts = { version: 1, sha1, sha256, size: bytes, url: 'http://download.windowsupdate.com/zeros' };
  const { partitionKey } = catalogBinding.table;
  await aws.dynamodb.send(
    new PutCommand({ TableName: tables.catalog, Item: { ...facts, [partitionKey]: `file#${sha1}` } }),
  );
  const endpoint = await aws.dynamodb.config.endpoint?.();
  if (endpoint === undefined) throw new Error('the client of DynamoDB has no endpoint');
  const { accessKeyId, secretAccessKey } = await aws.dynamodb.config.credentials();
  return {
    dynamodb: `${endpoint.protocol}//${endpoint.hostname}:${endpoint.port}`,
    dynamodbCredentials: { accessKeyId, secretAccessKey },
    tables,
    sha1,
    sha256,
  };
}

/** `curl` of the same file from the same origin into the same store, through an address that is signed for it. */
async function curl(task: WorkerTask, bytes: number): Promise<ProcessCost> {
  const url = await presign(task.s3, `/${task.bucket}/curl`, { method: 'PUT', expiresIn: 900 });
  const put = `curl -sS --fail-with-body -X PUT -H 'Content-Length: ${bytes}' -H 'Transfer-Encoding:' -H 'Expect:' -T - '${url}'`;
  return measureProcess('bash', ['-o', 'pipefail', '-c', `curl -sSf ${task.origin}/zeros | ${put}`]);
}

async function run({ args, progress }: BenchContext): Promise<readonly BenchRow[]> {
  const { bytes, rounds } = readOptions(args);
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-bench-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const aws = await startAwsServers();
  started.defer(() => aws.close());
  const bucket = 'bench';
  const { sha256, ...prepared } = await prepare(aws, bytes);
  const s3Url = await served(started, 's3', folder);
  const task: WorkerTask = { ...prepared, s3: s3Url, bucket, origin: await served(started, 'origin', String(bytes)) };
  const s3 = new S3Client({
    endpoint: s3Url,
    region,
    credentials,
    forcePathStyle: true,
    // What is signed for curl must not ask it for a checksum.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  started.defer(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const requests = awsRequestStore({ dynamodb: aws.dynamodb, table: task.tables.requests, sleep: async () => {} });

  const ours: ProcessCost[] = [];
  const theirs: ProcessCost[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}: curl`);
    theirs.push(await curl(task, bytes));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'curl' }));
    progress(`round ${round} of ${rounds}: the worker`);
    await requests.open({ sha1: task.sha1, requestedBy: 'bench', requestedAt: new Date().toISOString() });
    // Each round writes its record into a table of its own.
    const tables = { ...task.tables, payloads: await aws.createTable(payloadsBinding) };
    ours.push(await measureProcess(process.execPath, [here('worker.ts'), JSON.stringify({ ...task, tables })]));
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: `payloads/sha256/${sha256}` }));
  }
  const rate = (costs: readonly ProcessCost[]): number => bytes / 1e6 / median(costs.map((cost) => cost.wallSeconds));
  const peak = Math.max(...ours.map(({ peakRssBytes }) => peakRssBytes)) / 1e6;
  return [
    { name: 'curl into the store', value: rate(theirs), unit: 'MB/s' },
    { name: 'worker into the store', value: rate(ours), unit: 'MB/s' },
    { name: 'worker, of curl', value: rate(ours) / rate(theirs), unit: 'ratio', goal: { atLeast: 0.6 } },
    { name: 'worker, peak memory', value: peak, unit: 'MB', goal: { atMost: 512 } },
    ...(await measureAgentPath({ bytes: Math.min(bytes, 512 * mebibyte), runs: rounds, progress })),
  ];
}

/** Bytes per second from the origin into the store: the worker with all that it proves, against `curl`. */
export const downloadBench: Bench = {
  name: 'download',
  summary: 'fetching a large file into the store, and from there to a host, against curl',
  options: ['--mib N      size of the file (default: 1024)', '--rounds N   runs of each, in turns (default: 3)'],
  run,
};
