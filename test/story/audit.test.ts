import { createHash, randomUUID } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '#shared/contract/access.ts';
import type { AuditEntry } from '#shared/contract/audit.ts';
import { chainStart, faultInChain, faultOfAnchor } from '#shared/contract/audit-chain.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { problem } from '#shared/contract/problem.ts';
import { createdToken } from '#shared/contract/tokens.ts';
import { playedHost } from './hosts.ts';
import { bookOf } from './rule-books.ts';
import { keysOf, objectBytes, startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.close());

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function entries(): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await world.call(operatorEndpoints.listAudit, { query: { limit: '2', ...(cursor && { cursor }) } });
    expect(page.unreadable).toEqual([]);
    all.push(...page.entries);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}

async function send(role: Role, method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
  const { accessToken } = await world.tokensOf(role);
  return fetch(new URL(path, world.output('ApiUrl')), {
    method,
    headers: { authorization: `Bearer ${accessToken}`, ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

describe('who changed what', () => {
  it('is in the log, whoever it was: people with before and after, and hosts that came in', async () => {
    await world.setRules(
      bookOf({ everyone: [{ name: 'base', rules: [{ effect: 'forbid', when: { kbs: ['5000001'] } }] }] }),
    );
    await playedHost(world, 'host-new');
    const log = await entries();
    expect(log).toMatchObject([
      { number: 1, action: 'trust.change', target: 'repository', after: { versions: { root: 1 } } },
      {
        number: 2,
        action: 'rules.put',
        actor: { kind: 'person', role: 'administrator' },
        before: { revision: 0, packages: 0 },
        after: { revision: 1, packagesAdded: ['base'], packagesRemoved: [], groupsReassigned: ['everyone'] },
        from: { address: expect.stringMatching(/127\.0\.0\.1/) },
      },
      { number: 3, action: 'token.create', after: { group: 'everyone' } },
      { number: 4, action: 'host.enrol', actor: { kind: 'host', machineId: 'host-new' }, target: 'host-new' },
    ]);
    const token = await world.enrolmentToken();
    expect(JSON.stringify(log)).not.toContain(token.split('_')[2]);
  });

  it('is whole, and its head is kept where not even the administrator of the account can change it', async () => {
    const anchored = await world.stack.trigger(world.output('AnchorAuditFunction'));
    expect(anchored).toMatchObject({ ok: true, payload: { outcome: 'anchored' } });
    const log = await entries();
    expect(log.map((entry, index) => faultInChain(entry, log[index - 1] ?? chainStart, sha256))).toEqual(
      log.map(() => undefined),
    );
    const { anchors } = await world.call(operatorEndpoints.listAuditAnchors);
    expect(anchors).toMatchObject([{ number: log.length }]);
    for (const anchor of anchors) expect(faultOfAnchor(anchor, (n) => log[n - 1]?.hash)).toBeUndefined();

    const [Key = ''] = await keysOf(world, 'AuditBucket');
    const before = await objectBytes(world, 'AuditBucket', Key);
    const Bucket = world.output('AuditBucket');
    await expect(world.s3.send(new DeleteObjectCommand({ Bucket, Key }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await expect(world.s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}' }))).rejects.toThrow();
    expect(await objectBytes(world, 'AuditBucket', Key)).toEqual(before);
    expect(await world.stack.trigger(world.output('AnchorAuditFunction'))).toMatchObject({
      ok: true,
      payload: { outcome: 'already' },
    });
  });

  it('is not told to viewers', async () => {
    const response = await send('viewer', 'GET', '/v1/audit');
    expect(response.status).toBe(403);
  });
});

describe('a change that comes again', () => {
  const wish = { version: 1, group: 'pilots', uses: 5, expiresInSeconds: 3600 };

  it('is made once, and has one entry', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const before = (await entries()).length;
    const first = await send('administrator', 'POST', '/v1/tokens', wish, headers);
    const again = await send('administrator', 'POST', '/v1/tokens', wish, headers);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const made = createdToken.parse(await first.json());
    expect(createdToken.parse(await again.json())).toEqual(made);
    const log = await entries();
    expect(log).toHaveLength(before + 1);
    expect(log.at(-1)).toMatchObject({ action: 'token.create', target: made.view.tokenId });
  });

  it('with another body is refused', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    await send('administrator', 'POST', '/v1/tokens', wish, headers);
    const other = await send('administrator', 'POST', '/v1/tokens', { ...wish, uses: 6 }, headers);
    expect(other.status).toBe(409);
    expect(problem.parse(await other.json()).code).toBe('idempotency-mismatch');
  });
});

it('a person who asks too often is told when to come again, and others are not hindered', {
  timeout: 120_000,
}, async () => {
  // A full minute lets 120 through, and the next one, if it begins meanwhile, as many.
  let refused: Response | undefined;
  for (let asked = 0; refused === undefined && asked < 300; asked += 10) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => send('viewer', 'GET', '/v1/me')));
    refused = answers.find(({ status }) => status === 429);
  }
  expect(refused).toBeDefined();
  const wait = Number(refused?.headers.get('retry-after'));
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(60);
  expect(problem.parse(await refused?.json())).toMatchObject({ code: 'throttled', retryAfterSeconds: wait });
  expect((await send('operator', 'GET', '/v1/me')).status).toBe(200);
});
