import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayAct, roles } from '#shared/contract/access.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { problem } from '#shared/contract/problem.ts';
import { askAsHost, currentPointer, playedHost, postReport, reportNeeding, wholeReport } from './hosts.ts';
import { fromRepository, repositoryCookie } from './repository.ts';
import { bookOf } from './rule-books.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
});
afterAll(() => world?.close());

describe("the agents' door", () => {
  it.each([
    ['no proof', { authorization: '' }],
    ['a secret', { authorization: 'Bearer guessed' }],
    ['another scheme', { authorization: 'Basic Z3Vlc3NlZA==' }],
  ])('stays shut with %s', async (_, headers) => {
    for (const endpoint of Object.values(agentEndpoints)) {
      const { status, body } = await askAsHost(world, endpoint, {}, headers);
      expect(status, endpoint.path).toBe(401);
      expect(problem.parse(body).code).toBe('unauthenticated');
    }
  });

  it.each([
    ['not JSON', '{"version":', /JSON/],
    ['another version', { version: 2 }, /version/],
    ['a digest that is none', { version: 1, sha1s: ['abc'] }, /sha1s/],
  ])('answers %s with what is wrong, and stores nothing', async (_, sent, expected) => {
    const { status, body } = await askAsHost(world, agentEndpoints.lookupFiles, sent);
    expect(status).toBe(400);
    expect(problem.parse(body).detail).toMatch(expected);
  });

  it('a bad report leaves the last good one, and is shown beside it', async () => {
    await postReport(world, reportNeeding('host-good', []));
    const host = await playedHost(world, 'host-good');
    const bad = wholeReport(reportNeeding('host-good', []), { milliseconds: -1 });
    expect((await host.ask(agentEndpoints.postReport, bad)).status).toBe(400);
    const view = await world.call(operatorEndpoints.getHost, { params: { machineId: 'host-good' } });
    expect(view.last?.scan.milliseconds).toBe(1);
    expect(view.rejected?.reason).toMatch(/milliseconds/);
  });

  it('an unknown route is a problem document too', async () => {
    const { status } = await askAsHost(world, { method: 'GET', path: '/v1/agent/nothing' }, undefined);
    expect(status).toBe(404);
  });
});

describe("the operators' door", () => {
  const knock = (endpoint: Endpoint, headers: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(new URL(endpoint.path.replace(/\{\w+\}/, 'x'), world.output('ApiUrl')), {
      method: endpoint.method,
      headers,
      ...(endpoint.method === 'GET' ? {} : { body: '{}' }),
    });

  it('stays shut without a token, and with one that is no access token', async () => {
    for (const endpoint of Object.values(operatorEndpoints)) {
      for (const headers of [{}, { authorization: 'Bearer guessed' }]) {
        const response = await knock(endpoint, headers);
        expect(response.status, `${endpoint.method} ${endpoint.path}`).toBe(401);
        expect(problem.parse(await response.json()).code).toBe('unauthenticated');
      }
    }
  });

  it('stays shut with the enrolment token and with the proof of a host', async () => {
    const host = await playedHost(world, 'host-outside');
    for (const endpoint of [operatorEndpoints.getStatus, operatorEndpoints.getMe]) {
      const token = await world.enrolmentToken();
      expect((await knock(endpoint, { authorization: `Bearer ${token}` })).status).toBe(401);
      expect((await host.ask(endpoint, undefined)).status).toBe(401);
    }
  });

  it('opens to each role what the table says, and nothing above', async () => {
    for (const role of roles) {
      const { accessToken } = await world.tokensOf(role);
      for (const endpoint of Object.values(operatorEndpoints)) {
        if (mayAct(role, endpoint.access)) continue;
        const response = await knock(endpoint, { authorization: `Bearer ${accessToken}` });
        expect(response.status, `${role}: ${endpoint.method} ${endpoint.path}`).toBe(403);
        const { code, detail } = problem.parse(await response.json());
        expect(code).toBe('forbidden');
        expect(detail).toContain(`needs ${endpoint.access}`);
      }
      expect(await world.callAs(role)(operatorEndpoints.getMe)).toMatchObject({ subject: role, role });
    }
  });

  it('names a host that nobody knows', async () => {
    await expect(world.call(operatorEndpoints.getHost, { params: { machineId: 'nobody' } })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('refuses rules that somebody else changed meanwhile', async () => {
    const book = bookOf({
      everyone: [{ name: 'base', rules: [{ effect: 'forbid', when: { kbs: ['5000002'] } }] }],
    });
    const body = { version: 2, expectedRevision: 0, book } as const;
    expect(await (await world.administrator()).putRules(book)).toMatchObject({ revision: 1 });
    await expect(world.call(operatorEndpoints.putRules, { body })).rejects.toMatchObject({ code: 'conflict' });
    expect(await world.call(operatorEndpoints.getRules)).toMatchObject({ revision: 1, book });
  });
});

describe('the repository', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fromRepository(world, path, headers);

  it('serves the index with ranges and conditional requests', async () => {
    const { sha256, bytes } = await currentPointer(world);
    const path = `/index/sha256/${sha256}.cab`;
    const whole = await get(path);
    expect(Number(whole.headers.get('content-length'))).toBe(bytes);
    expect((await whole.arrayBuffer()).byteLength).toBe(bytes);
    const part = await get(path, { range: 'bytes=4-7' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 4-7/${bytes}`);
    expect((await part.arrayBuffer()).byteLength).toBe(4);
    const etag = whole.headers.get('etag') ?? '';
    expect((await get(path, { 'if-none-match': etag })).status).toBe(304);
  });

  it('serves nothing without cookies, whatever the path', async () => {
    const { sha256 } = await currentPointer(world);
    const index = `/index/sha256/${sha256}.cab`;
    for (const path of ['/index/current.json', index, `/payloads/sha256/${'0'.repeat(64)}`, '/', '/staging/x']) {
      const bare = await get(path, { cookie: '' });
      expect([path, bare.status, await bare.text()]).toEqual([path, 403, expect.stringContaining('MissingKey')]);
    }
    const ended = repositoryCookie(world, { until: new Date(Date.now() - 1000) });
    const elsewhere = repositoryCookie(world, { path: '/payloads/*' });
    const otherKey = repositoryCookie(world).replace(/Key-Pair-Id=\w+/, 'Key-Pair-Id=K0');
    for (const [cookie, code] of [
      [ended, 'AccessDenied'],
      [elsewhere, 'AccessDenied'],
      [otherKey, 'InvalidKey'],
    ] as const) {
      const answer = await get(index, { cookie });
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining(`<Code>${code}</Code>`)]);
    }
  });

  it('serves neither snapshots nor staging areas nor anything else', async () => {
    const { sha256 } = await currentPointer(world);
    for (const path of [
      `/catalog/v1/${sha256}.json.gz`,
      '/staging/index/x.cab',
      '/',
      '/index/',
      '/index/../catalog/',
    ]) {
      expect((await get(path)).status, path).toBe(403);
    }
  });
});
