import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { MemoryPayloadCleaning } from '#test/kit/memory-cleaning.ts';
import { MemoryEventSink } from '#test/kit/memory-events.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from '#test/kit/memory-stores.ts';
import { MemoryTransferStore } from '#test/kit/memory-transfers.ts';
import { type Origin, serveFile, startOrigin } from '#test/kit/origin.ts';
import { dying } from '#test/kit/sync-bench.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { fetchPayload, measureFetch, measureFetchFailure } from './fetch-payload.ts';
import { defaultLimits, type FetchDelivery, type FetchPorts } from './ports.ts';

const bytes = Buffer.from('the bytes of an update');
const url = 'http://download.windowsupdate.com/d/msdownload/update.cab';
const facts: PayloadFile = {
  sha1: sha1(bytes),
  sha256: sha256(bytes),
  name: 'update.cab',
  size: bytes.byteLength,
  url,
};
const file = facts.sha1;

let origin: Origin;
let requests: MemoryRequestStore;
let payloads: MemoryPayloadStore;
let transfers: MemoryTransferStore;
let catalog: MemoryCatalogStore;
let events: MemoryEventSink;

beforeEach(async () => {
  origin = await startOrigin();
  requests = new MemoryRequestStore();
  payloads = new MemoryPayloadStore();
  transfers = new MemoryTransferStore(payloads.objects);
  catalog = new MemoryCatalogStore();
  events = new MemoryEventSink();
  await catalog.putFileFacts([facts]);
  await requests.open({ sha1: file, requestedBy: 'pc-1', requestedAt: at(0) });
  await requests.markQueued(file, at(1), at(0));
  origin.answer = serveFile(bytes, '"x"');
});
afterEach(() => origin.close());

const ports = (more: Partial<FetchPorts> = {}): FetchPorts => ({
  requests,
  payloads,
  transfers,
  catalog,
  events,
  upstream: createUpstream({
    dispatcher: origin.agent,
    timing: { now: Date.now, random: Math.random, sleep: async () => {} },
  }),
  now: () => new Date(at(5)),
  sleep: async () => {},
  limits: defaultLimits,
  maxReceiveCount: 3,
  ...more,
});
const delivery = (receiveCount = 1, more: Partial<FetchDelivery> = {}): FetchDelivery => ({
  messageId: 'm1',
  receiveCount,
  deadlineAt: new Date(at(900)),
  signal: new AbortController().signal,
  ...more,
});
const fetchIt = (receiveCount = 1, more: Partial<FetchPorts> = {}) =>
  fetchPayload(ports(more), { version: 1, sha1: file }, delivery(receiveCount));
const request = async () => (await requests.get([file])).get(file);
const untouched = (): void => {
  expect(payloads.objects.size).toBe(0);
  expect(payloads.records.size).toBe(0);
  expect(payloads.open.size).toBe(0);
};

