import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeSnapshot } from '#shared/contract/catalog-snapshot.ts';
import { buildKey } from '#shared/contract/keys.ts';
import { type AwsServers, startAwsServers } from '#test/kit/aws-servers.ts';
import { at, catalogOf, pointerOf, sha1, sha256, streamOf, unit } from '#test/kit/values.ts';
import { awsCatalogStore } from './aws-catalog.ts';
import { awsIndexStore } from './aws-index.ts';
import { awsSyncJournal } from './aws-journal.ts';
import { catalogBinding } from './binding.ts';
import { catalogStoreContract, indexStoreContract, syncJournalContract } from './contract-suite.ts';

let aws: AwsServers;
beforeAll(async () => {
  aws = await startAwsServers();
});
afterAll(() => aws.close());

const sleep = async (): Promise<void> => {};

async function makeCatalog() {
  const { dynamodb, s3 } = aws;
  const table = await aws.createTable(catalogBinding);
  const bucket = await aws.createBucket();
  return { table, bucket, store: awsCatalogStore({ dynamodb, s3, table, bucket, sleep }) };
}

indexStoreContract('S3', async () => awsIndexStore(aws.s3, await aws.createBucket()));
catalogStoreContract('AWS', async () => (await makeCatalog()).store);
syncJournalContract('DynamoDB', async () => awsSyncJournal(aws.dynamodb, await aws.createTable(catalogBinding)));

describe('the index store on S3', () => {
  it('leaves nothing behind but what was published or refused', async () => {
    const bucket = await aws.createBucket();
    const store = awsIndexStore(aws.s3, bucket);
    const large = Buffer.alloc(9 * 1024 * 1024, 7);
    await expect(store.stage('cut', streamOf(large, 1_000_000, new Error('cut')))).rejects.toThrow('cut');
    await store.stage('dropped', streamOf(large));
    await store.drop('dropped');
    const bytes = await store.stage('kept', streamOf(large));
    const upload = store.upload('in-parts', await store.beginUpload('in-parts'));
    await upload.put(1, large);
    expect(await aws.keys(bucket)).toEqual(['staging/index/kept.cab']);
    await upload.complete({ parts: 1, length: bytes });
    await store.keepAside({ copyId: 'in-parts', sha256: sha256('refused'), bytes });
    await store.promote({ copyId: 'kept', sha256: sha256(large), bytes });
    const kept = [`index/sha256/${sha256(large)}.cab`, `refused/${sha256('refused')}.cab`];
    expect(await aws.keys(bucket)).toEqual(kept);
    expect(await aws.openUploads(bucket)).toEqual([]);
  });

  it('refuses a pointer that does not parse', async () => {
    const bucket = await aws.createBucket();
    const store = awsIndexStore(aws.s3, bucket);
    for (const Body of ['{', '{"version":2}']) {
      await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'index/current.json', Body }));
      await expect(store.current()).rejects.toMatchObject({ name: 'StoreError', code: 'corrupt' });
    }
    await expect(store.moveCurrent(pointerOf('not a digest'), undefined)).rejects.toThrow();
  });
});

describe('the catalogue on AWS', () => {
  const whole = Buffer.concat([...encodeSnapshot(catalogOf([unit(1)]))]);

  it('names rows that do not parse', async () => {
    const { table, store } = await makeCatalog();
    const digest = sha1('x');
    const Item = { pk: `file#${digest}`, version: 1, sha1: digest, size: 'seven' };
    await aws.dynamodb.send(new PutCommand({ TableName: table, Item }));
    await expect(store.fileFacts([digest])).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(`file#${digest}`),
    });
  });

  it.each([
    ['is not gzip', Buffer.from('{}')],
    ['begins as none does', gzipSync('{"version":2}')],
    ['is cut', gzipSync(whole.subarray(0, whole.length - 100))],
    ['is cut while packed', gzipSync(whole).subarray(0, 100)],
    ['is of another version', gzipSync(Buffer.from(whole).fill(9, 8, 9))],
  ])('does not take for a snapshot what %s', async (_what, Body) => {
    const { bucket, store } = await makeCatalog();
    const Key = buildKey({ kind: 'catalog-snapshot', indexSha256: sha256('index') });
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    await expect(store.getSnapshot(sha256('index'))).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('writes a catalogue of several parts, and leaves no upload open when it cannot', async () => {
    const { bucket, store } = await makeCatalog();
    // Titles without pattern, so that gzip leaves more than one part of 8 MiB.
    const noise = (n: number) => createHash('shake256', { outputLength: 10_000 }).update(`${n}`).digest('hex');
    const units = Array.from({ length: 900 }, (_, n) => unit(n, { title: noise(n), payload: [] }));
    await store.putSnapshot(sha256('large'), catalogOf(units));
    expect((await store.getSnapshot(sha256('large')))?.updates.get(899)?.title).toBe(noise(899));
    const broken = catalogOf([...units, unit(20_000, { kbs: ['no KB'] })]);
    await expect(store.putSnapshot(sha256('broken'), broken)).rejects.toThrow();
    expect(await aws.openUploads(bucket)).toEqual([]);
  });
});

describe('the journal on DynamoDB', () => {
  it('lets runs expire after a month', async () => {
    const table = await aws.createTable(catalogBinding);
    await awsSyncJournal(aws.dynamodb, table).putRun({ version: 1, runId: 'r', state: 'started', startedAt: at(0) });
    const { Item } = await aws.dynamodb.send(new GetCommand({ TableName: table, Key: { pk: 'run#r' } }));
    expect(Item?.expiresAt).toBe(Date.parse(at(0)) / 1000 + 30 * 24 * 3600);
  });
});
