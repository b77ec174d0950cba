import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { createOperatorClient } from '#cli/client.ts';
import { synthesize } from '#local/demo/synthesize.ts';
import { logIn } from '#local/identity/login.ts';
import { localRepositoryKey } from '#local/repository-key.ts';
import { startStack } from '#local/stack.ts';
import type { LocalStack } from '#local/types.ts';
import { startFakeMicrosoft } from '#local/upstream/server.ts';
import { hostItems } from '#shared/contract/host-records.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { hostsBinding } from '#shared/stores/hosts/binding.ts';
import { type Bench, type BenchContext, type BenchRow, UsageError } from '../kit/bench.ts';
import {
  enrolOne,
  type LoadHost,
  sendNewWhole,
  sendNothing,
  sendSmallChange,
  sendUnchanged,
  sendWhole,
} from './fleet.ts';
import { Ledger, readsOf, type Used, writesOf } from './ledger.ts';
import { changedReportsPerMonth, type ItemSizes, quietRoundsPerMonth, usdPerRequest } from './price.ts';

export const reportsBench: Bench = {
  name: 'reports',
  summary: "reports of hosts on the embedded stack: rate, operations, price, and growth with the fleet's size",
  options: ['--hosts N   the large fleet (default 10000; the small one has 100)'],
  run,
};

const smallFleet = 100;
/** Requests of each kind that are timed, at each size of the fleet. */
const sample = 600;
/** As many at a time: more than there are processes of the function, so that none waits for us. */
const parallel = 8;

type Send = (host: LoadHost) => Promise<void>;

async function run(context: BenchContext): Promise<readonly BenchRow[]> {
  const large = hostsOf(context.args);
  await using cleanup = new AsyncDisposableStack();
  const ledger = new Ledger();
  const { stack, token } = await start(context, ledger, cleanup);
  const apiUrl = stack.outputs.ApiUrl ?? '';
  const fleet: LoadHost[] = [];
  const rows: BenchRow[] = [];

  const growTo = async (size: number): Promise<void> => {
    context.progress(`enrolling up to ${size} hosts, each with its first report`);
    const numbers = Array.from({ length: size - fleet.length }, (_, index) => fleet.length + index);
    await inParallel(numbers, async (number) => {
      const one = await enrolOne(apiUrl, token, number);
      await sendWhole(one);
      fleet.push(one);
      if (fleet.length % 1000 === 0) context.progress(`${fleet.length} hosts`);
    });
  };
  /** Hosts from all over the fleet, each at most once. */
  const some = (): readonly LoadHost[] => {
    const step = Math.max(1, fleet.length / sample);
    return Array.from({ length: Math.min(sample, fleet.length) }, (_, index) => fleet[Math.floor(index * step)]).filter(
      (one) => one !== undefined,
    );
  };
  const measure = async (name: string, send: Send) => {
    const hosts = some();
    // A first few warm up processes and caches.
    await inParallel(hosts.slice(0, 20), send);
    ledger.read();
    const begun = performance.now();
    await inParallel(hosts, send);
    const seconds = (performance.now() - begun) / 1000;
    const used = ledger.read();
    context.progress(`${name}: ${(hosts.length / seconds).toFixed(0)} per second with ${fleet.length} hosts`);
    return { used, requests: hosts.length, perSecond: hosts.length / seconds };
  };
  const measureAll = async () => ({
    nothing: await measure('refused', sendNothing),
    unchanged: await measure('unchanged', sendUnchanged),
    change: await measure('small change', sendSmallChange),
    whole: await measure('whole', sendNewWhole),
  });

  await growTo(smallFleet);
  const few = await measureAll();
  await growTo(large);
  const many = await measureAll();
  const sizes = await itemSizes(stack, fleet[0]?.host.machineId ?? '');

  const kinds = { unchanged: many.unchanged, 'small change': many.change, whole: many.whole };
  rows.push({ name: 'limit: requests refused before anything is read', value: many.nothing.perSecond, unit: '/s' });
  for (const [name, { used, requests, perSecond }] of Object.entries(kinds)) {
    rows.push(
      { name: `${name}: rate`, value: perSecond, unit: '/s' },
      { name: `${name}: share of the limit`, value: perSecond / many.nothing.perSecond, unit: 'ratio' },
      ...operationRows(name, used, requests),
    );
  }
  const growth = (before: { perSecond: number }, after: { perSecond: number }): number =>
    // What the machine itself does meanwhile touches the refused requests alike.
    before.perSecond / few.nothing.perSecond / (after.perSecond / many.nothing.perSecond);
  rows.push(
    {
      name: `unchanged: time per report, ${fleet.length} hosts to ${smallFleet}`,
      value: growth(few.unchanged, many.unchanged),
      unit: 'ratio',
      goal: { atMost: 1.25 },
    },
    {
      name: `small change: time per report, ${fleet.length} hosts to ${smallFleet}`,
      value: growth(few.change, many.change),
      unit: 'ratio',
      goal: { atMost: 1.25 },
    },
    {
      name: `whole: time per report, ${fleet.length} hosts to ${smallFleet}`,
      value: growth(few.whole, many.whole),
      unit: 'ratio',
      goal: { atMost: 1.25 },
    },
    { name: 'row of a host', value: sizes.hostRow, unit: 'bytes', goal: { atMost: 1024 } },
    { name: 'row of a report', value: sizes.reportRow, unit: 'bytes' },
    ...priceRows(many, sizes),
  );
  return rows;
}

