import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { problem } from '#shared/contract/problem.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { type CapturedLog, captureLog, invoke } from '#test/kit/invoke.ts';
import { apiHandler, type Implementation, type Incoming } from './api-handler.ts';
import { maxBodyBytes } from './http-event.ts';
import { createTelemetry } from './telemetry.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const endpoints = {
  list: {
    method: 'GET',
    path: '/v1/things',
    summary: '',
    access: 'viewer',
    response: z.object({ cursor: z.optional(z.string()) }),
    query: ['cursor'],
  },
  show: {
    method: 'GET',
    path: '/v1/things/{id}',
    summary: '',
    access: 'viewer',
    response: z.object({ id: z.string() }),
  },
  make: {
    method: 'POST',
    path: '/v1/things',
    summary: '',
    access: 'operator',
    request: z.object({ version: z.literal(1), name: z.string().check(z.maxLength(5)) }),
    response: z.object({ name: z.string() }),
  },
  special: {
    method: 'GET',
    path: '/v1/things/special',
    summary: '',
    access: 'viewer',
    response: z.object({ special: z.boolean() }),
  },
  start: {
    method: 'POST',
    path: '/v1/starts',
    summary: '',
    access: 'operator',
    request: z.object({}),
    response: z.object({}),
  },
} as const satisfies Record<string, Endpoint>;

const implementation: Implementation<typeof endpoints, string> = {
  list: async ({ query }) => JSON.parse(JSON.stringify({ ...query, secret: 'not in the schema' })),
  show: async ({ path }) => {
    if (path.id === 'missing') throw new ProblemError('not-found', 'there is no thing "missing"');
    if (path.id === 'broken') throw new Error('the table is gone: arn:aws:secret');
    if (path.id === 'misfit') return JSON.parse('{"id":7}');
    return { id: path.id ?? '' };
  },
  special: async () => ({ special: true }),
  make: async ({ request, caller }) => {
    if (request.name === 'busy')
      throw new ProblemError('throttled', `slower, ${caller}`, { more: { retryAfterSeconds: 7 } });
    return { name: request.name };
  },
  start: async () => ({}),
};
type Options = Parameters<typeof apiHandler<typeof endpoints, string>>[0];
const handlerOf = (more: Partial<Options> = {}) =>
  apiHandler<typeof endpoints, string>({
    telemetry: createTelemetry('a-service'),
    endpoints,
    implementation,
    authenticate: async () => 'olga',
    nameOf: (caller) => caller,
    ...more,
  });

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}
const event = (method: string, path: string, more = {}) => ({
  version: '2.0',
  rawPath: path,
  headers: {},
  requestContext: { http: { method, path, sourceIp: '192.0.2.7', userAgent: 'test' } },
  isBase64Encoded: false,
  ...more,
});
const call = async (method: string, path: string, more = {}, handler = handlerOf()): Promise<Answer> =>
  (await invoke(handler, event(method, path, more))) as Answer;
const post = (body: unknown, more = {}) =>
  call('POST', '/v1/things', { body: typeof body === 'string' ? body : JSON.stringify(body), ...more });

/** A problem document: well-formed, with this status and code. */
function expectProblem(answer: Answer, status: number, code: string, detail: RegExp = /./): void {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const document = z.parse(problem, JSON.parse(answer.body));
  expect(document).toMatchObject({ status, code, type: 'about:blank', detail: expect.stringMatching(detail) });
  expect(answer.statusCode).toBe(status);
}

