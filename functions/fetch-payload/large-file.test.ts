import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileRequest } from '#shared/contract/requests.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { MemoryEventSink } from '#test/kit/memory-events.ts';
import { MemoryRequestStore } from '#test/kit/memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from '#test/kit/memory-stores.ts';
import { MemoryTransferStore } from '#test/kit/memory-transfers.ts';
import { type Origin, serveFile, serveRanges, startOrigin } from '#test/kit/origin.ts';
import { altered, dying } from '#test/kit/sync-bench.ts';
import { at, sha1, sha256 } from '#test/kit/values.ts';
import { fetchPayload } from './fetch-payload.ts';
import { defaultLimits, type FetchDelivery, type FetchPorts } from './ports.ts';

const partBytes = 1000;
const bytes = Buffer.from(Uint8Array.from({ length: 7500 }, (_, n) => (n * 31) % 251));
const parts = 8;
const url = 'http://download.windowsupdate.com/d/msdownload/large.cab';
const facts = { sha1: sha1(bytes), sha256: sha256(bytes), name: 'large.cab', size: bytes.byteLength, url };

let origin: Origin;
let requests: MemoryRequestStore;
let payloads: MemoryPayloadStore;
let transfers: MemoryTransferStore;
let catalog: MemoryCatalogStore;
/** Seconds. */
let now: number;
let message: number;

beforeEach(async () => {
  origin = await startOrigin();
  requests = new MemoryRequestStore();
  payloads = new MemoryPayloadStore();
  transfers = new MemoryTransferStore(payloads.objects);
  catalog = new MemoryCatalogStore();
  now = 5;
  message = 0;
  await catalog.putFileFacts([facts]);
  await requests.open({ sha1: facts.sha1, requestedBy: 'pc-1', requestedAt: at(0) });
  origin.answer = serveRanges(bytes, '"x"');
});
afterEach(() => origin.close());

const ports = (more: Partial<FetchPorts> = {}): FetchPorts => ({
  requests,
  payloads,
  transfers,
  catalog,
  events: new MemoryEventSink(),
  upstream: createUpstream({
    dispatcher: origin.agent,
    timing: { now: () => now * 1000, random: () => 0, sleep: async () => {} },
  }),
  now: () => new Date(at(now)),
  sleep: async () => {},
  maxReceiveCount: 3,
  limits: { ...defaultLimits, partBytes, partsInFlight: 1 },
  ...more,
});
/** A delivery of a new message, in a worker of fifteen minutes. */
const fetchIt = (more: Partial<FetchPorts> = {}, delivery: Partial<FetchDelivery> = {}) => {
  message += 1;
  return fetchPayload(
    ports(more),
    { version: 1, sha1: facts.sha1 },
    {
      messageId: `m${message}`,
      receiveCount: 1,
      deadlineAt: new Date(at(now + 900)),
      signal: new AbortController().signal,
      ...delivery,
    },
  );
};
const request = async (): Promise<FileRequest | undefined> => (await requests.get([facts.sha1])).get(facts.sha1);
/** Numbers of the parts that the origin was asked for since the last time, from 0. */
const partsAsked = (): number[] =>
  origin.seen.splice(0).map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1]) / partBytes);
const all = Array.from({ length: parts }, (_, n) => n);
/** Answers as the file, but for one part. */
const except = (part: number, answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const whole = serveRanges(bytes, '"x"');
  origin.answer = (asked, response) =>
    (asked.headers.range?.startsWith(`bytes=${part * partBytes}-`) ? answer : whole)(asked, response);
};
const unavailable = (_: IncomingMessage, response: ServerResponse): void => void response.writeHead(503).end();
const isThere = (): void => {
  expect(payloads.objects.get(facts.sha256)?.equals(bytes)).toBe(true);
  expect(payloads.records.get(facts.sha1)).toMatchObject({ sha256: facts.sha256, size: bytes.byteLength });
  expect([transfers.uploads.size, transfers.staged.size]).toEqual([0, 0]);
};

