import { createHash, randomUUID } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { SyncPorts } from '#functions/sync-index/ports.ts';
import { syncIndex } from '#functions/sync-index/sync-index.ts';
import { parseRoots } from '#shared/authenticode/index.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsIndexStore } from '#shared/stores/catalog/aws-index.ts';
import { awsSyncJournal } from '#shared/stores/catalog/aws-journal.ts';
import { catalogBinding } from '#shared/stores/catalog/binding.ts';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { type Bench, type BenchContext, type BenchRow, UsageError } from '../kit/bench.ts';
import { makePublications } from './inputs.ts';
import { Meter, type Usage } from './meter.ts';

/** Takes about two minutes on two cores, most of it for inventing the indexes the first time. */
const defaultScale = 1 / 16;
/** Rows of the journal and the like, which a publication writes whatever is in it. */
const fixedRows = 20;

export const publishBench: Bench = {
  name: 'publish',
  summary: 'operations and price of a first, an unchanged and the next publication',
  options: ['--scale S   share of a full-size index, such as 1/8 or 1 (default 1/16)'],
  run,
};

async function run(context: BenchContext): Promise<readonly BenchRow[]> {
  const { progress } = context;
  const publications = await makePublications(context.cacheFolder, scaleOf(context.args), progress);
  await using stack = new AsyncDisposableStack();
  const aws = await startAwsServers(await inMemory());
  stack.defer(() => aws.close());
  const [table, bucket] = [await aws.createTable(catalogBinding), await aws.createBucket()];
  const meter = new Meter(aws.dynamodb, aws.s3);
  const catalog = awsCatalogStore({ ...aws, table, bucket, sleep });
  const origin = new FileOrigin();
  const ports: SyncPorts = {
    upstream: origin,
    index: awsIndexStore(aws.s3, bucket),
    catalog,
    journal: awsSyncJournal(aws.dynamodb, table),
    events: { publish: async () => {} },
    publisher: { send: async () => {} },
    goOn: () => Promise.reject(new Error('one invocation has all the time of the world here')),
    indexUrl: 'http://download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab',
    trust: { roots: parseRoots(publications.rootPem), allowSha1: false },
    maxShrinkPercent: 20,
    now: () => new Date(),
    sleep,
    newCopyId: randomUUID,
  };
  const rows: BenchRow[] = [];
  /** One run of the synchronisation, and what it used. */
  const sync = async (name: string, outcome: string) => {
    progress(name);
    meter.read();
    const started = performance.now();
    const invocation = { deadlineAt: new Date(Date.now() + 24 * 3600_000), signal: new AbortController().signal };
    const { result } = await syncIndex(ports, {}, invocation);
    if (result.outcome !== outcome) throw new Error(`${name}: ${JSON.stringify(result)} instead of ${outcome}`);
    return { usage: meter.read(), seconds: (performance.now() - started) / 1000 };
  };

  await origin.offer(publications.first);
  const first = await sync('first publication', 'published');
  rows.push(...rowsOf('first', first));
  const before = await contents(aws, table);
  rows.push({ name: 'first: rows that are there', value: before.size, unit: 'rows' });

  const unchanged = await sync('unchanged publication', 'unchanged');
  rows.push(...rowsOf('unchanged', unchanged));
  rows.push({
    name: 'unchanged: writes of any kind',
    value: unchanged.usage.rowsWritten + unchanged.usage.s3Writes,
    unit: 'operations',
    goal: { atMost: 0 },
  });

  await origin.offer(publications.next);
  const next = await sync('next publication', 'published');
  const after = await contents(aws, table);
  const news = [...after].filter(([key, digest]) => before.get(key) !== digest).length;
  rows.push(...rowsOf('next', next, { atMost: Math.floor(1.05 * news) + fixedRows }));
  rows.push(
    { name: 'next: rows whose facts differ', value: news, unit: 'rows' },
    { name: 'next: share of the rows that is written', value: next.usage.rowsWritten / after.size, unit: 'ratio' },
  );

  progress('compare with the table, as after a run that died');
  const current = await ports.index.current();
  const snapshot = current && (await catalog.getSnapshot(current.pointer.sha256));
  if (snapshot === undefined) throw new Error('there is no snapshot of what was published');
  meter.read();
  const started = performance.now();
  await catalog.putFacts(snapshot, { previous: snapshot, at: new Date().toISOString(), compareWithTable: true });
  const compared = { usage: meter.read(), seconds: (performance.now() - started) / 1000 };
  rows.push(...rowsOf('compared with the table', compared, { atMost: 0 }));
  return rows;
}

