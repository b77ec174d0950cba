import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentsApiWithHost } from '#test/kit/agents-api.ts';
import { newTestKey } from '#test/kit/host-proof.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, sha256, tokenOf } from '#test/kit/values.ts';

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const checkIn = { version: 1, outcomes: [] };
const seconds = (moment: string): number => Date.parse(moment) / 1000;

describe('a request of a host', () => {
  it('is let in by a proof of its own key, plain or compressed, and leaves its number', async () => {
    const { host, ports } = await agentsApiWithHost();
    expect(await host.send('checkIn', checkIn)).toMatchObject({ status: 200 });
    expect(await host.send('checkIn', checkIn, { gzip: true })).toMatchObject({ status: 200 });
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ sequence: 3, lastSeenAt: at(100) });
    expect(log.lines.some(({ caller }) => caller === 'pc-1')).toBe(true);
  });

  it.each<[string, Parameters<Awaited<ReturnType<typeof agentsApiWithHost>>['host']['send']>[2], RegExp]>([
    ['no proof', { authorization: null }, /"Bearer" and a JWT/],
    ['another scheme', { authorization: 'Basic a.b.c' }, /"Bearer" and a JWT/],
    ['something that is no JWT', { authorization: 'Bearer a.b.c' }, /not a JWT/],
    ['an endless proof', { authorization: `Bearer ${'a'.repeat(5000)}.b.c` }, /"Bearer" and a JWT/],
    ['a claim too few', { claims: { bh: undefined } }, /claims of the proof do not fit: bh/],
    ['a number that is none', { claims: { seq: '7' } }, /seq/],
    ['another audience', { audience: 'urn:kbroker:another' }, /"aud" .* "urn:kbroker:1111/],
    ['two audiences', { claims: { aud: ['urn:kbroker:111122223333:eu-west-1:tests', 'x'] } }, /aud/],
    ['another type', { header: { typ: 'JWT' } }, /"typ" .* "kbroker-request\+jwt"/],
    ['another endpoint’s proof', { claims: { htp: '/v1/agent/reports' } }, /proof is for POST \/v1\/agent\/reports/],
    ['another method’s proof', { claims: { htm: 'GET' } }, /proof is for GET/],
    ['another body', { sentBody: '{"version":1,"outcomes":[ ]}' }, /proof is for a body/],
    ['a life of hours', { claims: { exp: seconds(at(100)) + 3600 } }, /lives 3600 seconds/],
    ['an end before its beginning', { claims: { exp: seconds(at(100)) - 1 } }, /lives -1 seconds/],
    ['a machine that nobody enrolled, with a key that nobody knows', { machineId: 'pc-9' }, /is not enrolled for pc-9/],
  ])('is not let in with %s', async (what, tweaks, detail) => {
    const { host, ports } = await agentsApiWithHost();
    const key = what.startsWith('a machine that') ? { key: await newTestKey() } : {};
    const answer = await host.send('checkIn', checkIn, { ...tweaks, ...key });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.body.detail).toMatch(detail);
    expect(ports.hosts.records.get('pc-1')).toMatchObject({ sequence: 1 });
  });

  it('is not let in with a signature by another key, or by none', async () => {
    const { host } = await agentsApiWithHost();
    const other = await newTestKey();
    const forged = { ...other, thumbprint: host.key.thumbprint };
    expect(await host.send('checkIn', checkIn, { key: forged })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated', detail: 'the proof was not signed with this key' },
    });
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const iat = seconds(at(100));
    const claims = { iss: host.key.thumbprint, sub: 'pc-1', aud: 'x', iat, exp: iat + 300, seq: 9, htm: 'POST' };
    const whole = { ...claims, htp: '/v1/agent/check-ins', bh: 'a'.repeat(43) };
    for (const alg of ['none', 'HS256']) {
      const authorization = `Bearer ${part({ alg, typ: 'kbroker-request+jwt' })}.${part(whole)}.${part('x')}`;
      expect(await host.send('checkIn', checkIn, { authorization })).toMatchObject({ status: 401 });
    }
  });

  it.each([-301, 301, -86_400, 86_400])('of a clock %s seconds off is told the time', async (off) => {
    const { host, clock } = await agentsApiWithHost();
    const iat = seconds(at(clock.seconds)) + off;
    const answer = await host.send('checkIn', checkIn, { claims: { iat, exp: iat + 300 } });
    expect(answer).toMatchObject({ status: 401, body: { code: 'clock-skew', serverTime: at(100) } });
  });

  it.each([-299, 299])('of a clock %s seconds off is let in', async (off) => {
    const { host, clock } = await agentsApiWithHost();
    const iat = seconds(at(clock.seconds)) + off;
    expect(await host.send('checkIn', checkIn, { claims: { iat, exp: iat + 300 } })).toMatchObject({ status: 200 });
  });

  it('is let in once, and in the order of the numbers', async () => {
    const { host } = await agentsApiWithHost();
    expect(await host.send('checkIn', checkIn, { sequence: 5 })).toMatchObject({ status: 200 });
    for (const sequence of [5, 4, 1])
      expect(await host.send('checkIn', checkIn, { sequence })).toMatchObject({
        status: 409,
        body: { code: 'replayed', lastSequence: 5 },
      });
    expect(await host.send('checkIn', checkIn, { sequence: 6 })).toMatchObject({ status: 200 });
  });

  it('that comes twice at once is let in once', async () => {
    const { host } = await agentsApiWithHost();
    const both = await Promise.all([2, 2].map((sequence) => host.send('checkIn', checkIn, { sequence })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('that comes with many others at once uses its allowance up like one that comes after them', async () => {
    const { host, ports } = await agentsApiWithHost({ burst: 5, perMinute: 6 });
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await host.send('checkIn', checkIn)).status),
    );
    const letIn = statuses.filter((status) => status === 200).length;
    expect(letIn).toBeGreaterThan(0);
    expect(ports.hosts.records.get('pc-1')?.allowance.left).toBe(5 - letIn);
  });

  it('is refused after its key was revoked', async () => {
    const { host, ports } = await agentsApiWithHost();
    await ports.hosts.revoke('pc-1', at(50));
    const revoked = { status: 403, body: { code: 'revoked' } };
    expect(await host.send('checkIn', checkIn)).toMatchObject(revoked);
    expect(await host.enrol()).toMatchObject(revoked);
  });

  it('beyond its allowance waits, and costs no write', async () => {
    const { host, ports, clock } = await agentsApiWithHost({ burst: 2, perMinute: 6 });
    for (const status of [200, 200]) expect(await host.send('checkIn', checkIn)).toMatchObject({ status });
    const before = ports.hosts.records.get('pc-1');
    const answer = await host.send('checkIn', checkIn);
    expect(answer).toMatchObject({ status: 429, body: { code: 'throttled', retryAfterSeconds: 10 } });
    expect(answer.headers['retry-after']).toBe('10');
    expect(ports.hosts.records.get('pc-1')).toBe(before);
    clock.seconds += 10;
    expect(await host.send('checkIn', checkIn)).toMatchObject({ status: 200 });
  });
});