describe('an API', () => {
  it('routes by its table, and passes on only what the table names', async () => {
    const listed = await call('GET', '/v1/things', { queryStringParameters: { cursor: 'c' } });
    expect(listed).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(listed.body)).toEqual({ cursor: 'c' });
    expect(JSON.parse((await call('GET', '/v1/things/a')).body)).toEqual({ id: 'a' });
    expect(JSON.parse((await call('GET', '/v1/things/special')).body)).toEqual({ special: true });
    expect(JSON.parse((await post({ version: 1, name: 'x', extra: true })).body)).toEqual({ name: 'x' });
    expect((await call('POST', '/v1/starts')).statusCode).toBe(200);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ message: 'answered', endpoint: 'show', status: 200, requestId: 'request-1' }),
    );
  });

  it('refuses parameters that it does not know, instead of answering another question', async () => {
    const listed = await call('GET', '/v1/things', { queryStringParameters: { cursor: 'c', staet: 'OK' } });
    expectProblem(listed, 400, 'bad-request', /^query: got "staet", allowed is cursor$/);
    const shown = await call('GET', '/v1/things/a', { queryStringParameters: { cursor: 'c' } });
    expectProblem(shown, 400, 'bad-request', /^query: got "cursor", allowed is none$/);
  });

  it('takes path parameters as the gateway decoded them', async () => {
    const answer = await call('GET', '/v1/things/a%20b', { pathParameters: { id: 'a b' } });
    expect(JSON.parse(answer.body)).toEqual({ id: 'a b' });
  });

  it.each([
    ['GET', '/v1/nothing'],
    ['PUT', '/v1/things'],
    ['GET', '/v1/things/a/b'],
  ])('says that there is no %s %s', async (method, path) => {
    expectProblem(await call(method, path), 404, 'not-found', new RegExp(`no ${method} ${path}`));
  });

  it('answers the refusals of its implementation', async () => {
    expectProblem(await call('GET', '/v1/things/missing'), 404, 'not-found', /"missing"/);
    expect(log.lines.some(({ level }) => level === 'ERROR')).toBe(false);
  });

  it.each(['broken', 'misfit'])('keeps the reasons of its own failure (%s) in its log', async (id) => {
    const answer = await call('GET', `/v1/things/${id}`);
    expectProblem(answer, 500, 'internal');
    expect(answer.body).not.toContain('arn:aws');
    expect(log.lines).toContainEqual(expect.objectContaining({ level: 'ERROR', message: 'the call failed' }));
  });

  it('answers an event that is none of the HTTP API', async () => {
    expectProblem((await invoke(handlerOf(), { hello: 'world' })) as Answer, 500, 'internal');
  });
});

describe('a request', () => {
  it.each([
    ['plain', 'x', {}],
    ['in base64', Buffer.from('{"version":1,"name":"x"}').toString('base64'), { isBase64Encoded: true }],
    [
      'gzipped',
      gzipSync('{"version":1,"name":"x"}').toString('base64'),
      { isBase64Encoded: true, headers: { 'content-encoding': 'gzip' } },
    ],
  ])('may be sent %s', async (what, body, more) => {
    const answer = await post(what === 'plain' ? { version: 1, name: 'x' } : body, more);
    expect([answer.statusCode, answer.body]).toEqual([200, '{"name":"x"}']);
  });

  it.each([
    ['that is not JSON', '{', /not JSON/],
    ['that is no object', '[]', /value: .*object/],
    ['that lacks a field', { version: 1 }, /name: .*string/],
    ['with a field that is too long', { version: 1, name: 'too long' }, /name: .*5.*got "too long"/],
    ['with bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64'), /UTF-8/],
  ])('%s is refused in words', async (_what, body, detail) => {
    const isBase64Encoded = _what.includes('UTF-8');
    expectProblem(await post(body, { isBase64Encoded }), 400, 'bad-request', detail);
  });

  it.each([
    [{ version: 2, name: 'x' }, /version is 2; .* understands 1/],
    [{ version: '1', name: 'x' }, /version is "1"/],
    [{ name: 'x' }, /version is missing/],
    [{}, /version is missing/],
  ])('of another version (%j) is told which one is understood', async (body, detail) => {
    expectProblem(await post(body), 400, 'unsupported-version', detail);
  });

  it('of an unknown encoding is refused, and so is one that is not what it says', async () => {
    const headers = (encoding: string) => ({ headers: { 'content-encoding': encoding } });
    expectProblem(await post('{}', headers('br')), 400, 'bad-request', /"br"; allowed are gzip/);
    expectProblem(await post('{}', headers('gzip')), 400, 'bad-request', /not gzip/);
  });

  it('that is too large is refused, also when only its content is', async () => {
    expectProblem(await post(`"${'x'.repeat(maxBodyBytes)}"`), 413, 'too-large', /8388608/);
    const bomb = gzipSync(Buffer.alloc(maxBodyBytes + 1)).toString('base64');
    const more = { isBase64Encoded: true, headers: { 'content-encoding': 'gzip' } };
    expectProblem(await post(bomb, more), 413, 'too-large', /uncompressed/);
  });
});

