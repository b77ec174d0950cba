import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { main } from '#cli/main.ts';
import { signCab } from '#local/upstream/signing/cab.ts';
import { indexSignerIn } from '#local/upstream/signing/identity.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { packSlice } from '#test/kit/pack-slice.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { currentPointer } from './hosts.ts';
import { keysOf, objectBytes, startWorld, until, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const indexPath = /wsusscn2\.cab$/;

/** DynamoDB gives the attributes of an item, and of maps in it, in no certain order. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Everything that is stored, with the time of its last change: equal before and after means nothing was written. */
async function everythingStored(): Promise<unknown> {
  const dynamodb = new DynamoDBClient({
    endpoint: world.stack.endpoints.dynamodb,
    region: world.stack.region,
    credentials: world.stack.administrator,
  });
  const tables = await Promise.all(
    ['CatalogTable', 'PayloadsTable', 'RequestsTable', 'HostsTable', 'RulesTable'].map(async (table) => {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new ScanCommand({ TableName: world.output(table), ConsistentRead: true }),
      );
      if (LastEvaluatedKey !== undefined) throw new Error(`${table} has grown beyond one page`);
      return Items.map((item) => JSON.stringify(item, inOrder)).sort();
    }),
  );
  const objects = await Promise.all(
    ['IndexBucket', 'PayloadsBucket'].map(async (bucket) => {
      const listed = await world.s3.send(new ListObjectsV2Command({ Bucket: world.output(bucket) }));
      return (listed.Contents ?? []).map(({ Key, ETag, LastModified }) => [Key, ETag, LastModified?.toISOString()]);
    }),
  );
  dynamodb.destroy();
  return { tables, objects };
}

/** A copy of the index that no run went on with yet. */
async function copyUnderWay() {
  const client = new DynamoDBClient({
    endpoint: world.stack.endpoints.dynamodb,
    region: world.stack.region,
    credentials: world.stack.administrator,
  });
  const Key = { pk: { S: 'copy' } };
  const { Item } = await client.send(
    new GetItemCommand({ TableName: world.output('CatalogTable'), Key, ConsistentRead: true }),
  );
  client.destroy();
  return Item;
}

/** Parts of uploads to the index bucket that are neither an object nor dropped. */
async function openUploads(): Promise<number> {
  const { Uploads } = await world.s3.send(new ListMultipartUploadsCommand({ Bucket: world.output('IndexBucket') }));
  return Uploads?.length ?? 0;
}

async function kbroker(...args: string[]) {
  const profile = join(world.folder, 'operator.json');
  await writeFile(profile, JSON.stringify(await world.profileOf('operator')));
  let stdout = '';
  let stderr = '';
  const exitCode = await main(['--profile-file', profile, ...args], {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  });
  return { exitCode, stdout, stderr };
}

