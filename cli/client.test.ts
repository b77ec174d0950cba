import { createServer, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeServer, listenOnLoopback } from '#local/servers/http.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { createOperatorClient } from './client.ts';

const { getMe, startSweep } = operatorEndpoints;
const me = { version: 1, subject: 's', name: 'Ann', role: 'viewer' };
const refusal = (status: number, code: string) => ({
  type: 'about:blank',
  title: 'No',
  status,
  code,
  detail: `because of ${code}`,
});

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

let url: string;
let close: () => Promise<void>;
/** Given one by one; the last one again and again. */
let answers: Answer[];
let seen: IncomingHttpHeaders[];
let slept: number[];
beforeEach(async () => {
  [answers, seen, slept] = [[], [], []];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    const { status, headers, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500, body: {} };
    response.writeHead(status, { ...headers }).end(JSON.stringify(body));
  });
  url = await listenOnLoopback(server);
  close = () => closeServer(server, 100);
});
afterEach(() => close());

const client = (tokens: readonly string[] = ['first', 'second']) => {
  const asked: (string | undefined)[] = [];
  const call = createOperatorClient(
    {
      apiUrl: new URL(url),
      async accessToken(refused) {
        asked.push(refused);
        return (refused === undefined ? tokens[0] : tokens[1]) ?? '';
      },
    },
    { sleep: async (milliseconds) => void slept.push(milliseconds) },
  );
  return { call, asked };
};

describe('the client', () => {
  it('sends the access token, and no idempotency key with what changes nothing', async () => {
    answers = [{ status: 200, body: me }];
    expect(await client().call(getMe)).toEqual(me);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.authorization).toBe('Bearer first');
    expect(seen[0]).not.toHaveProperty('idempotency-key');
  });

  it('renews a refused token once', async () => {
    answers = [
      { status: 401, body: refusal(401, 'unauthenticated') },
      { status: 200, body: me },
    ];
    const { call, asked } = client();
    expect(await call(getMe)).toEqual(me);
    expect(asked).toEqual([undefined, 'first']);
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer first', 'Bearer second']);
  });

  it.each([
    ['the new one too', ['first', 'second'], 2],
    ['and there is no other', ['first', 'first'], 1],
  ])('says how to log in when a token is refused, %s', async (_what, tokens, requests) => {
    answers = [{ status: 401, body: refusal(401, 'unauthenticated') }];
    await expect(client(tokens).call(getMe)).rejects.toMatchObject({
      exitCode: 3,
      message: `${url} does not let us in: No: because of unauthenticated; run "kbroker login"`,
    });
    expect(seen).toHaveLength(requests);
  });

  it('says what a role does not allow', async () => {
    answers = [{ status: 403, body: refusal(403, 'forbidden') }];
    await expect(client().call(getMe)).rejects.toMatchObject({
      exitCode: 3,
      message: `${url} does not let us do this: No: because of forbidden`,
    });
    expect(seen).toHaveLength(1);
  });

  it('waits as it is told, with the same idempotency key; another call has another', async () => {
    const tooSoon = { status: 429, headers: { 'retry-after': '7' }, body: refusal(429, 'throttled') };
    answers = [tooSoon, tooSoon, { status: 200, body: { version: 1, queued: 1, requeued: 0 } }];
    const { call } = client();
    await call(startSweep, { body: {} });
    await call(startSweep, { body: {} });
    expect(slept).toEqual([7000, 7000]);
    const keys = seen.map((headers) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[3]).not.toBe(keys[0]);
  });

  it('may wait for longer than an answer may take', async () => {
    const tooSoon = { status: 429, headers: { 'retry-after': '1' }, body: refusal(429, 'throttled') };
    answers = [tooSoon, { status: 200, body: me }];
    const settings = { apiUrl: new URL(url), accessToken: async () => 'first' };
    const call = createOperatorClient(settings, { sleep: () => wait(150), timeoutMilliseconds: 100 });
    expect(await call(getMe)).toEqual(me);
  });

  it.each([
    ['for ever', { 'retry-after': '5' }, 4],
    ['for longer than a minute', { 'retry-after': '3600' }, 1],
    ['without saying for how long', {}, 1],
  ])('does not wait %s', async (_what, headers, requests) => {
    answers = [{ status: 429, headers, body: refusal(429, 'throttled') }];
    await expect(client().call(getMe)).rejects.toMatchObject({ message: 'No: because of throttled', exitCode: 1 });
    expect(seen).toHaveLength(requests);
  });
});