/** Each per report. */
function operationRows(name: string, used: Used, requests: number): readonly BenchRow[] {
  const quiet = name === 'unchanged';
  const per = (count: number): number => count / requests;
  return [
    {
      name: `${name}: reads of the host's rows`,
      value: per(readsOf(used, 'Hosts')),
      unit: 'items',
      ...(quiet && { goal: { atMost: 1 } }),
    },
    { name: `${name}: reads that all hosts share`, value: per(readsOf(used) - readsOf(used, 'Hosts')), unit: 'items' },
    { name: `${name}: writes`, value: per(writesOf(used)), unit: 'items', ...(quiet && { goal: { atMost: 1 } }) },
    { name: `${name}: operations of S3`, value: per(used.s3), unit: 'operations' },
    { name: `${name}: invocations`, value: per(used.invocations), unit: 'invocations' },
    { name: `${name}: time of the function`, value: per(used.milliseconds), unit: 'ms' },
  ];
}

/** What 1,000 hosts cost in a month, without what the CDN serves. */
function priceRows(
  many: Readonly<Record<'unchanged' | 'change', { readonly used: Used; readonly requests: number }>>,
  sizes: ItemSizes,
): readonly BenchRow[] {
  const quiet = usdPerRequest(many.unchanged.used, many.unchanged.requests, sizes, false);
  const changed = usdPerRequest(many.change.used, many.change.requests, sizes, true);
  const monthly = (part: string): number =>
    1000 * ((quiet[part] ?? 0) * quietRoundsPerMonth + (changed[part] ?? 0) * changedReportsPerMonth);
  const parts = Object.keys(quiet);
  const total = parts.reduce((sum, part) => sum + monthly(part), 0);
  return [
    ...parts.map((part) => ({ name: `1,000 hosts and month: ${part}`, value: monthly(part), unit: 'USD' })),
    { name: '1,000 hosts and month: all', value: total, unit: 'USD', goal: { atMost: 1 } },
  ];
}

async function start(context: BenchContext, ledger: Ledger, cleanup: AsyncDisposableStack) {
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-reports-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  context.progress('synthesizing and starting the stack');
  const key = await localRepositoryKey(join(folder, 'key'));
  const assemblyDir = join(folder, 'assembly');
  await synthesize(assemblyDir, key.configFile, new AbortController().signal);
  const microsoft = await startFakeMicrosoft({ dataDir: join(folder, 'microsoft'), seed: 1 });
  cleanup.defer(() => microsoft.close());
  const stack = await startStack({
    assemblyDir,
    dataDir: join(folder, 'stack'),
    upstream: microsoft.addresses,
    secrets: key.secrets,
    schedules: false,
    log: ledger.log,
    onAccess: ledger.onAccess,
  });
  cleanup.defer(() => stack.close());
  const { ApiUrl = '', Issuer = '', ClientId = '' } = stack.outputs;
  const { accessToken } = await logIn({ issuer: Issuer, clientId: ClientId, username: 'administrator' });
  const call = createOperatorClient({ apiUrl: new URL(ApiUrl), accessToken: async () => accessToken });
  const { token } = await call(operatorEndpoints.createToken, {
    body: { version: 1, group: 'load', uses: 100_000, expiresInSeconds: 24 * 3600 },
  });
  return { stack, token };
}

async function itemSizes(stack: LocalStack, machineId: string): Promise<ItemSizes> {
  const client = new DynamoDBClient({
    region: stack.region,
    endpoint: stack.endpoints.dynamodb,
    credentials: stack.administrator,
  });
  try {
    const { partitionKey, sortKey } = hostsBinding.table;
    const sizeOf = async (item: string): Promise<number> => {
      const Key = { [partitionKey]: { S: machineId }, [sortKey]: { S: item } };
      const { Item } = await client.send(new GetItemCommand({ TableName: stack.outputs.HostsTable, Key }));
      if (Item === undefined) throw new Error(`${machineId} has no row ${item}`);
      return bytesOf(Item);
    };
    return { hostRow: await sizeOf(hostItems.host), reportRow: await sizeOf(hostItems.report) };
  } finally {
    client.destroy();
  }
}

/**
 * Size of an item as DynamoDB counts it: names and values as UTF-8, numbers at about half a byte a digit and one more,
 * lists and maps with 3 bytes and one for each member.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
function bytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null) return Buffer.byteLength(String(value));
  let bytes = 0;
  for (const [name, attribute] of Object.entries(value)) bytes += Buffer.byteLength(name) + attributeBytes(attribute);
  return bytes;
}

function attributeBytes(attribute: object): number {
  const [[type, value] = ['', undefined]] = Object.entries(attribute);
  switch (type) {
    case 'N':
      return Math.ceil(String(value).length / 2) + 1;
    case 'M':
      return 3 + bytesOf(value) + Object.keys(value).length;
    case 'L':
      return 3 + value.reduce((sum: number, member: object) => sum + attributeBytes(member) + 1, 0);
    case 'BOOL':
    case 'NULL':
      return 1;
    default:
      return bytesOf(value);
  }
}

function hostsOf(args: readonly string[]): number {
  const [flag, value, ...rest] = args;
  if (flag === undefined) return 10_000;
  const hosts = Number(value);
  if (flag === '--hosts' && Number.isInteger(hosts) && hosts > smallFleet && hosts <= 100_000 && rest.length === 0)
    return hosts;
  throw new UsageError(`got ${args.join(' ')}; allowed is --hosts N with N from ${smallFleet + 1} to 100000`);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
