import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateIndex } from '#local/upstream/full-size/generate.ts';
import { measuredMonth } from '#local/upstream/full-size/month.ts';
import { signCabFile } from '#local/upstream/signing/cab.ts';
import { indexSignerIn } from '#local/upstream/signing/identity.ts';
import type { Publication } from '#local/upstream/types.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { SyncRun } from '#shared/contract/operators/index-sync.ts';
import { currentPointer } from './hosts.ts';
import { keysOf, startWorld, until, type World } from './world.ts';

const indexPath = /wsusscn2\.cab$/;

let world: World;
/** Bytes of the publication that is out. */
let bytes: number;
let sha256: string;

beforeAll(async () => {
  world = await startWorld();
  // An index of several parts, which takes seconds to decode.
  await generateIndex({ out: unsigned(), seed: 1, month: measuredMonth, scale: 1 / 24 });
  ({ indexBytes: bytes, indexSha256: sha256 } = await publishSigned(new Date()));
});
afterAll(() => world?.close());

const unsigned = (): string => join(world.folder, 'unsigned.cab');

/** The same index, signed at that time: other bytes with the same content. */
async function publishSigned(signedAt: Date): Promise<Publication> {
  const file = join(world.folder, 'signed.cab');
  await copyFile(unsigned(), file);
  const signer = await indexSignerIn(join(world.folder, 'microsoft', 'signing'), new Date());
  await signCabFile(file, signer.signAt(signedAt));
  return world.microsoft.publishFile(file);
}

const runOf = (runId: string): Promise<SyncRun> => world.call(operatorEndpoints.getSync, { params: { runId } });

/** Parts of the copy under way that are stored. */
async function storedParts(): Promise<number> {
  const Bucket = world.output('IndexBucket');
  const { Uploads = [] } = await world.s3.send(new ListMultipartUploadsCommand({ Bucket }));
  const [upload] = Uploads.filter(({ Key }) => Key?.startsWith('staging/index/'));
  if (upload === undefined) return 0;
  const { Parts = [] } = await world.s3.send(
    new ListPartsCommand({ Bucket, Key: upload.Key, UploadId: upload.UploadId }),
  );
  return Parts.length;
}

async function rowOf(pk: string) {
  const { endpoints, region, administrator: credentials } = world.stack;
  const dynamodb = new DynamoDBClient({ endpoint: endpoints.dynamodb, region, credentials });
  const TableName = world.output('CatalogTable');
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key: { pk: { S: pk } }, ConsistentRead: true }));
  dynamodb.destroy();
  return Item;
}

/** One story: each goes on where the one before left the same publication. */
describe('an index of several parts', () => {
  let runId: string;
  let signedAgain: Publication;

  it('is half copied when the worker is killed, and nothing of it is visible', async () => {
    // The last part is the shortest, and arrives first when all are equally slow.
    const end = world.microsoft.addFault({ path: indexPath, kind: { type: 'slow', bytesPerSecond: bytes / 15 } });
    ({ runId } = await world.call(operatorEndpoints.startSync, { body: {} }));
    await until('a part is stored', storedParts, (parts) => parts > 0);
    expect(await world.stack.kill(world.output('SyncIndexFunction'))).toBe(1);
    end();
    expect(await runOf(runId)).toMatchObject({ state: 'started', progress: { phase: 'copying', of: bytes } });
    expect(await rowOf('copy')).toMatchObject({ state: { S: 'copying' } });
    expect(await keysOf(world, 'IndexBucket')).toEqual([]);
  });

  it('goes on with the parts that are missing, also through 503, and is killed again while it is decoded', async () => {
    const before = await storedParts();
    const counted = world.microsoft.counters().indexDownloads;
    world.microsoft.addFault({
      path: indexPath,
      kind: { type: 'status', status: 503, retryAfterSeconds: 1 },
      times: 2,
    });
    const tick = world.run('SyncIndexFunction').catch((error: unknown) => error);
    const seen = await until(
      'it is decoded',
      () => runOf(runId),
      ({ progress, state }) => progress?.phase === 'decoding' || state === 'ended',
      // Decoding takes about a second.
      { pauseAtMost: 100 },
    );
    expect(seen.state).toBe('started');
    await world.stack.kill(world.output('SyncIndexFunction'));
    expect(String(await tick)).toMatch(/crashed/);
    const parts = Math.ceil(bytes / (16 * 1024 * 1024));
    expect(world.microsoft.counters().indexDownloads - counted).toBe(parts - before);
    expect(await rowOf('copy')).toMatchObject({ state: { S: 'copied' }, readings: { N: '1' } });
    expect((await keysOf(world, 'IndexBucket')).map((key) => key.split('/')[0])).toEqual(['staging']);
  });

  it('is decoded from what is stored, and published; who asked at the start is told', async () => {
    const counted = world.microsoft.counters().indexDownloads;
    await world.run('SyncIndexFunction');
    expect(world.microsoft.counters().indexDownloads).toBe(counted);
    expect((await currentPointer(world)).sha256).toBe(sha256);
    expect(await runOf(runId)).toMatchObject({ state: 'ended', result: { outcome: 'published', sha256 } });
    expect(await rowOf('copy')).toBeUndefined();
    expect(await rowOf('unfinished')).toBeUndefined();
    expect((await keysOf(world, 'IndexBucket')).filter((key) => key.startsWith('staging/'))).toEqual([]);
  });

  it('whose tag changes all the time leaves the current one', async () => {
    const before = await currentPointer(world);
    signedAgain = await publishSigned(new Date(Date.now() - 60_000));
    expect(signedAgain.indexSha256).not.toBe(sha256);
    const end = world.microsoft.addFault({ path: indexPath, kind: { type: 'changing-etag' } });
    const result = await world.run('SyncIndexFunction');
    end();
    expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(/changed .* 4 times/) });
    expect(await currentPointer(world)).toEqual(before);
  });

  it('whose tag changes under the copy arrives whole in the same run, and facts that stay are not written', async () => {
    world.microsoft.addFault({ path: indexPath, kind: { type: 'changing-etag' }, times: 3 });
    expect(await world.run('SyncIndexFunction')).toMatchObject({
      outcome: 'published',
      sha256: signedAgain.indexSha256,
      factsWritten: 0,
    });
    expect((await currentPointer(world)).origin.etag).toBe(signedAgain.etag);
    expect(await storedParts()).toBe(0);
  });
});
