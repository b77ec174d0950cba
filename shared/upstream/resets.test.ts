/** An origin whose connections are reset (RST) or closed, and one that says to wait: what is tried again, and how long later. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Origin, serveRanges, startOrigin } from '#test/kit/origin.ts';
import { createUpstream, type Upstream } from './client.ts';
import type { Timing } from './retry.ts';

const file = Buffer.from('0123456789');
const range = { etag: '"one"', length: 10, from: 3, to: 7 };
// A host without a twin by HTTPS.
const address = 'http://www.windowsupdate.com/d/a.cab';

let origin: Origin;
let slept: number[];
let chance: number;
beforeEach(async () => {
  slept = [];
  chance = 0.5;
  origin = await startOrigin();
});
afterEach(() => origin.close());

const timing: Timing = {
  now: () => Date.UTC(2026, 6, 14, 12, 0, 0),
  random: () => chance,
  sleep: async (milliseconds) => {
    slept.push(milliseconds);
  },
};
const upstream = (): Upstream => createUpstream({ dispatcher: origin.agent, timing });

type Trouble = (request: IncomingMessage, response: ServerResponse) => void;

/** So many answers fail in this way, and then the file is served. */
function fails(times: number, trouble: Trouble): void {
  const serve = serveRanges(file, '"one"');
  origin.answer = (request, response) => (origin.seen.length <= times ? trouble : serve)(request, response);
}

const reset: Trouble = (request) => request.socket.resetAndDestroy();
const inTheHeaders: Trouble = (request) =>
  request.socket.write('HTTP/1.1 206 Partial Content\r\nETag: "one"\r\nContent-Ra', () =>
    request.socket.resetAndDestroy(),
  );
/** The first two bytes of the piece arrive. */
const inTheBody: Trouble = (request, response) => {
  response.writeHead(206, { etag: '"one"', 'content-range': 'bytes 3-6/10', 'content-length': 4 });
  response.write('34', () => setTimeout(() => request.socket.resetAndDestroy(), 20));
};
const silent: Trouble = (request) => request.socket.end();

describe('a piece', () => {
  it.each([
    ['before an answer', reset],
    ['in the middle of the headers', inTheHeaders],
    ['in the middle of the body', inTheBody],
    ['by an end without an answer', silent],
  ])('arrives whole when connections break %s', async (_when, trouble) => {
    fails(4, trouble);
    expect(Buffer.from(await upstream().getRange(address, range)).toString()).toBe('3456');
    expect(slept).toEqual([250, 500, 1000, 2000]);
    expect(origin.seen.map(({ headers }) => [headers.range, headers['if-match']])).toEqual(
      Array.from({ length: 5 }, () => ['bytes=3-6', '"one"']),
    );
  });

  it.each([
    ['before an answer', reset, 'unavailable'],
    ['in the middle of the body', inTheBody, 'cut'],
  ])('is given up after five breaks %s', async (_when, trouble, code) => {
    fails(5, trouble);
    await expect(upstream().getRange(address, range)).rejects.toMatchObject({ code, retryable: true });
    expect(origin.seen).toHaveLength(5);
  });

  it('that is another one after a reset is not taken', async () => {
    const other = serveRanges(Buffer.from('abcdefghij'), '"two"');
    origin.answer = (request, response) => (origin.seen.length === 1 ? reset : other)(request, response);
    await expect(upstream().getRange(address, range)).rejects.toMatchObject({ code: 'changed' });
  });
});

it('a twin by HTTPS is asked once more after a reset: its connection may have died long before', async () => {
  const names = () => origin.seen.map(({ host }) => host);
  fails(1, reset);
  await upstream().getPayload(['http://download.windowsupdate.com/a'], { size: 10 });
  expect(names()).toEqual(['catalog.s.download.windowsupdate.com', 'catalog.s.download.windowsupdate.com']);
  origin.seen.length = 0;
  fails(2, reset);
  await upstream().getPayload(['http://download.windowsupdate.com/a'], { size: 10 });
  expect(names().at(-1)).toBe('download.windowsupdate.com');
  expect(names()).toHaveLength(3);
});

describe('waits', () => {
  it('are anything between nothing and twice as much each time, up to a bound', async () => {
    for (const [drawn, waits] of [
      [0, [0, 0, 0, 0]],
      [0.999, [500, 999, 1998, 3996]],
    ] as const) {
      slept = [];
      origin.seen.length = 0;
      chance = drawn;
      fails(4, reset);
      await upstream().getRange(address, range);
      expect(slept).toEqual(waits);
    }
  });

  it.each([408, 429, 500, 502, 503, 504])('are made for %i', async (status) => {
    fails(1, (_request, response) => response.writeHead(status).end('later'));
    await upstream().getRange(address, range);
    expect(slept).toEqual([250]);
  });

  it.each([
    ['seconds', '20'],
    ['a date', 'Tue, 14 Jul 2026 12:00:20 GMT'],
  ])('are as long as Retry-After says by %s, and a little longer by chance', async (_form, retryAfter) => {
    fails(1, (_request, response) => response.writeHead(429, { 'retry-after': retryAfter }).end());
    await upstream().getRange(address, range);
    expect(slept).toEqual([20_250]);
  });

  it.each([
    ['at once', 1, '31', []],
    ['when it has waited before', 2, '16', [16_250]],
  ])('that Retry-After wants beyond the budget are left to the caller %s', async (_when, times, retryAfter, waits) => {
    fails(times, (_request, response) => response.writeHead(503, { 'retry-after': retryAfter }).end());
    await expect(upstream().getRange(address, range)).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: Number(retryAfter),
    });
    expect(slept).toEqual(waits);
    expect(origin.seen).toHaveLength(times);
  });
});

describe('a whole file', () => {
  it('is begun again after a reset, and one that breaks off is the caller’s', async () => {
    fails(2, (request, response) => (origin.seen.length === 1 ? reset : inTheWhole)(request, response));
    const begun = await upstream().getPayload([address], { size: 10 });
    const reading = (async () => {
      for await (const _ of begun.body);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'cut', message: expect.stringContaining('(ECONNRESET)') });
  });
});

const inTheWhole: Trouble = (request, response) => {
  response.writeHead(200, { etag: '"one"', 'content-length': 10 });
  response.write('012', () => setTimeout(() => request.socket.resetAndDestroy(), 20));
};