describe('a caller', () => {
  it('who is not let in gets nowhere, and learns how to', async () => {
    const handler = handlerOf({
      authenticate: async ({ headers }) => {
        if (headers.authorization !== 'Bearer right') throw new ProblemError('unauthenticated', 'who are you?');
        return 'olga';
      },
    });
    const stranger = await call('POST', '/v1/things', { body: '{' }, handler);
    expectProblem(stranger, 401, 'unauthenticated', /who/);
    expect(stranger.headers['www-authenticate']).toBe('Bearer');
    const friend = { headers: { authorization: 'Bearer right' } };
    expect((await call('GET', '/v1/things/a', friend, handler)).statusCode).toBe(200);
  });

  it('is found out by the request as it was sent, and named in the log', async () => {
    const body = gzipSync('{"version":1,"name":"x"}');
    const seen: Incoming[] = [];
    const handler = handlerOf({
      authenticate: async (incoming) => {
        seen.push(incoming);
        return 'olga';
      },
    });
    const headers = { 'content-encoding': 'gzip' };
    await call('POST', '/v1/things', { body: body.toString('base64'), isBase64Encoded: true, headers }, handler);
    expect(seen).toEqual([
      {
        name: 'make',
        endpoint: endpoints.make,
        method: 'POST',
        path: '/v1/things',
        headers,
        body,
        from: { address: '192.0.2.7', userAgent: 'test' },
        requestId: 'request-1',
      },
    ]);
    expect(log.lines).toContainEqual(expect.objectContaining({ message: 'answered', caller: 'olga' }));
  });

  it('who asks too often is told when there is room again', async () => {
    const answer = await post({ version: 1, name: 'busy' });
    expectProblem(answer, 429, 'throttled', /slower, olga/);
    expect(answer.headers['retry-after']).toBe('7');
    expect(JSON.parse(answer.body).retryAfterSeconds).toBe(7);
  });

  it('whose body does not parse is told, after whoever keeps such bodies', async () => {
    const kept: string[] = [];
    const handler = handlerOf({
      onRefusedBody: async ({ body, name }, caller, { code }) => {
        kept.push(`${caller} ${name} ${Buffer.from(body).toString()} ${code}`);
      },
    });
    expectProblem(await call('POST', '/v1/things', { body: '{"version":1}' }, handler), 400, 'bad-request');
    expectProblem(await call('POST', '/v1/things', { body: '{' }, handler), 400, 'bad-request');
    expect(kept).toEqual(['olga make {"version":1} bad-request', 'olga make { bad-request']);
    expect((await call('POST', '/v1/things', { body: '{"version":1,"name":"x"}' }, handler)).statusCode).toBe(200);
    expect(kept.length).toBe(2);
  });

  it('may be answered by what stands around the call', async () => {
    const handler = handlerOf({
      around: async ({ name }, caller, go) =>
        name === 'make' ? { ...(await go()), body: `"kept for ${caller}"` } : go(),
    });
    const answer = await call('POST', '/v1/things', { body: '{"version":1,"name":"x"}' }, handler);
    expect(answer.body).toBe('"kept for olga"');
  });
});
