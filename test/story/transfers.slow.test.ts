import { createHash } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { sweepResult } from '#shared/contract/operators/views.ts';
import { catalogBinding } from '#shared/stores/catalog/binding.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { requestOf } from './hosts.ts';
import { keysOf, startWorld, until, type World } from './world.ts';

const mebibyte = 1024 * 1024;
/** More than one copy inside S3 takes in one piece. */
const size = 6 * 1024 * mebibyte;
const host = 'http://download.windowsupdate.com';

let world: World;
let dynamodb: DynamoDBDocumentClient;
let client: DynamoDBClient;
beforeAll(async () => {
  // Slow enough for the queue not to deliver again what a worker is at: in AWS it waits six times as long as a worker may take.
  world = await startWorld({ stack: { speed: 10 } });
  client = new DynamoDBClient({
    region: world.stack.region,
    credentials: world.stack.administrator,
    endpoint: world.stack.endpoints.dynamodb,
  });
  dynamodb = documentClient(client);
});
afterAll(async () => {
  client?.destroy();
  await world?.close();
});

/** A file of zeros at the fake Microsoft that the catalogue names, and that a host asked for. */
async function ask(path: string, bytes: number): Promise<{ readonly sha1: string; readonly sha256: string }> {
  const digests = ['sha1', 'sha256'].map((name) => createHash(name));
  const block = Buffer.alloc(16 * mebibyte);
  for (let left = bytes; left > 0; left -= block.byteLength)
    for (const digest of digests) digest.update(block.subarray(0, Math.min(left, block.byteLength)));
  const [sha1 = '', sha256 = ''] = digests.map((digest) => digest.digest('hex'));
  world.microsoft.serveZeros(path, bytes);
  const facts = { version: 1, sha1, sha256, size: bytes, name: path.split('/').at(-1), url: `${host}${path}` };
  const { partitionKey } = catalogBinding.table;
  await dynamodb.send(
    new PutCommand({ TableName: world.output('CatalogTable'), Item: { ...facts, [partitionKey]: `file#${sha1}` } }),
  );
  const requests = awsRequestStore({ dynamodb, table: world.output('RequestsTable'), sleep: async () => {} });
  await requests.open({ sha1, requestedBy: 'host-a', requestedAt: new Date().toISOString() });
  return { sha1, sha256 };
}

/** What the schedule between two sweeps does. */
async function continued() {
  const result = await world.stack.invoke(world.output('SweepRequestsFunction'), { only: 'begun' });
  if (!result.ok) throw new Error(result.error);
  return sweepResult.parse(result.payload);
}

const patient = { timeoutMilliseconds: 600_000 };

describe('a file of 6 GB', () => {
  it('arrives whole though its worker is killed five times, and no byte that was stored is fetched again', async () => {
    const { sha1, sha256 } = await ask('/d/large.psf', size);
    await world.run('SweepRequestsFunction');
    const bytesOf = async () => (await requestOf(world, sha1))?.progress?.bytes ?? 0;
    for (const tenth of [1, 2, 4, 6, 8]) {
      await until(`${tenth} tenths are there`, bytesOf, (bytes) => bytes >= (size * tenth) / 10, patient);
      expect(await world.stack.kill(world.output('FetchPayloadFunction'))).toBeGreaterThan(0);
      expect(await keysOf(world, 'PayloadsBucket'), 'nothing can be seen before it is proved').toEqual([]);
      // The queue holds the message back for longer than the dead worker's lease lasts: the schedule is faster.
      await until('it is sent on its way again', continued, (swept) => swept.requeued === 1, {
        ...patient,
        pauseAtMost: 10_000,
      });
    }
    const request = await until(
      'the file is there',
      () => requestOf(world, sha1),
      (seen) => seen?.state === 'done' || seen?.state === 'failed',
      patient,
    );
    expect(request).toMatchObject({ state: 'done', sha256 });
    expect(await keysOf(world, 'PayloadsBucket')).toEqual([`payloads/sha256/${sha256}`]);
    const view = await world.call(operatorEndpoints.getFile, { params: { sha1 } });
    expect(view.held).toMatchObject({ sha256, size });
    // Three parts of 32 MiB are on their way when a worker dies.
    expect(world.microsoft.counters().payloadBytes - size).toBeLessThan(5 * 4 * 32 * mebibyte);
  }, 1_800_000);
});

describe('fifty files at once', () => {
  it('come by no more connections than the workers may have', async () => {
    const before = world.microsoft.counters().payloadGets;
    const files = [];
    for (let n = 0; n < 50; n += 1) files.push(await ask(`/d/file-${n}.cab`, mebibyte + n));
    const end = world.microsoft.addFault({ path: /^\/d\/file-/, kind: { type: 'slow', bytesPerSecond: 4 * mebibyte } });
    await world.run('SweepRequestsFunction');
    for (const { sha1 } of files)
      await until(
        `${sha1} is there`,
        () => requestOf(world, sha1),
        (seen) => seen?.state === 'done',
        patient,
      );
    end();
    expect(world.microsoft.counters().payloadGets - before).toBe(50);
    // Five workers; the large file of before took three at a time, of one worker.
    expect(world.microsoft.counters().mostAtOnce).toBeLessThanOrEqual(5);
    expect(world.microsoft.counters().mostAtOnce).toBeGreaterThan(1);
  });
});
