import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListObjectsV2CommandInput } from '@aws-sdk/client-s3';
import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPage } from './listing.ts';
import { Store } from './store.ts';
import type { TestS3 } from './testing/start.ts';
import { startTestS3 } from './testing/start.ts';

let s3: TestS3;
const Bucket = 'listed';

async function fill(name: string, keys: Iterable<string>): Promise<void> {
  await s3.client.send(new CreateBucketCommand({ Bucket: name }));
  for (const Key of keys) await s3.client.send(new PutObjectCommand({ Bucket: name, Key, Body: Key }));
}

/** All keys and common prefixes, read page by page. */
async function readAll(input: ListObjectsV2CommandInput, pageSize = 1000) {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let pages = 0;
  for await (const page of paginateListObjectsV2({ client: s3.client, pageSize }, input)) {
    pages++;
    expect(page.KeyCount).toBe((page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0));
    keys.push(...(page.Contents ?? []).map((one) => one.Key ?? ''));
    prefixes.push(...(page.CommonPrefixes ?? []).map((one) => one.Prefix ?? ''));
  }
  return { keys, prefixes, pages };
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What a listing must say, told in another way than the server's. */
function expected(all: readonly string[], prefix: string, delimiter: string) {
  const matching = [...new Set(all)].filter((key) => key.startsWith(prefix)).sort(byBytes);
  const rolled = (key: string) => {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    return at < 0 ? undefined : key.slice(0, at + delimiter.length);
  };
  return {
    keys: matching.filter((key) => rolled(key) === undefined),
    prefixes: [...new Set(matching.map(rolled).filter((one) => one !== undefined))].sort(byBytes),
  };
}

const KEYS = ['a', 'a/1', 'a/2', 'a/b/3', 'a0', 'b/', 'b/4', 'B', 'z & <y>', 'é', '\u{1f600}', '\uffee', 'c//d'];

beforeAll(async () => {
  s3 = await startTestS3();
  await fill(Bucket, KEYS);
});
afterAll(() => s3.stop());

describe('listing', () => {
  it('gives keys in the order of their UTF-8 bytes, with what is known about them', async () => {
    const page = await s3.client.send(new ListObjectsV2Command({ Bucket }));
    expect(page.Contents?.map((one) => one.Key)).toEqual([...KEYS].sort(byBytes));
    expect(page.IsTruncated).toBe(false);
    expect(page.Contents?.find((one) => one.Key === 'a/1')).toMatchObject({
      Size: 3,
      ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      StorageClass: 'STANDARD',
      LastModified: expect.any(Date),
    });
  });

  it.each([
    ['', '/'],
    ['a', '/'],
    ['a/', '/'],
    ['b/', '/'],
    ['c/', '/'],
    ['', ''],
    ['nothing', '/'],
    ['', '&'],
    ['a/', 'b/'],
  ])('with prefix %j and delimiter %j, in pages of any size', async (Prefix, Delimiter) => {
    for (const pageSize of [1, 2, 5, 1000]) {
      const all = await readAll({ Bucket, Prefix, Delimiter }, pageSize);
      expect({ keys: all.keys, prefixes: all.prefixes }).toEqual(expected(KEYS, Prefix, Delimiter));
    }
  });

  it('starts after a key, and encodes what XML cannot carry when it is asked to', async () => {
    const later = await s3.client.send(new ListObjectsV2Command({ Bucket, StartAfter: 'a/2', MaxKeys: 2 }));
    expect(later.Contents?.map((one) => one.Key)).toEqual(['a/b/3', 'a0']);
    const encoded = await s3.client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'z ', EncodingType: 'url', Delimiter: '<' }),
    );
    expect(encoded).toMatchObject({ EncodingType: 'url', Prefix: 'z%20', Delimiter: '%3C' });
    expect(encoded.CommonPrefixes).toEqual([{ Prefix: 'z%20%26%20%3C' }]);
  });

  it('has pages that end exactly with the last key', async () => {
    const page = await s3.client.send(new ListObjectsV2Command({ Bucket, MaxKeys: KEYS.length }));
    expect(page.IsTruncated).toBe(false);
    expect(page.NextContinuationToken).toBeUndefined();
    const none = await s3.client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
    expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  it('refuses a token that it did not give', async () => {
    const page = s3.client.send(new ListObjectsV2Command({ Bucket, ContinuationToken: 'nonsense' }));
    await expect(page).rejects.toMatchObject({ name: 'InvalidArgument' });
  });

  it('of version 1 goes by markers', async () => {
    const keys: string[] = [];
    const prefixes: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await s3.client.send(new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 2, Marker }));
      keys.push(...(page.Contents ?? []).map((one) => one.Key ?? ''));
      prefixes.push(...(page.CommonPrefixes ?? []).map((one) => one.Prefix ?? ''));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect({ keys, prefixes }).toEqual(expected(KEYS, '', '/'));
    const plain = await s3.client.send(new ListObjectsCommand({ Bucket, MaxKeys: 2, Marker: 'a' }));
    expect(plain.Contents?.map((one) => one.Key)).toEqual(['a/1', 'a/2']);
    expect(plain).toMatchObject({ IsTruncated: true, Marker: 'a' });
  });

  it('agrees with a plain computation on any keys', async () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '-', 'é', '\u{10ffff}'),
      minLength: 1,
      maxLength: 6,
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          part.filter((key) => key !== '/'),
          { minLength: 1, maxLength: 12 },
        ),
        fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 2 }),
        fc.constantFrom('', '/', 'b', '\u{10ffff}'),
        fc.integer({ min: 1, max: 4 }),
        async (keys, Prefix, Delimiter, pageSize) => {
          const name = `random-${run++}`;
          await fill(name, keys);
          const all = await readAll({ Bucket: name, Prefix, Delimiter }, pageSize);
          expect({ keys: all.keys, prefixes: all.prefixes }).toEqual(expected(keys, Prefix, Delimiter));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('pages through more keys than one page holds', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-listing-'));
    // Straight into the store: 1,203 requests would say nothing more about listing.
    const store = new Store(folder);
    const object = {
      bucket: 'many',
      size: 0,
      etag: '',
      modifiedMs: 0,
      headers: {},
      metadata: {},
      tags: [],
      segments: [],
    };
    store.transaction(() => {
      for (let index = 0; index < 1203; index++) store.putObject({ ...object, key: `n/${index}` });
    });
    const query = { prefix: 'n/', delimiter: '', limit: 1000 };
    const first = listPage(store, 'many', query);
    expect(first.objects).toHaveLength(1000);
    const second = listPage(store, 'many', { ...query, ...(first.next ? { after: first.next } : {}) });
    expect(second.objects).toHaveLength(203);
    expect(second.next).toBeUndefined();
    expect(new Set([...first.objects, ...second.objects].map((one) => one.key)).size).toBe(1203);
    store.close();
    await rm(folder, { recursive: true, force: true });
  });
});
