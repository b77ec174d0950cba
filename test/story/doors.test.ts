import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOperatorClient } from '#cli/client.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { problem } from '#shared/contract/problem.ts';
import { askAsHost, currentPointer, postReport, reportNeeding } from './hosts.ts';
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
    ['no secret', { authorization: '' }],
    ['another secret', { authorization: 'Bearer guessed' }],
    ['another scheme', { authorization: 'Basic Z3Vlc3NlZA==' }],
  ])('stays shut with %s', async (_, headers) => {
    for (const endpoint of Object.values(agentEndpoints)) {
      const { status, body } = await askAsHost(world, endpoint, endpoint.method === 'GET' ? undefined : {}, headers);
      expect(status).toBe(401);
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

  it('an older report does not replace a newer one', async () => {
    const scannedAt = '2026-07-14T12:00:00.000Z';
    await postReport(world, reportNeeding('host-old', [], { scannedAt, scanMilliseconds: 2 }));
    await postReport(
      world,
      reportNeeding('host-old', [], { scannedAt: '2026-07-14T11:00:00.000Z', scanMilliseconds: 3 }),
    );
    const view = await world.call(operatorEndpoints.getHost, { params: { machineId: 'host-old' } });
    expect(view.report.scanMilliseconds).toBe(2);
  });

  it('a bad report leaves the last good one', async () => {
    await postReport(world, reportNeeding('host-good', []));
    const { status } = await askAsHost(world, agentEndpoints.postReport, {
      ...reportNeeding('host-good', []),
      scanMilliseconds: -1,
    });
    expect(status).toBe(400);
    const view = await world.call(operatorEndpoints.getHost, { params: { machineId: 'host-good' } });
    expect(view.report.scanMilliseconds).toBe(1);
  });

  it('an unknown route is a problem document too', async () => {
    const { status } = await askAsHost(world, { method: 'GET', path: '/v1/agent/nothing' }, undefined);
    expect(status).toBe(404);
  });
});

describe("the operators' door", () => {
  it('stays shut without a signature', async () => {
    for (const { method, path } of Object.values(operatorEndpoints)) {
      const response = await fetch(new URL(path.replace(/\{\w+\}/, 'x'), world.output('ApiUrl')), {
        method,
        ...(method === 'GET' ? {} : { body: '{}' }),
      });
      expect(response.status, `${method} ${path}`).toBe(403);
    }
  });

  it('stays shut with another key', async () => {
    const call = createOperatorClient({
      apiUrl: new URL(world.output('ApiUrl')),
      region: world.stack.region,
      credentials: async () => ({ ...world.stack.operator, secretAccessKey: 'guessed' }),
    });
    await expect(call(operatorEndpoints.getStatus)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('names a host that nobody knows', async () => {
    await expect(world.call(operatorEndpoints.getHost, { params: { machineId: 'nobody' } })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('refuses rules that somebody else changed meanwhile', async () => {
    const rules = { defaultAllow: false, allowedKbs: [], forbiddenKbs: ['5000002'], allowedSeverities: [] };
    const { revision } = await world.call(operatorEndpoints.putRules, {
      body: { version: 1, expectedRevision: 0, rules },
    });
    expect(revision).toBe(1);
    await expect(
      world.call(operatorEndpoints.putRules, { body: { version: 1, expectedRevision: 0, rules } }),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect((await world.call(operatorEndpoints.getRules)).forbiddenKbs).toEqual(['5000002']);
  });
});

describe('the repository', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(new URL(path, world.output('RepositoryUrl')), { headers });

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
