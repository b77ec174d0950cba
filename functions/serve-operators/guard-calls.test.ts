import { beforeEach, describe, expect, it } from 'vitest';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Incoming } from '#shared/lambda/api-handler.ts';
import type { HttpResponse } from '#shared/lambda/http-event.ts';
import { MemoryIdempotencyStore, MemoryThrottleStore } from '#test/kit/memory-guards.ts';
import { ada, origin } from '#test/kit/operators-api.ts';
import { guardCalls } from './guard-calls.ts';
import type { Person } from './person.ts';
import { maxSealedBytes } from './sealed-answer.ts';

const noon = Date.UTC(2026, 6, 14, 12);
const grace: Person = { subject: 'subject-grace', name: 'grace@example.org', role: 'operator' };
const secret = 'kbt1_aaaaaaaaaaaaaaaa_SECRET';

let now = noon;
let made = 0;
let lost: string[] = [];
let idempotency = new MemoryIdempotencyStore();
let guard: ReturnType<typeof guardCalls>;

beforeEach(() => {
  [now, made, lost] = [noon, 0, []];
  idempotency = new MemoryIdempotencyStore();
  let ids = 0;
  guard = guardCalls({
    throttle: new MemoryThrottleStore(),
    idempotency,
    requestsPerMinute: 10,
    now: () => new Date(now),
    newId: () => {
      ids += 1;
      return `attempt-${ids}`;
    },
    onLost: (message) => lost.push(message),
  });
});

const incoming = (more: Partial<Incoming> & { readonly key?: string; readonly text?: string } = {}): Incoming => {
  const { key, text = '{"version":1}', ...rest } = more;
  return {
    name: 'createToken',
    endpoint: operatorEndpoints.createToken,
    method: 'POST',
    path: '/v1/tokens',
    headers: key === undefined ? {} : { 'idempotency-key': key },
    body: Buffer.from(text),
    ...origin,
    ...rest,
  };
};
const answer = async (): Promise<HttpResponse> => {
  made += 1;
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: `{"token":"${secret}${made}"}` };
};
const first = { statusCode: 200, headers: { 'content-type': 'application/json' }, body: `{"token":"${secret}1"}` };
const again = { ...first, headers: { ...first.headers, 'idempotency-replayed': 'true' } };

describe('a person', () => {
  const list = (who: Person) => guard(incoming({ method: 'GET' }), who, answer);

  it('has so many requests a minute, of all kinds together, and is told when there is room again', async () => {
    now = noon + 17_500;
    for (let n = 0; n < 5; n += 1) await list(ada);
    for (let n = 0; n < 5; n += 1) await guard(incoming(), ada, answer);
    await expect(list(ada)).rejects.toMatchObject({
      code: 'throttled',
      more: { retryAfterSeconds: 43 },
      message: expect.stringMatching(/10 requests.*43 s/),
    });
    expect(made).toBe(10);
    now = noon + 60_000;
    await list(ada);
  });

  it('does not use up what others have', async () => {
    for (let n = 0; n < 10; n += 1) await list(ada);
    await expect(list(ada)).rejects.toMatchObject({ code: 'throttled' });
    expect(await list(grace)).toMatchObject({ statusCode: 200 });
  });
});

