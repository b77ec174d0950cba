/** Over 300 lines: one client against one origin; conditions, ranges, redirects and failures share its set-up. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Origin, serveRanges, startOrigin } from '#test/kit/origin.ts';
import { createUpstream, type Upstream, type UpstreamOptions } from './client.ts';
import { retryAfterSeconds, type Timing, withRetries } from './retry.ts';
import { UpstreamError } from './upstream-error.ts';

let origin: Origin;
let slept: number[];

const timing: Timing = {
  now: () => Date.UTC(2026, 6, 14, 12, 0, 0),
  random: () => 0.5,
  sleep: async (milliseconds, signal) => {
    signal?.throwIfAborted();
    slept.push(milliseconds);
  },
};

beforeEach(async () => {
  slept = [];
  origin = await startOrigin();
});
afterEach(() => origin.close());

const upstream = (more: Partial<UpstreamOptions> = {}): Upstream =>
  createUpstream({ dispatcher: origin.agent, timing, ...more });

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return Buffer.concat(chunks).toString();
}

const indexAddress = 'http://download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab';
// A host without a twin by HTTPS; those have a test file of their own.
const fileAddress = 'http://www.windowsupdate.com/filestreamingservice/files/1/public/a_1.cab?P1=2';

describe('the index', () => {
  const known = { etag: '"one"', lastModified: 'Tue, 14 Jul 2026 17:00:00 GMT' };
  const options = { firstBytes: 1 };
  const conditions = { 'if-none-match': known.etag, 'if-modified-since': known.lastModified };

  it.each([
    [4, 'a ca'],
    [9, 'a cabinet'],
    [100, 'a cabinet'],
  ])('comes with its validators, its length and its first %i bytes when it changed', async (firstBytes, piece) => {
    origin.answer = serveRanges(Buffer.from('a cabinet'), '"two"');
    const index = await upstream().getIndex(indexAddress, known, { firstBytes });
    if (index.kind !== 'ranged') throw new Error(`it is ${index.kind}`);
    expect(index).toMatchObject({ validators: { etag: '"two"' }, length: 9 });
    expect(Buffer.from(await index.first()).toString()).toBe(piece);
    expect(origin.seen).toHaveLength(1);
    expect(origin.seen[0]).toMatchObject({ host: 'download.windowsupdate.com', path: new URL(indexAddress).pathname });
    expect(origin.seen[0]?.headers).toMatchObject({ range: `bytes=0-${firstBytes - 1}`, ...conditions });
  });

  it('is asked for without conditions when nothing is known', async () => {
    origin.answer = serveRanges(Buffer.from('a cabinet'), '"two"');
    await upstream().getIndex(indexAddress, {}, options);
    for (const condition of Object.keys(conditions)) expect(origin.seen[0]?.headers[condition]).toBeUndefined();
  });

  it('comes whole from an origin that does not take ranges', async () => {
    origin.answer = (_request, response) =>
      response.writeHead(200, { etag: '"one"', 'last-modified': known.lastModified }).end('cab');
    const index = await upstream().getIndex(indexAddress, {}, options);
    if (index.kind !== 'whole') throw new Error(`it is ${index.kind}`);
    expect(index.validators).toEqual(known);
    expect(index.length).toBeUndefined();
    expect(await read(index.body)).toBe('cab');
    expect(origin.seen).toHaveLength(1);
  });

  it.each([
    ['weak tag', { etag: 'W/"one"', 'content-range': 'bytes 0-0/3' }],
    ['missing tag', { 'content-range': 'bytes 0-0/3' }],
    ['length that is not said', { etag: '"one"', 'content-range': 'bytes 0-0/*' }],
    ['other piece than was asked for', { etag: '"one"', 'content-range': 'bytes 1-1/3' }],
  ])('comes whole when its pieces could not be told apart: %s', async (_what, headers) => {
    origin.answer = (request, response) => {
      if (request.headers.range === undefined) response.end('cab');
      else response.writeHead(206, headers).end('c');
    };
    const index = await upstream().getIndex(indexAddress, known, options);
    if (index.kind !== 'whole') throw new Error(`it is ${index.kind}`);
    expect(await read(index.body)).toBe('cab');
    expect(origin.seen[1]?.headers).toMatchObject(conditions);
  });

  it('does not come when it is the known one', async () => {
    origin.answer = (_request, response) => response.writeHead(304).end();
    expect(await upstream().getIndex(indexAddress, known, options)).toEqual({ kind: 'unchanged' });
  });

  it('is unchanged when it is any of those that are known, and which one is said', async () => {
    origin.answer = (_request, response) => response.writeHead(304, { etag: '"other"' }).end();
    const several = { ...known, others: ['"other"', known.etag] };
    expect(await upstream().getIndex(indexAddress, several, options)).toEqual({ kind: 'unchanged', etag: '"other"' });
    const { headers } = origin.seen.at(-1) ?? {};
    expect(headers?.['if-none-match']).toBe(`${known.etag}, "other"`);
    expect(headers).not.toHaveProperty('if-modified-since');
  });

  it('is not taken for unchanged when nothing was known', async () => {
    origin.answer = (_request, response) => response.writeHead(304).end();
    await expect(upstream().getIndex(indexAddress, {}, options)).rejects.toMatchObject({ code: 'refused' });
  });

  it('whose first piece breaks off can be asked for by pieces still', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(206, { etag: '"one"', 'content-range': 'bytes 0-8/9', 'content-length': 9 });
      response.write('a c', () => response.destroy());
    };
    const index = await upstream().getIndex(indexAddress, {}, { firstBytes: 9 });
    if (index.kind !== 'ranged') throw new Error(`it is ${index.kind}`);
    await expect(index.first()).rejects.toMatchObject({ code: 'cut' });
  });

  it('that is longer than any index is not begun', async () => {
    const headers = { etag: '"one"', 'content-range': `bytes 0-0/${5 * 1024 ** 3}` };
    origin.answer = (_request, response) => response.writeHead(206, headers).end('c');
    await expect(upstream().getIndex(indexAddress, {}, options)).rejects.toMatchObject({ code: 'too-long' });
  });
});

describe('a piece', () => {
  const file = Buffer.from('0123456789');
  const range = { etag: '"one"', length: 10, from: 3, to: 7 };

  it('is exactly what was asked for, under the tag of the whole', async () => {
    origin.answer = serveRanges(file, '"one"');
    expect(Buffer.from(await upstream().getRange(indexAddress, range)).toString()).toBe('3456');
    expect(origin.seen[0]?.headers).toMatchObject({ range: 'bytes=3-6', 'if-match': '"one"' });
    const whole = await upstream().getRange(indexAddress, { ...range, from: 0, to: 10 });
    expect(Buffer.from(whole).equals(file)).toBe(true);
  });

  it.each([
    ['412', 412, {}],
    ['416', 416, {}],
    ['a whole file', 200, { etag: '"one"' }],
    ['another tag', 206, { etag: '"two"', 'content-range': 'bytes 3-6/10' }],
    ['no tag', 206, { 'content-range': 'bytes 3-6/10' }],
    ['the tag as a weak one', 206, { etag: 'W/"one"', 'content-range': 'bytes 3-6/10' }],
    ['another length', 206, { etag: '"one"', 'content-range': 'bytes 3-6/11' }],
    ['another range', 206, { etag: '"one"', 'content-range': 'bytes 2-5/10' }],
    ['no range', 206, { etag: '"one"' }],
  ])('is of a file that changed when the answer is %s', async (_what, status, headers) => {
    origin.answer = (_request, response) => response.writeHead(status, headers).end('3456');
    await expect(upstream().getRange(indexAddress, range)).rejects.toMatchObject({ code: 'changed', retryable: false });
    expect(origin.seen).toHaveLength(1);
  });

  it('that breaks off, or comes after a 503, is asked for again', async () => {
    const serve = serveRanges(file, '"one"');
    origin.answer = (request, response) => {
      if (origin.seen.length === 1) {
        response.writeHead(206, { etag: '"one"', 'content-range': 'bytes 3-6/10', 'content-length': 4 });
        response.write('34', () => response.destroy());
      } else if (origin.seen.length === 2) response.writeHead(503).end();
      else serve(request, response);
    };
    expect(Buffer.from(await upstream().getRange(indexAddress, range)).toString()).toBe('3456');
    expect(origin.seen).toHaveLength(3);
  });

  it('that is shorter or longer than it should be is an error', async () => {
    const headers = { etag: '"one"', 'content-range': 'bytes 3-6/10' };
    origin.answer = (_request, response) => response.writeHead(206, headers).end('345');
    await expect(upstream().getRange(indexAddress, range)).rejects.toMatchObject({ code: 'cut' });
    origin.answer = (_request, response) => response.writeHead(206, headers).end('34567');
    await expect(upstream().getRange(indexAddress, range)).rejects.toMatchObject({ code: 'too-long' });
  });
});

describe('redirects', () => {
  const redirectTo =
    (location: string) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      if (request.url === '/target') response.end('there');
      else response.writeHead(302, { location }).end();
    };

  it('are followed to listed hosts, also relative ones', async () => {
    origin.answer = redirectTo('http://dl.delivery.mp.microsoft.com/target');
    expect(await read((await upstream().getPayload([fileAddress], {})).body)).toBe('there');
    origin.answer = redirectTo('/target');
    expect(await read((await upstream().getPayload([fileAddress], {})).body)).toBe('there');
    expect(origin.seen.map(({ host }) => host)).toEqual([
      'www.windowsupdate.com',
      'dl.delivery.mp.microsoft.com',
      'www.windowsupdate.com',
      'www.windowsupdate.com',
    ]);
  });

  it('are refused to any other host, which is not contacted', async () => {
    origin.answer = redirectTo('http://evil.example/target');
    await expect(upstream().getPayload([fileAddress], {})).rejects.toMatchObject({ code: 'host-not-allowed' });
    expect(origin.seen).toHaveLength(1);
  });

  it('are refused from HTTPS to plain HTTP, also on a listed host', async () => {
    origin.answer = redirectTo('http://www.windowsupdate.com/target');
    const secure = 'https://download.windowsupdate.com/a';
    await expect(upstream().getPayload([secure], {})).rejects.toMatchObject({ code: 'host-not-allowed' });
    expect(origin.seen).toHaveLength(1);
  });

  it('end after five', async () => {
    origin.answer = (_request, response) => response.writeHead(301, { location: '/again' }).end();
    await expect(upstream().getPayload([fileAddress], {})).rejects.toMatchObject({ code: 'too-many-redirects' });
    expect(origin.seen).toHaveLength(6);
  });
});

describe('retries', () => {
  it('of 503 end with the good answer, and wait as long as Retry-After says, in seconds', async () => {
    origin.answer = (_request, response) => {
      if (origin.seen.length === 1) response.writeHead(503, { 'retry-after': '7' }).end('busy');
      else if (origin.seen.length === 2) response.writeHead(503).end('busy');
      else response.end('file');
    };
    expect(await read((await upstream().getPayload([fileAddress], {})).body)).toBe('file');
    expect(slept).toEqual([7_250, 500]);
  });

  it('give up at once when Retry-After passes the budget', async () => {
    origin.answer = (_request, response) => response.writeHead(503, { 'retry-after': '3600' }).end();
    await expect(upstream().getPayload([fileAddress], {})).rejects.toMatchObject({
      code: 'unavailable',
      status: 503,
      retryAfterSeconds: 3600,
    });
    expect(origin.seen).toHaveLength(1);
  });

  it('of a broken connection are bounded', async () => {
    origin.answer = (request) => request.socket.destroy();
    await expect(upstream().getPayload([fileAddress], {})).rejects.toMatchObject({ code: 'unavailable' });
    expect(origin.seen).toHaveLength(5);
    expect(slept).toEqual([250, 500, 1000, 2000]);
  });

  it.each([
    [404, 'not-found'],
    [410, 'not-found'],
    [403, 'refused'],
    [206, 'refused'],
  ])('are not made for %i', async (status, code) => {
    origin.answer = (_request, response) => response.writeHead(status).end();
    await expect(upstream().getPayload([fileAddress], {})).rejects.toMatchObject({ code, status, retryable: false });
    expect(origin.seen).toHaveLength(1);
  });
});

describe('bodies', () => {
  it('that break off are `cut`', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('12345', () => response.destroy());
    };
    const file = await upstream().getPayload([fileAddress], { size: 10 });
    await expect(read(file.body)).rejects.toMatchObject({ code: 'cut', retryable: true });
  });

  it('are read no further than the index allows', async () => {
    let written = 0;
    let closed = false;
    origin.answer = (_request, response) => {
      response.on('close', () => {
        closed = true;
      });
      const more = (): void => {
        if (closed) return;
        written += 65_536;
        response.write(Buffer.alloc(65_536), more);
      };
      more();
    };
    const file = await upstream().getPayload([fileAddress], { size: 100_000 });
    await expect(read(file.body)).rejects.toMatchObject({ code: 'too-long', retryable: false });
    expect(written).toBeLessThan(50_000_000);
  });

  it('are not begun when the origin announces more than the index allows', async () => {
    origin.answer = (_request, response) => response.end('12345678901');
    await expect(upstream().getPayload([fileAddress], { size: 10 })).rejects.toMatchObject({ code: 'too-long' });
  });

  it('that stop coming are a `timeout`', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200);
      response.write('1');
    };
    const file = await upstream({ idleTimeoutMilliseconds: 1_100 }).getPayload([fileAddress], {});
    await expect(read(file.body)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('stop at the signal', async () => {
    origin.answer = (_request, response) => {
      response.writeHead(200);
      response.write('1');
    };
    const stop = new AbortController();
    const file = await upstream().getPayload([fileAddress], { signal: stop.signal });
    const reading = read(file.body);
    setTimeout(() => stop.abort(), 20);
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });

  it('can be cancelled unread', async () => {
    const closed = new Promise<void>((resolve) => {
      origin.answer = (_request, response) => {
        response.on('close', () => resolve());
        response.writeHead(200);
        response.write('1');
      };
    });
    (await upstream().getPayload([fileAddress], {})).cancel();
    await closed;
  });

  it('may be empty', async () => {
    origin.answer = (_request, response) => response.writeHead(200, { 'content-length': '0' }).end();
    const file = await upstream().getPayload([fileAddress], { size: 0 });
    expect(await read(file.body)).toBe('');
  });
});

it('gives up on headers that do not come', async () => {
  origin.answer = () => {};
  const impatient = upstream({
    headersTimeoutMilliseconds: 1_100,
    retry: { maxAttempts: 1, firstWaitMilliseconds: 1, maxWaitMilliseconds: 1, budgetMilliseconds: 1 },
  });
  await expect(impatient.getPayload([fileAddress], {})).rejects.toMatchObject({ code: 'timeout' });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 6, 14, 12, 0, 0);
  it.each([
    ['120', 120],
    [' 0 ', 0],
    ['Tue, 14 Jul 2026 12:00:30 GMT', 30],
    ['Tue, 14 Jul 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
  ])('%j', (header, seconds) => {
    expect(retryAfterSeconds(header, now)).toBe(seconds);
  });
});

it('a wait ends with the signal', async () => {
  const stop = new AbortController();
  stop.abort();
  const failing = withRetries(
    { maxAttempts: 3, firstWaitMilliseconds: 1, maxWaitMilliseconds: 1, budgetMilliseconds: 10 },
    timing,
    stop.signal,
    () => Promise.reject(new UpstreamError('unavailable', 'busy')),
  );
  await expect(failing).rejects.toMatchObject({ code: 'aborted' });
});