describe('a file', () => {
  it('is fetched, proved, held and recorded', async () => {
    const result = await fetchIt();
    expect(result).toEqual({ outcome: 'fetched', sha256: facts.sha256, bytes: bytes.byteLength });
    expect(measureFetch(result)).toEqual({ PayloadBytes: bytes.byteLength });
    expect(payloads.objects.get(sha256(bytes))).toEqual(bytes);
    expect(payloads.records.get(file)).toEqual({
      sha1: file,
      sha256: sha256(bytes),
      size: bytes.byteLength,
      name: 'update.cab',
      heldAt: at(5),
    });
    expect(await request()).toMatchObject({ state: 'done', sha256: sha256(bytes), attempts: 1 });
    const [twin] = origin.seen.map(({ host, path }) => `${host}${path}`);
    expect([twin, origin.seen.length]).toEqual(['catalog.s.download.windowsupdate.com/d/msdownload/update.cab', 1]);
    expect(events.sent).toEqual([
      {
        type: 'FileCached',
        detail: { version: 1, sha1: file, sha256: sha256(bytes), size: bytes.byteLength, name: 'update.cab' },
      },
    ]);
  });

  it('that was retired lately is held again, without a download', async () => {
    await fetchIt();
    const cleaning = new MemoryPayloadCleaning(payloads);
    await cleaning.retire((await cleaning.list('held', { limit: 9 })).items, at(10));
    await requests.open({ sha1: file, requestedBy: 'pc-2', requestedAt: at(20) });
    expect(await fetchIt()).toEqual({ outcome: 'already-held', sha256: facts.sha256 });
    expect([...(await payloads.held([file])).keys()]).toEqual([file]);
    expect(origin.seen).toHaveLength(1);
    expect(await request()).toMatchObject({ state: 'done' });
  });

  it('whose bytes are just being removed comes with a later delivery', async () => {
    await fetchIt();
    const cleaning = new MemoryPayloadCleaning(payloads);
    await cleaning.retire((await cleaning.list('held', { limit: 9 })).items, at(1));
    await cleaning.remove((await cleaning.list('retired', { limit: 9 })).items, at(4));
    await requests.open({ sha1: file, requestedBy: 'pc-2', requestedAt: at(20) });
    await expect(fetchIt()).rejects.toMatchObject({ code: 'conflict' });
    expect(await request()).toMatchObject({ state: 'queued', lastError: /being removed/ });
    expect(await fetchIt(2, { now: () => new Date(at(4000)) })).toMatchObject({ outcome: 'fetched' });
    expect(payloads.objects.get(sha256(bytes))).toEqual(bytes);
  });

  it('is told of again by the delivery after one that died between telling and ending', async () => {
    const dies = { requests: dying(requests, 'complete', 'before') };
    await expect(fetchIt(1, dies)).rejects.toThrow('died');
    expect(await fetchIt(2)).toMatchObject({ outcome: 'already-held' });
    expect(events.of('FileCached')).toHaveLength(2);
  });

  it('arrives also when nobody can be told', async () => {
    events.broken = true;
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    expect(await request()).toMatchObject({ state: 'done' });
    expect(events.lost).toHaveLength(1);
  });

  it('without a SHA-256 in the index is proved by length and SHA-1, and its SHA-256 is recorded', async () => {
    const { sha256: _, ...old } = facts;
    await catalog.putFileFacts([old]);
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched', sha256: sha256(bytes) });
    expect(payloads.records.get(file)?.sha256).toBe(sha256(bytes));
  });

  it('may be empty', async () => {
    const nothing = Buffer.alloc(0);
    await catalog.putFileFacts([{ sha1: sha1(nothing), sha256: sha256(nothing), size: 0, url }]);
    await requests.open({ sha1: sha1(nothing), requestedBy: 'pc-1', requestedAt: at(0) });
    origin.answer = serveFile(nothing, '"x"');
    expect(await fetchPayload(ports(), { version: 1, sha1: sha1(nothing) }, delivery())).toMatchObject({ bytes: 0 });
    expect(payloads.objects.get(sha256(nothing))).toEqual(nothing);
  });

  it('that two deliveries ask for at once is downloaded once', async () => {
    const other = fetchPayload(ports(), { version: 1, sha1: file }, delivery(1, { messageId: 'm2' }));
    const results = await Promise.all([fetchIt(), other]);
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['fetched', 'nothing-to-do']);
    expect(origin.seen).toHaveLength(1);
  });

  it('that is delivered again after it is done is not downloaded again', async () => {
    await fetchIt();
    expect(await fetchIt(2)).toEqual({ outcome: 'nothing-to-do' });
    expect(origin.seen).toHaveLength(1);
    expect(events.sent).toHaveLength(1);
  });

  it('that is held already ends its request without a download', async () => {
    await payloads.record({ sha1: file, sha256: sha256(bytes), size: bytes.byteLength, heldAt: at(0) });
    const result = await fetchIt();
    expect(result).toEqual({ outcome: 'already-held', sha256: sha256(bytes) });
    expect(measureFetch(result)).toEqual({});
    expect(await request()).toMatchObject({ state: 'done' });
    expect(origin.seen).toHaveLength(0);
  });

  it('whose worker died in the middle arrives with the redelivery', async () => {
    await requests.claim(file, { messageId: 'm1', receiveCount: 1, leaseUntil: at(900) }, at(2));
    expect(await fetchIt(1)).toEqual({ outcome: 'nothing-to-do' });
    expect(await fetchIt(2)).toMatchObject({ outcome: 'fetched' });
    expect(await request()).toMatchObject({ state: 'done', attempts: 2 });
  });
});