describe('a request that comes again', () => {
  it('is carried out once, for a day', async () => {
    expect(await guard(incoming({ key: 'k' }), ada, answer)).toEqual(first);
    expect(await guard(incoming({ key: 'k' }), ada, answer)).toEqual(again);
    now = noon + 24 * 3600_000 - 1;
    expect(await guard(incoming({ key: 'k' }), ada, answer)).toEqual(again);
    expect(made).toBe(1);
    now = noon + 24 * 3600_000;
    await guard(incoming({ key: 'k' }), ada, answer);
    expect(made).toBe(2);
  });

  it('without a key, or as a read, is carried out each time', async () => {
    for (let n = 0; n < 2; n += 1) await guard(incoming(), ada, answer);
    for (let n = 0; n < 2; n += 1) await guard(incoming({ method: 'GET', key: 'k' }), ada, answer);
    // A question, though it is posted: its answer changes with the fleet, and with each of them a row would be kept.
    const question = { endpoint: operatorEndpoints.askImpact, path: '/v1/rules/impacts', key: 'k' };
    for (let n = 0; n < 2; n += 1) await guard(incoming(question), ada, answer);
    expect(made).toBe(6);
    expect(idempotency.rows.size).toBe(0);
  });

  it.each([
    ['another body', { text: '{"version":2}' }],
    ['another encoding', { headers: { 'idempotency-key': 'k', 'content-encoding': 'gzip' } }],
  ])('with %s is not the same', async (_what, more) => {
    await guard(incoming({ key: 'k' }), ada, answer);
    await expect(guard(incoming({ key: 'k', ...more }), ada, answer)).rejects.toMatchObject({
      code: 'idempotency-mismatch',
    });
    expect(made).toBe(1);
  });

  it('does not bring its key into texts that are logged: with it, the kept answer could be read', async () => {
    const key = 'only-the-caller-knows-this';
    await guard(incoming({ key }), ada, answer);
    const refused = [
      guard(incoming({ key, text: '{"version":2}' }), ada, answer),
      guard(incoming({ key: `${key} with a space` }), ada, answer),
      guard(incoming({ key: `${key}-2` }), ada, () => guard(incoming({ key: `${key}-2` }), ada, answer)),
    ];
    for (const call of refused)
      await expect(call).rejects.toMatchObject({ name: 'ProblemError', message: expect.not.stringContaining(key) });
  });

  it.each([
    ['person', {}, grace],
    ['route', { path: '/v1/commands' }, ada],
    ['method', { method: 'PUT' }, ada],
  ])('of another %s has keys of its own', async (_what, more, who) => {
    await guard(incoming({ key: 'k' }), ada, answer);
    await guard(incoming({ key: 'k', ...more }), who, answer);
    expect(made).toBe(2);
  });

  it('while it is under way waits for it', async () => {
    const [begun, finished] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const running = guard(incoming({ key: 'k' }), ada, async () => {
      begun.resolve();
      await finished.promise;
      return answer();
    });
    await begun.promise;
    now = noon + 20_000;
    await expect(guard(incoming({ key: 'k' }), ada, answer)).rejects.toMatchObject({
      code: 'conflict',
      more: { retryAfterSeconds: 2 },
    });
    finished.resolve();
    await running;
    expect(await guard(incoming({ key: 'k' }), ada, answer)).toEqual(again);
    expect(made).toBe(1);
  });

  it.each([
    ['refused', new ProblemError('conflict', 'the rules are another revision')],
    ['failed', new Error('no table')],
  ])('after it was %s is tried again', async (_what, error) => {
    const failing = async () => {
      throw error;
    };
    await expect(guard(incoming({ key: 'k' }), ada, failing)).rejects.toBe(error);
    expect(await guard(incoming({ key: 'k' }), ada, answer)).toEqual(first);
  });

  it.each(['', ' ', 'with space', 'ü', 'x'.repeat(129)])('with the key %j is refused in words', async (key) => {
    await expect(guard(incoming({ key }), ada, answer)).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('idempotency-key'),
    });
    expect(made).toBe(0);
  });
});

describe('the kept answer', () => {
  it('and its key cannot be read from the store', async () => {
    await guard(incoming({ key: 'the-key-of-ada' }), ada, answer);
    const kept = [...idempotency.rows].map(([id, row]) => [
      id,
      row.fingerprint,
      Buffer.from(row.answered?.answer ?? []).toString('latin1'),
    ]);
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toMatch(/the-key-of-ada|kbt1|SECRET|json/);
  });

  it('that was changed is not believed', async () => {
    await guard(incoming({ key: 'k' }), ada, answer);
    for (const [id, row] of idempotency.rows) {
      const bytes = Uint8Array.from(row.answered?.answer ?? []);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      idempotency.rows.set(id, { ...row, answered: { answer: bytes, keepUntil: now + 1000 } });
    }
    await expect(guard(incoming({ key: 'k' }), ada, answer)).rejects.toThrow();
    expect(made).toBe(1);
  });

  it('that cannot be kept does not spoil the call', async () => {
    idempotency.finish = async () => {
      throw new Error('no table');
    };
    expect(await guard(incoming({ key: 'k' }), ada, answer)).toEqual(first);
    expect(lost).toEqual(['the answer of a request could not be kept']);
  });

  it('is none when it is larger than a row', async () => {
    const noise = Array.from({ length: 8 }, () =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(65_536))).toString('base64'),
    ).join('');
    expect(noise.length).toBeGreaterThan(maxSealedBytes);
    await guard(incoming({ key: 'k' }), ada, async () => ({ ...first, body: noise }));
    expect(idempotency.rows.size).toBe(0);
    expect(lost).toEqual([]);
  });
});
