/** What Microsoft's hosts do besides serving files, and what becomes of a file then. */
import { createHash } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '#local/upstream/types.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { catalogBinding } from '#shared/stores/catalog/binding.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { requestOf } from './hosts.ts';
import { keysOf, queueLength, startWorld, until, type World } from './world.ts';

const mebibyte = 1024 * 1024;
/** Four parts of a transfer. */
const large = 100 * mebibyte;
const plainHost = 'download.windowsupdate.com';
const twinHost = `catalog.s.${plainHost}`;

let world: World;
let client: DynamoDBClient;
let dynamodb: DynamoDBDocumentClient;
beforeAll(async () => {
  world = await startWorld({ stack: { speed: 300 } });
  const { stack } = world;
  client = new DynamoDBClient({
    region: stack.region,
    credentials: stack.administrator,
    endpoint: stack.endpoints.dynamodb,
  });
  dynamodb = documentClient(client);
});
afterAll(async () => {
  client?.destroy();
  await world?.close();
});

let count = 0;

/** Asks for a file of zeros of its own, under faults. @returns what became of it, and the requests for it at Microsoft */
async function fetchUnder(bytes: number, faults: readonly Omit<Fault, 'path'>[]) {
  count += 1;
  // No two have the same digests.
  const size = bytes + count;
  const path = `/d/quirk-${count}.cab`;
  const zeros = Buffer.alloc(size);
  const [sha1 = '', sha256 = ''] = ['sha1', 'sha256'].map((name) => createHash(name).update(zeros).digest('hex'));
  const url = `http://${plainHost}${path}`;
  const Item = { version: 1, sha1, sha256, size, url, [catalogBinding.table.partitionKey]: `file#${sha1}` };
  world.microsoft.serveZeros(path, size);
  await dynamodb.send(new PutCommand({ TableName: world.output('CatalogTable'), Item }));
  const requests = awsRequestStore({ dynamodb, table: world.output('RequestsTable'), sleep: async () => {} });
  await requests.open({ sha1, requestedBy: 'host-a', requestedAt: new Date().toISOString() });
  const ends = faults.map((fault) => world.microsoft.addFault({ ...fault, path: new RegExp(`^${path}$`) }));
  const before = world.microsoft.counters();
  await world.run('SweepRequestsFunction');
  const request = await until(
    `${path} is there or given up`,
    () => requestOf(world, sha1),
    (seen) => seen?.state === 'done' || seen?.state === 'failed',
    { timeoutMilliseconds: 120_000 },
  );
  for (const end of ends) end();
  const after = world.microsoft.counters();
  const gets = (host: string): number => (after.byHost[host] ?? 0) - (before.byHost[host] ?? 0);
  const held = (await keysOf(world, 'PayloadsBucket')).includes(`payloads/sha256/${sha256}`);
  return {
    ...{ sha1, sha256, size, url, path, request, held },
    gets: after.byPath[path] ?? 0,
    twin: gets(twinHost),
    plain: gets(plainHost),
    bytes: after.payloadBytes - before.payloadBytes,
  };
}

const failure = async (sha1: string): Promise<string | undefined> =>
  (await world.call(operatorEndpoints.getFile, { params: { sha1 } })).request?.lastError;

describe('a tag that changes under a ranged download', () => {
  it('has the file begun anew, and it arrives', async () => {
    const { request, held, bytes, size } = await fetchUnder(large, [{ kind: { type: 'changing-etag' }, times: 2 }]);
    expect(request).toMatchObject({ state: 'done' });
    expect(held).toBe(true);
    expect(bytes).toBeLessThan(2 * size);
  });

  it('at each request is given up, and leaves nothing behind', async () => {
    const { sha1, request, held } = await fetchUnder(large, [{ kind: { type: 'changing-etag' } }]);
    expect(request).toMatchObject({ state: 'failed' });
    expect(held).toBe(false);
    expect(await failure(sha1)).toMatch(/changed under the copy 4 times/);
    expect((await keysOf(world, 'PayloadsBucket')).filter((key) => key.startsWith('staging/'))).toEqual([]);
  });
});