/**
 * Linux keeps this folder in memory. What is counted is the same on a disk, but the embedded DynamoDB waits for the disk
 * after each row, which no table of AWS does.
 */
async function inMemory(): Promise<string | undefined> {
  const folder = '/dev/shm';
  const found = await stat(folder).catch(() => undefined);
  return found?.isDirectory() === true ? folder : undefined;
}

const sleep = async (milliseconds: number): Promise<void> => {
  await wait(milliseconds);
};

/** @param goal of the rows that are written, those of the journal among them */
function rowsOf(
  name: string,
  { usage, seconds }: { readonly usage: Usage; readonly seconds: number },
  goal?: { readonly atMost: number },
): BenchRow[] {
  return [
    ...[...usage.calls].map(([call, value]) => ({ name: `${name}: ${call}`, value, unit: 'operations' })),
    { name: `${name}: rows written`, value: usage.rowsWritten, unit: 'rows', ...(goal !== undefined && { goal }) },
    { name: `${name}: write request units`, value: usage.writeUnits, unit: 'WRU' },
    { name: `${name}: read request units`, value: usage.readUnits, unit: 'RRU' },
    { name: `${name}: price`, value: usage.usd, unit: 'USD' },
    { name: `${name}: time`, value: seconds, unit: 's' },
  ];
}

/** @throws UsageError that says what is allowed */
function scaleOf(args: readonly string[]): number {
  if (args.length === 0) return defaultScale;
  const [flag, text = '', ...others] = args;
  const [, numerator = '', divisor = '1'] = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text) ?? [];
  const scale = numerator === '' ? Number.NaN : Number(numerator) / Number(divisor);
  if (flag !== '--scale' || others.length > 0 || !(scale > 0 && scale <= 1))
    throw new UsageError(`got ${args.join(' ')}, allowed is --scale S with S above 0 and up to 1, such as 1/8`);
  return scale;
}

/** A digest of each row of facts, by key. Its own reads are not part of what is measured. */
async function contents({ dynamodb }: AwsServers, table: string): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  let start: Record<string, unknown> | undefined;
  do {
    const answer = await dynamodb.send(
      new ScanCommand({ TableName: table, ...(start !== undefined && { ExclusiveStartKey: start }) }),
    );
    for (const item of answer.Items ?? []) {
      const key = String(item.pk);
      if (!/^(file|update|kb)#/.test(key)) continue;
      rows.set(key, createHash('sha1').update(canonical(item)).digest('base64'));
    }
    start = answer.LastEvaluatedKey;
  } while (start !== undefined);
  return rows;
}

/** JSON with the fields of every object in one order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

/** Microsoft's side of the port: one file on the disk, served in pieces under its name as the entity tag. */
class FileOrigin {
  #file = '';
  #length = 0;

  async offer(file: string): Promise<void> {
    this.#file = file;
    this.#length = (await stat(file)).size;
  }

  async getIndex(
    address: string,
    known: { readonly etag?: string | undefined },
    { firstBytes }: { readonly firstBytes: number },
  ) {
    const etag = `"${this.#file}"`;
    const length = this.#length;
    if (known.etag === etag) return { kind: 'unchanged' } as const;
    const first = () => this.getRange(address, { from: 0, to: Math.min(firstBytes, length) });
    return { kind: 'ranged', validators: { etag }, length, first, cancel: () => {} } as const;
  }

  async getRange(_address: string, { from, to }: { readonly from: number; readonly to: number }): Promise<Uint8Array> {
    await using file = await open(this.#file);
    const bytes = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, from);
    if (bytesRead !== bytes.byteLength) throw new Error(`${this.#file} ends at byte ${from + bytesRead}`);
    return bytes;
  }
}