describe('a large file', () => {
  it('is fetched in parts, each once, proved and recorded', async () => {
    expect(await fetchIt()).toEqual({ outcome: 'fetched', sha256: facts.sha256, bytes: bytes.byteLength });
    expect(partsAsked()).toEqual(all);
    isThere();
    expect(await request()).toMatchObject({ state: 'done' });
    expect(await request()).not.toHaveProperty('progress');
  });

  it('is hashed in its order whatever order its parts come in', async () => {
    const whole = serveRanges(bytes, '"x"');
    origin.answer = (asked, response) => {
      const from = Number(/^bytes=(\d+)-/.exec(asked.headers.range ?? '')?.[1]);
      setTimeout(() => whole(asked, response), from === partBytes ? 60 : 0);
    };
    const limits = { ...defaultLimits, partBytes, partsInFlight: 3 };
    expect(await fetchIt({ limits })).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('keeps no more parts in memory than it may', async () => {
    let [inFlight, most] = [0, 0];
    const { upstream } = ports();
    const put = async <T>(work: Promise<T>): Promise<T> => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      return work.finally(() => {
        inFlight -= 1;
      });
    };
    const getRange: typeof upstream.getRange = (...asked) => put(upstream.getRange(...asked));
    const limits = { ...defaultLimits, partBytes, partsInFlight: 3 };
    await fetchIt({ limits, upstream: altered(upstream, { getRange }) });
    expect(most).toBe(3);
  });

  it('goes on in the next delivery when the time is over, and tells how far it is', async () => {
    const { upstream } = ports();
    const slow = altered(upstream, {
      getRange: async (...asked: Parameters<typeof upstream.getRange>) => {
        now += 300;
        return upstream.getRange(...asked);
      },
    });
    expect(await fetchIt({ upstream: slow })).toEqual({ outcome: 'paused', bytes: 4 * partBytes });
    expect(await request()).toMatchObject({
      state: 'open',
      progress: { bytes: 4 * partBytes, of: bytes.byteLength, startedAt: at(5), at: at(905) },
    });
    expect(payloads.objects.size).toBe(0);
    partsAsked();
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    expect(partsAsked()).toEqual(all.slice(4));
    isThere();
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'whose worker dies when part %i is stored loses that part at most',
    async (kept) => {
      let puts = 0;
      const upload: typeof transfers.upload = (...names) => {
        const real = transfers.upload(...names);
        return altered(real, {
          put: async (...part: Parameters<typeof real.put>) => {
            if (puts === kept) throw new Error('died');
            puts += 1;
            return real.put(...part);
          },
        });
      };
      // A process that dies notes nothing.
      const silent = altered(requests, { fail: async () => {}, pause: async () => {} });
      const dead = { transfers: altered(transfers, { upload }), requests: silent };
      await fetchIt(dead, { messageId: 'm', receiveCount: 1 }).catch(() => {});
      expect(await request()).toMatchObject({ state: 'fetching' });
      partsAsked();
      expect(await fetchIt({}, { messageId: 'm', receiveCount: 2 })).toMatchObject({ outcome: 'fetched' });
      expect(partsAsked()).toEqual(all.slice(kept));
      isThere();
    },
  );

  it.each([
    ['completed', 'openStaged'],
    ['proved', 'publishStaged'],
    ['published', 'dropStaged'],
  ] as const)('whose worker dies after it was %s is not downloaded again', async (_what, method) => {
    await fetchIt({}, { signal: AbortSignal.abort() }).catch(() => {});
    except(7, unavailable);
    expect(await fetchIt()).toMatchObject({ outcome: 'paused', reason: expect.stringContaining('503') });
    origin.answer = serveRanges(bytes, '"x"');
    const silent = altered(requests, { fail: async () => {}, pause: async () => {} });
    const dead = { transfers: dying(transfers, method, 'before'), requests: silent };
    await fetchIt(dead, { messageId: 'm', receiveCount: 1 }).catch(() => {});
    partsAsked();
    expect(await fetchIt({}, { messageId: 'm', receiveCount: 2 })).toMatchObject({ sha256: facts.sha256 });
    expect(partsAsked()).toEqual([]);
    await transfers.dropStaged(facts.sha1);
    isThere();
  });

  it('that changes under its copy is begun again, and mixes nothing', async () => {
    const before = serveRanges(Buffer.alloc(bytes.byteLength, 1), '"old"');
    const after = serveRanges(bytes, '"x"');
    let asked = 0;
    origin.answer = (...exchange) => {
      asked += 1;
      (asked < 4 ? before : after)(...exchange);
    };
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('that changes all the time is given up for this delivery', async () => {
    let tag = 0;
    origin.answer = (...exchange) => {
      tag += 1;
      serveRanges(bytes, `"${tag}"`)(...exchange);
    };
    await expect(fetchIt()).rejects.toMatchObject({ code: 'changing' });
    expect(transfers.uploads.size).toBe(0);
    expect(await request()).toMatchObject({ state: 'queued', lastError: expect.stringMatching(/changed .* 4 times/) });
  });

  it.each([
    ['of an origin that takes no ranges', () => serveFile(bytes, '"x"')],
    ['of an origin without strong tags', () => serveRanges(bytes, 'W/"x"')],
  ])('%s comes in one go', async (_what, answer) => {
    origin.answer = answer();
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it.each([
    ['in one delivery', false],
    ['over two', true],
  ])('of wrong bytes (%s) is refused, and nothing of it is kept', async (_what, interrupted) => {
    const wrong = Buffer.from(bytes);
    wrong[3000] = (wrong[3000] ?? 0) ^ 1;
    origin.answer = serveRanges(wrong, '"x"');
    if (interrupted) {
      const real = origin.answer;
      origin.answer = (asked, response) =>
        (asked.headers.range?.startsWith('bytes=5000-') ? unavailable : real)(asked, response);
      expect(await fetchIt()).toMatchObject({ outcome: 'paused' });
      origin.answer = real;
    }
    await expect(fetchIt()).rejects.toMatchObject({ code: 'wrong-bytes' });
    expect([payloads.objects.size, transfers.uploads.size, transfers.staged.size]).toEqual([0, 0, 0]);
    expect(await request()).toMatchObject({ state: 'queued', lastError: expect.stringContaining('SHA-1') });
  });

  it('of another length than the index says is refused', async () => {
    origin.answer = serveRanges(Buffer.concat([bytes, bytes]), '"x"');
    await expect(fetchIt()).rejects.toMatchObject({ code: 'too-long' });
    origin.answer = serveRanges(bytes.subarray(0, 5000), '"x"');
    await expect(fetchIt()).rejects.toMatchObject({ code: 'changing' });
    expect([payloads.objects.size, transfers.uploads.size]).toEqual([0, 0]);
  });

  it('whose upload somebody dropped is begun anew', async () => {
    except(4, unavailable);
    await fetchIt();
    transfers.uploads.clear();
    origin.answer = serveRanges(bytes, '"x"');
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('that does get on is not given up for the number of its deliveries', async () => {
    for (let part = 1; part < 7; part += 1) {
      except(part, unavailable);
      expect(await fetchIt({}, { receiveCount: 3 })).toMatchObject({ outcome: 'paused', bytes: part * partBytes });
    }
    origin.answer = serveRanges(bytes, '"x"');
    expect(await fetchIt({}, { receiveCount: 3 })).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('that ends its worker each time is given up', async () => {
    const silent = altered(requests, { fail: async () => {}, pause: async () => {} });
    const beginPayload = async (): Promise<never> => {
      throw new Error('died');
    };
    const dead = { requests: silent, upstream: altered(ports().upstream, { beginPayload }) };
    for (let times = 0; times < 6; times += 1) {
      await fetchIt(dead).catch(() => {});
      now += 1000;
    }
    expect(await fetchIt()).toEqual({ outcome: 'given-up', reason: expect.stringMatching(/^6 deliveries of /) });
    expect(await request()).toMatchObject({
      state: 'failed',
      lastError: expect.stringContaining('without saying why'),
    });
  });

  it('is taken over soon after its worker fell silent, and not while it is proved', async () => {
    const leases: (string | undefined)[] = [];
    const note: typeof requests.note = async (...noted) => {
      now += 100;
      const answer = await requests.note(...noted);
      const seen = await request();
      leases.push(seen?.state === 'fetching' ? seen.leaseUntil : undefined);
      return answer;
    };
    await fetchIt({
      requests: altered(requests, { note }),
      limits: { ...defaultLimits, partBytes: 5000, partsInFlight: 1 },
    });
    // Begun at 5 seconds with 900 to go: noted at the beginning, at each of two parts, and before it is proved.
    expect(leases).toEqual([at(125), at(225), at(325), at(905)]);
  });

  it('is begun anew at the address of the index when its twin by HTTPS loses it', async () => {
    let atTwin = 0;
    const whole = serveRanges(bytes, '"x"');
    origin.answer = (asked, response) => {
      const isTwin = asked.headers.host?.startsWith('catalog.') === true;
      atTwin += isTwin ? 1 : 0;
      if (isTwin && atTwin > 3) response.writeHead(404).end();
      else whole(asked, response);
    };
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('goes on at the address of the index when its twin by HTTPS goes away, without a part twice', async () => {
    const whole = serveRanges(bytes, '"x"');
    const hosts: string[] = [];
    origin.answer = (asked, response) => {
      const { host = '', range } = asked.headers;
      const isAway = host.startsWith('catalog.') && hosts.length >= 3;
      if (!isAway) hosts.push(host);
      if (isAway) unavailable(asked, response);
      else whole(asked, response);
      expect(range).toBeDefined();
    };
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    expect(hosts).toEqual([
      ...Array(3).fill('catalog.s.download.windowsupdate.com'),
      ...Array(parts - 3).fill('download.windowsupdate.com'),
    ]);
    isThere();
  });

  it.each([404, 403])('goes on at the address of the index when its twin answers %i midway', async (status) => {
    const whole = serveRanges(bytes, '"x"');
    let [atTwin, parts] = [0, 0];
    origin.answer = (asked, response) => {
      const isTwin = asked.headers.host?.startsWith('catalog.') === true;
      atTwin += isTwin ? 1 : 0;
      if (isTwin && atTwin > 3) {
        response.writeHead(status).end();
        return;
      }
      parts += 1;
      whole(asked, response);
    };
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    expect(parts).toBe(all.length);
    isThere();
  });

  it('keeps its parts over a time in which the twin is away and the address of the index has another file', async () => {
    const [twins, own] = [serveRanges(bytes, '"x"'), serveRanges(bytes, '"y"')];
    let asked = 0;
    let isBack = false;
    origin.answer = (request, response) => {
      const isTwin = request.headers.host?.startsWith('catalog.') === true;
      asked += isTwin ? 1 : 0;
      (isTwin ? (asked > 3 && !isBack ? unavailable : twins) : own)(request, response);
    };
    expect(await fetchIt()).toMatchObject({ outcome: 'paused', reason: expect.stringMatching(/503; .*large\.cab/) });
    isBack = true;
    origin.seen.length = 0;
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    expect(partsAsked()).toEqual(all.slice(3));
    isThere();
  });

  it('is begun anew by the second delivery when the twin stays away and the address of the index has another file', async () => {
    const [twins, own] = [serveRanges(bytes, '"x"'), serveRanges(bytes, '"y"')];
    let atTwin = 0;
    origin.answer = (asked, response) => {
      const isTwin = asked.headers.host?.startsWith('catalog.') === true;
      atTwin += isTwin ? 1 : 0;
      (isTwin ? (atTwin > 3 ? unavailable : twins) : own)(asked, response);
    };
    expect(await fetchIt()).toMatchObject({ outcome: 'paused' });
    expect(await fetchIt({}, { receiveCount: 2 })).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('that another delivery took over is left to it', async () => {
    const { upstream } = ports();
    let taken = false;
    const getRange: typeof upstream.getRange = async (...asked) => {
      if (!taken) {
        taken = true;
        await requests.claim(facts.sha1, { messageId: 'm', receiveCount: 2, leaseUntil: at(now + 900) }, at(now));
      }
      return upstream.getRange(...asked);
    };
    const delivery = { messageId: 'm', receiveCount: 1 };
    expect(await fetchIt({ upstream: altered(upstream, { getRange }) }, delivery)).toEqual({
      outcome: 'nothing-to-do',
    });
    expect(await request()).toMatchObject({ state: 'fetching' });
    now += 1000;
    expect(await fetchIt()).toMatchObject({ outcome: 'fetched' });
    isThere();
  });

  it('takes no more than its share of the bandwidth', async () => {
    let slept = 0;
    const sleep = async (milliseconds: number): Promise<void> => {
      slept += milliseconds;
    };
    const limits = { ...defaultLimits, partBytes, partsInFlight: 1, bytesPerSecond: 1000 };
    await fetchIt({ limits, sleep });
    // Seven and a half seconds for all, waited for while the clock stands still.
    expect(slept).toBeGreaterThanOrEqual(7500);
  });
});