describe('an address', () => {
  it('that is dead at both its hosts is asked once at each, and shown', async () => {
    const { sha1, url, request, gets } = await fetchUnder(1000, [{ kind: { type: 'status', status: 404 } }]);
    expect(request).toMatchObject({ state: 'failed', attempts: 1 });
    expect(gets).toBe(2);
    expect(await failure(sha1)).toContain(`${url} answered 404`);
  });

  it('that leads to another of Microsoft’s hosts is followed', async () => {
    const elsewhere = `/d/moved-${count}.cab`;
    world.microsoft.serveZeros(elsewhere, 1000 + count + 1);
    const location = `https://${twinHost}${elsewhere}`;
    const { request, held } = await fetchUnder(1000, [{ kind: { type: 'redirect', location } }]);
    expect(request).toMatchObject({ state: 'done' });
    expect(held).toBe(true);
  });

  it('that leads to nobody of Microsoft’s is refused at each try, and ends where an alarm rings', async () => {
    const locations = [
      'http://updates.example/x.cab',
      'http://169.254.169.254/latest/meta-data/',
      'http://localhost:1/x.cab',
    ];
    const before = await queueLength(world, 'FetchDeadLetterQueueUrl');
    await Promise.all(
      locations.map(async (location) => {
        const { sha1, request, held } = await fetchUnder(1000, [{ kind: { type: 'redirect', location } }]);
        expect(request).toMatchObject({ state: 'failed', attempts: 3 });
        expect(held).toBe(false);
        expect(await failure(sha1)).toContain(new URL(location).hostname);
      }),
    );
    await until(
      'their messages are in the dead-letter queue',
      () => queueLength(world, 'FetchDeadLetterQueueUrl'),
      (length) => length >= before + locations.length,
    );
  });
});

describe('an origin in trouble', () => {
  it('that answers 503 is asked again, not before the time that it names', async () => {
    const began = Date.now();
    const busy = { kind: { type: 'status', status: 503, retryAfterSeconds: 2 }, times: 1 } as const;
    const { request, twin, plain } = await fetchUnder(1000, [busy]);
    expect(request).toMatchObject({ state: 'done' });
    expect([twin, plain]).toEqual([2, 0]);
    expect(Date.now() - began).toBeGreaterThan(2000);
  });

  it('that breaks connections costs no part that is there', async () => {
    const { request, size, bytes } = await fetchUnder(large, [
      { kind: { type: 'no-answer' }, times: 1 },
      { kind: { type: 'cut', afterBytes: 5 * mebibyte }, times: 1 },
    ]);
    expect(request).toMatchObject({ state: 'done' });
    // What the broken answer brought, and what was in the buffers of its connection.
    expect(bytes - size).toBeLessThan(10 * mebibyte);
  });

  it('whose HTTPS goes away midway has the rest fetched by HTTP, and no byte that is there twice', async () => {
    const slow = { kind: { type: 'slow', bytesPerSecond: 40 * mebibyte } } as const;
    const fetching = fetchUnder(large, [slow]);
    const [host, path] = [twinHost, new RegExp(`^/d/quirk-${count}.cab$`)];
    await until(
      'the first part is there',
      async () => world.microsoft.counters().byPath[`/d/quirk-${count}.cab`] ?? 0,
      (gets) => gets >= 3,
    );
    const end = world.microsoft.addFault({ path, host, kind: { type: 'no-answer' } });
    const { request, held, plain, bytes, size } = await fetching;
    end();
    expect(request).toMatchObject({ state: 'done' });
    expect(held).toBe(true);
    expect(plain).toBeGreaterThan(0);
    expect(bytes - size).toBeLessThan(mebibyte);
  });
});