describe('the index', () => {
  it('is stored under its digest, and the pointer names it', async () => {
    const publication = await world.microsoft.publishNext();
    await world.run('SyncIndexFunction');
    const pointer = await currentPointer(world);
    expect(pointer.sha256).toBe(publication.indexSha256);
    expect(pointer.origin.etag).toBe(publication.etag);
    const keys = await keysOf(world, 'IndexBucket');
    expect(keys).toEqual([
      buildKey({ kind: 'catalog-snapshot', indexSha256: pointer.sha256 }),
      'index/current.json',
      `index/sha256/${pointer.sha256}.cab`,
    ]);
    const bytes = await objectBytes(world, 'IndexBucket', `index/sha256/${pointer.sha256}.cab`);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(pointer.sha256);
    expect(bytes.length).toBe(publication.indexBytes);
  });

  it('unchanged: nothing is downloaded and nothing is written', async () => {
    const before = await everythingStored();
    const counted = world.microsoft.counters();
    await world.run('SyncIndexFunction');
    expect(world.microsoft.counters().indexDownloads).toBe(counted.indexDownloads);
    expect(world.microsoft.counters().indexNotModified).toBe(counted.indexNotModified + 1);
    expect(await everythingStored()).toEqual(before);
  });

  it('that breaks off in the middle leaves the current one, and the next run brings it', async () => {
    const before = await currentPointer(world);
    const publication = await world.microsoft.publishNext();
    const end = world.microsoft.addFault({ path: indexPath, kind: { type: 'cut', afterBytes: 20_000 } });
    const { exitCode, stdout } = await kbroker('index', 'sync', '--json');
    end();
    expect(JSON.parse(stdout).result.outcome).toBe('failed');
    expect(exitCode).toBe(1);
    expect(await currentPointer(world)).toEqual(before);
    expect((await keysOf(world, 'IndexBucket')).filter((key) => key.startsWith('staging/'))).toEqual([]);

    await world.run('SyncIndexFunction');
    expect((await currentPointer(world)).sha256).toBe(publication.indexSha256);
    expect(await copyUnderWay()).toBeUndefined();
    expect(await openUploads()).toBe(0);
  });

  it('with other bytes than Microsoft signed is refused; the current one stays', async () => {
    const before = await currentPointer(world);
    const publication = await world.microsoft.publishNext();
    const end = world.microsoft.addFault({ path: indexPath, kind: { type: 'wrong-bytes' } });
    const { stdout, exitCode } = await kbroker('index', 'sync');
    end();
    expect(stdout).toMatch(/refused, the current index stays: Microsoft's signature is not on it/);
    expect(exitCode).toBe(1);
    expect(await currentPointer(world)).toEqual(before);
    expect((await kbroker('status')).stdout).toMatch(/refused .*signature/i);
    const kept = (await keysOf(world, 'IndexBucket')).filter((key) => key.startsWith('refused/'));
    expect(kept).toHaveLength(1);

    expect((await kbroker('index', 'sync')).stdout).toMatch(`published ${publication.indexSha256}`);
    expect((await world.call(operatorEndpoints.getIndex)).refused).toBeUndefined();
  });

  it('of an origin that answers 503 and then recovers arrives in the same run', async () => {
    const publication = await world.microsoft.publishNext();
    world.microsoft.addFault({
      path: indexPath,
      kind: { type: 'status', status: 503, retryAfterSeconds: 1 },
      times: 2,
    });
    await world.run('SyncIndexFunction');
    expect((await currentPointer(world)).sha256).toBe(publication.indexSha256);
  });

  it('two runs at once end with one whole publication', async () => {
    const publication = await world.microsoft.publishNext();
    const name = world.output('SyncIndexFunction');
    await Promise.allSettled([world.stack.trigger(name), world.stack.trigger(name)]);
    await world.run('SyncIndexFunction');
    expect((await currentPointer(world)).sha256).toBe(publication.indexSha256);
    expect((await keysOf(world, 'IndexBucket')).filter((key) => key.startsWith('staging/'))).toEqual([]);
  });

  it.skipIf(!haveSamples)(
    'that lacks its file locations is refused with the reason; the current one stays',
    async () => {
      const before = await currentPointer(world);
      const file = join(world.folder, 'slice.cab');
      const slice = await packSlice(sample('wsusscn2', 'hexmystic-wsusscn2-2026-07'));
      const signer = await indexSignerIn(join(world.folder, 'microsoft', 'signing'), new Date());
      await writeFile(file, signCab(slice, signer.signAt(new Date())));
      await world.microsoft.publishFile(file);

      const { exitCode, stdout } = await kbroker('index', 'sync');
      expect(stdout).toMatch(/refused, the current index stays: .*FileLocation/i);
      expect(exitCode).toBe(1);
      expect(await currentPointer(world)).toEqual(before);
      const { refused } = await world.call(operatorEndpoints.getIndex);
      expect(refused?.reason).toMatch(/FileLocation/i);

      const counted = world.microsoft.counters();
      await world.run('SyncIndexFunction');
      expect(world.microsoft.counters().indexDownloads, 'a refused publication is not downloaded again').toBe(
        counted.indexDownloads,
      );
      expect((await kbroker('status')).stdout).toMatch(/refused .*FileLocation/i);
    },
  );
});

describe('an index that is older than the current one', () => {
  it('is refused to the schedule, and published when a person allows it', async () => {
    const older = await currentPointer(world);
    const file = join(world.folder, 'older.cab');
    await writeFile(file, await objectBytes(world, 'IndexBucket', `index/sha256/${older.sha256}.cab`));
    const { indexSha256: newer } = await world.microsoft.publishNext();
    await world.run('SyncIndexFunction');
    expect((await currentPointer(world)).sha256).toBe(newer);

    await world.microsoft.publishFile(file);
    expect(await world.run('SyncIndexFunction')).toMatchObject({ outcome: 'refused', sha256: older.sha256 });
    expect((await kbroker('index', 'sync')).stdout).toMatch(/refused, the current index stays: Microsoft made it at/);
    expect((await currentPointer(world)).sha256).toBe(newer);

    const event = { runId: 'allowed', allowOlder: true };
    const { runId } = event;
    await world.stack.invoke(world.output('SyncIndexFunction'), event);
    const run = await world.call(operatorEndpoints.getSync, { params: { runId } });
    expect(run.result).toMatchObject({ outcome: 'published', sha256: older.sha256, stored: false });
    expect((await currentPointer(world)).sha256).toBe(older.sha256);
  });
});

describe('with a time limit of 90 seconds instead of 15 minutes', () => {
  it('the index is copied by one invocation and published by the next, which the first one starts', async () => {
    const short = await startWorld({ stack: { assemblyDir: await assemblyWithTimeout(90) } });
    try {
      const publication = await short.microsoft.publishNext();
      const { runId } = await short.call(operatorEndpoints.startSync, { body: {} });
      const run = await until(
        'the run has ended',
        () => short.call(operatorEndpoints.getSync, { params: { runId } }),
        ({ state }) => state === 'ended',
      );
      expect(run.result).toMatchObject({ outcome: 'published', sha256: publication.indexSha256 });
      const finished = short.log.filter(({ message }) => message.includes('"message":"finished"'));
      const outcomes = finished.map(({ message }) => JSON.parse(message).result.result);
      expect(outcomes).toMatchObject([{ outcome: 'continues', goesOn: 'invocation' }, { outcome: 'published' }]);
    } finally {
      await short.close();
    }
  });
});

/** The synthesized stack, whose synchronisation has only so many seconds. */
async function assemblyWithTimeout(seconds: number): Promise<string> {
  const folder = join(world.folder, `assembly-${seconds}`);
  await cp(inject('assemblyDir'), folder, { recursive: true });
  const file = join(folder, 'KBroker.template.json');
  const template = JSON.parse(await readFile(file, 'utf8'));
  const id = template.Outputs.SyncIndexFunction.Value.Ref;
  template.Resources[id].Properties.Timeout = seconds;
  await writeFile(file, JSON.stringify(template));
  return folder;
}
