import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '#cli/main.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { packSlice } from '#test/kit/pack-slice.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { currentPointer } from './hosts.ts';
import { keysOf, objectBytes, startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const indexPath = /wsusscn2\.cab$/;

/** Everything that is stored, with the time of its last change: equal before and after means nothing was written. */
async function everythingStored(): Promise<unknown> {
  const dynamodb = new DynamoDBClient({
    endpoint: world.stack.endpoints.dynamodb,
    region: world.stack.region,
    credentials: world.stack.administrator,
  });
  const tables = await Promise.all(
    ['CatalogTable', 'PayloadsTable', 'RequestsTable', 'HostsTable', 'RulesTable'].map(async (table) => {
      const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: world.output(table) }));
      // DynamoDB gives the attributes of an item in no certain order.
      return Items.map((item) => JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
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

async function kbroker(...args: string[]) {
  const profile = join(world.folder, 'operator.json');
  await writeFile(
    profile,
    JSON.stringify({ apiUrl: world.output('ApiUrl'), region: world.stack.region, ...world.stack.operator }),
  );
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
      `catalog/v1/${pointer.sha256}.json.gz`,
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
      await writeFile(file, await packSlice(sample('wsusscn2', 'hexmystic-wsusscn2-2026-07')));
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