describe('a key that another machine uses', () => {
  it('is refused there, noted at its owner, and told of once', async () => {
    const { host, api, ports } = await agentsApiWithHost();
    const copy = await api.newHost('pc-2', host.key);
    for (let times = 0; times < 2; times += 1) {
      const answer = await copy.send('checkIn', checkIn);
      expect(answer).toMatchObject({ status: 403, body: { code: 'cloned' } });
      expect(answer.body.detail).toContain('pc-1');
    }
    expect(ports.hosts.records.get('pc-1')?.clones).toEqual([{ machineId: 'pc-2', at: at(100) }]);
    expect(ports.events.of('HostCloned')).toEqual([
      { version: 1, machineId: 'pc-1', cloneMachineId: 'pc-2', at: at(100) },
    ]);
    expect(await host.send('checkIn', checkIn)).toMatchObject({ status: 200 });
  });

  it('is refused there also when that machine has a key of its own', async () => {
    const { host, api } = await agentsApiWithHost();
    const other = await api.newHost('pc-2');
    await other.enrol();
    const copy = await api.newHost('pc-2', host.key);
    expect(await copy.send('checkIn', checkIn)).toMatchObject({ status: 403, body: { code: 'cloned' } });
    expect(await other.send('checkIn', checkIn)).toMatchObject({ status: 200 });
  });

  it('is noted for nobody who only knows its thumbprint', async () => {
    const { host, api, ports } = await agentsApiWithHost();
    const forged = { ...(await newTestKey()), thumbprint: host.key.thumbprint };
    const copy = await api.newHost('pc-2', forged);
    expect(await copy.send('checkIn', checkIn)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(ports.hosts.records.get('pc-1')?.clones).toBeUndefined();
    expect(ports.events.sent).toEqual([]);
  });

  it('that was replaced lets nobody in', async () => {
    const { host, api, tokens } = await agentsApiWithHost();
    await tokens.create(tokenOf(2, { replace: true }), sha256('S'.repeat(43)));
    const anew = await api.newHost('pc-1');
    expect(await anew.enrol()).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(await anew.enrol(`kbt1_${tokenOf(2).tokenId}_${'S'.repeat(43)}`)).toMatchObject({ status: 200 });
    expect(await host.send('checkIn', checkIn)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(await anew.send('checkIn', checkIn)).toMatchObject({ status: 200 });
  });
});