describe('what is not the file of the index', () => {
  const wrong = Buffer.from(bytes);
  wrong[3] = 0;
  it.each([
    ['wrong bytes', wrong, facts, 'wrong-bytes', /SHA-1/],
    ['bytes with the right SHA-1 only', bytes, { ...facts, sha256: sha256('x') }, 'wrong-bytes', /SHA-256/],
    ['a shorter file', bytes.subarray(1), facts, 'wrong-length', /has 21 bytes; the index says 22/],
    ['a longer file', Buffer.concat([bytes, bytes]), facts, 'too-long', /44 bytes/],
  ])('(%s) is refused, kept nowhere, and the request says why', async (_what, served, said, code, reason) => {
    await catalog.putFileFacts([said]);
    origin.answer = serveFile(served, '"x"');
    await expect(fetchIt()).rejects.toMatchObject({ code });
    untouched();
    expect(await request()).toMatchObject({ state: 'queued', lastError: expect.stringMatching(reason) });
  });
});

describe('a failure', () => {
  it('before the last delivery leaves the request for the next one', async () => {
    origin.answer = (_request, response) => response.writeHead(503).end();
    await expect(fetchIt(2)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await request()).toMatchObject({ state: 'queued', queuedAt: at(5) });
    origin.answer = serveFile(bytes, '"x"');
    expect(await fetchIt(3)).toMatchObject({ outcome: 'fetched' });
    expect(await request()).not.toHaveProperty('lastError');
  });

  it('at the last delivery gives the request up', async () => {
    origin.answer = (_request, response) => response.writeHead(503).end();
    await expect(fetchIt(3)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await request()).toMatchObject({
      state: 'failed',
      failedAt: at(5),
      lastError: expect.stringContaining('503'),
    });
    expect(measureFetchFailure(3, 3)).toEqual({ FetchFailed: 1, RequestsGivenUp: 1 });
    expect(measureFetchFailure(2, 3)).toEqual({ FetchFailed: 1, RequestsGivenUp: 0 });
  });

  it.each([404, 410])('that no other delivery would mend (%i) gives the request up at once', async (status) => {
    origin.answer = (_request, response) => response.writeHead(status).end();
    const result = await fetchIt(1);
    expect(result).toEqual({ outcome: 'given-up', reason: expect.stringContaining(String(status)) });
    expect(measureFetch(result)).toEqual({ FetchFailed: 1, RequestsGivenUp: 1 });
    expect(await request()).toMatchObject({ state: 'failed', lastError: expect.stringContaining(String(status)) });
  });

  it('of a body that breaks off keeps nothing', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength });
      response.write(bytes.subarray(0, 5), () => response.destroy());
    };
    await expect(fetchIt()).rejects.toMatchObject({ code: 'cut' });
    untouched();
  });

  it('to end in time stops cleanly', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200);
      response.write(bytes.subarray(0, 5));
    };
    const slow = fetchPayload(ports(), { version: 1, sha1: file }, delivery(1, { signal: AbortSignal.timeout(50) }));
    await expect(slow).rejects.toMatchObject({ code: 'aborted' });
    untouched();
    expect(await request()).toMatchObject({ state: 'queued', lastError: expect.stringContaining('stopped') });
  });

  it.each([
    ['a digest that no publication names', undefined, 'not-in-catalogue'],
    ['a file without an address', { sha1: file }, 'no-address'],
    ['an address that is not Microsoft’s', { ...facts, url: 'http://evil.example/update.cab' }, 'host-not-allowed'],
  ])('for %s contacts nobody', async (_what, said, code) => {
    catalog.facts.clear();
    if (said !== undefined) await catalog.putFileFacts([said]);
    await expect(fetchIt()).rejects.toMatchObject({ code });
    expect(origin.seen).toHaveLength(0);
    expect(await request()).toMatchObject({ state: 'queued', lastError: expect.any(String) });
  });

  it('to store is passed on, and the upload forgotten', async () => {
    const full = Object.assign(Object.create(payloads), {
      begin: async (wanted: { sha1: string }) => ({
        ...(await payloads.begin(wanted)),
        write: async () => {
          throw new Error('no room');
        },
      }),
    });
    await expect(fetchIt(1, { payloads: full })).rejects.toThrow('no room');
    untouched();
  });

  it('that cannot be noted shows both reasons', async () => {
    origin.answer = (_request, response) => response.writeHead(503).end();
    const broken = Object.assign(Object.create(requests), {
      claim: requests.claim.bind(requests),
      fail: async () => {
        throw new Error('the table is gone');
      },
    });
    await expect(fetchIt(1, { requests: broken })).rejects.toMatchObject({
      message: expect.stringContaining('503'),
      errors: [{ code: 'unavailable' }, { message: 'the table is gone' }],
    });
  });
});
