import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roles } from '#shared/contract/access.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { proofLifeSeconds, proofType } from '#shared/contract/agent/identity.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type Problem, problem } from '#shared/contract/problem.ts';
import { createRawHost, factsOf, type RawAnswer, type RawHost, type Tweaks } from '#test/kit/raw-host.ts';
import { reportNeeding, wholeReport } from './hosts.ts';
import { startWorld, type World } from './world.ts';

/**
 * Whoever should not come in, against the running stack: nothing gets in, nothing is lost, and nothing is answered as if the
 * broker had failed. docs/security.md names these tests, one for each threat.
 */

let world: World;
let victim: RawHost;
beforeAll(async () => {
  world = await startWorld();
  victim = await newHost('victim');
  const answer = await victim.send(agentEndpoints.postReport, wholeReport(reportNeeding('victim', [])));
  expect(answer.status).toBe(200);
});
afterAll(() => world?.close());

async function newHost(machineId: string): Promise<RawHost> {
  const host = await createRawHost(world.output('ApiUrl'), machineId);
  await host.enrol(await world.enrolmentToken());
  return host;
}

const { enrol, checkIn, postReport } = agentEndpoints;
const quiet = { version: 1, outcomes: [] };

/** The answer is a refusal in words, with this code. */
function expectRefused(answer: RawAnswer, status: number, code: Problem['code'], detail = /./): Problem {
  expect(answer.headers.get('content-type'), answer.text).toBe('application/problem+json');
  const document = problem.parse(answer.json);
  expect({ status: answer.status, code: document.code }, document.detail).toEqual({ status, code });
  expect(document.detail).toMatch(detail);
  return document;
}

const storedReport = async (machineId: string) =>
  (await world.call(operatorEndpoints.getHost, { params: { machineId } })).last;

describe('a host is refused', () => {
  it('without a proof, and with what is no proof', async () => {
    for (const authorization of [null, '', 'Bearer', 'Bearer x', 'Bearer a.b.c', `Bearer ${'x'.repeat(6000)}`])
      expectRefused(await victim.send(checkIn, quiet, { authorization }), 401, 'unauthenticated');
  });

  it('with a proof that is too old, from the future, or lives too long; and learns what time it is', async () => {
    const now = Math.floor(Date.now() / 1000);
    const old = { iat: now - 3600, exp: now - 3600 + proofLifeSeconds };
    const early = { iat: now + 3600, exp: now + 3600 + proofLifeSeconds };
    for (const claims of [old, early]) {
      const { serverTime } = expectRefused(await victim.send(checkIn, quiet, { claims }), 401, 'clock-skew');
      expect(Math.abs(Date.parse(serverTime ?? '') - Date.now())).toBeLessThan(60_000);
    }
    const long = { claims: { iat: now, exp: now + 10 * proofLifeSeconds } };
    expectRefused(await victim.send(checkIn, quiet, long), 401, 'unauthenticated', /lives/);
  });

  it.each([
    ['another audience', { claims: { aud: 'urn:kbroker:somebody:else' } }],
    ['another method', { claims: { htm: 'GET' } }],
    ['another path', { claims: { htp: enrol.path } }],
    ['another body', { bodyAfterSigning: '{"version":1,"outcomes":[],"rulesRevision":7}' }],
    ['another kind of token', { header: { typ: 'JWT' } }],
    ['no sequence number', { claims: { seq: undefined } }],
    ['a sequence number that is none', { claims: { seq: '9999' } }],
  ] satisfies [string, Tweaks][])('with a proof for %s', async (_, tweaks) => {
    expectRefused(await victim.send(checkIn, quiet, tweaks), 401, 'unauthenticated');
  });

  it('with the key of another host, or an own one in the name of another', async () => {
    const other = await newHost('other');
    const inVictimsName = { claims: { sub: 'victim' } };
    const refused = await other.send(checkIn, quiet, inVictimsName);
    expect([401, 403]).toContain(refused.status);
    const { privateKey } = await generateKeyPair('ES256');
    expectRefused(await victim.send(checkIn, quiet, { signWith: privateKey }), 401, 'unauthenticated');
    const stranger = await createRawHost(world.output('ApiUrl'), 'victim');
    stranger.audience = victim.audience;
    expectRefused(await stranger.send(checkIn, quiet), 401, 'unauthenticated');
  });

  it('with algorithms that a verifier must not take: none, and the public key as a shared secret', async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: victim.thumbprint,
      sub: 'victim',
      aud: victim.audience,
      iat: now,
      exp: now + proofLifeSeconds,
      seq: victim.sequence + 1000,
      htm: checkIn.method,
      htp: checkIn.path,
      bh: 'A'.repeat(43),
    };
    const none = new UnsecuredJWT(claims).encode();
    const secret = Buffer.from(JSON.stringify(victim.publicKey));
    const shared = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: proofType }).sign(secret);
    for (const token of [none, `${none}x`, shared])
      expectRefused(await victim.send(checkIn, quiet, { authorization: `Bearer ${token}` }), 401, 'unauthenticated');
  });

  it('with a request that was made before, word for word or with an old number', async () => {
    const first = await victim.send(checkIn, quiet);
    expect(first.status).toBe(200);
    const used = victim.sequence;
    const again = await victim.send(checkIn, quiet, { authorization: first.authorization });
    expect(expectRefused(again, 409, 'replayed').lastSequence).toBe(used);
    expectRefused(await victim.send(checkIn, quiet, { claims: { seq: 1 } }), 409, 'replayed');
  });

  it('after its key was revoked, also when it enrols again with it', async () => {
    const lost = await newHost('lost');
    expect((await lost.send(checkIn, quiet)).status).toBe(200);
    await world.call(operatorEndpoints.revokeHost, { params: { machineId: 'lost' }, body: { version: 1 } });
    expectRefused(await lost.send(checkIn, quiet), 403, 'revoked');
    const again = { version: 1, token: await world.enrolmentToken(), publicKey: lost.publicKey, host: factsOf('lost') };
    const answer = await lost.send(enrol, again, { claims: { aud: (await createRawHost('', 'x')).audience } });
    expectRefused(answer, 403, 'revoked');
  });

  it('as the copy of a machine, and its owner is shown who copied it', async () => {
    const original = await newHost('original');
    const refused = await original.send(checkIn, quiet, { claims: { sub: 'copy' } });
    expectRefused(refused, 403, 'cloned', /original/);
    const view = await world.call(operatorEndpoints.getHost, { params: { machineId: 'original' } });
    expect(view.clones).toMatchObject([{ machineId: 'copy' }]);
    expect(view.summary.cloned).toBe(true);
    expect((await original.send(checkIn, quiet)).status).toBe(200);
  });

  it('with a report about another host, and with the key of a host that another token replaces', async () => {
    const before = await storedReport('victim');
    const liar = await newHost('liar');
    expectRefused(await liar.send(postReport, wholeReport(reportNeeding('victim', []))), 400, 'bad-request', /liar/);
    expect(await storedReport('victim')).toEqual(before);
    const taker = await createRawHost(world.output('ApiUrl'), 'victim');
    const token = await world.enrolmentToken();
    const taken = await taker.send(enrol, { version: 1, token, publicKey: taker.publicKey, host: factsOf('victim') });
    expectRefused(taken, 409, 'conflict', /replace/);
    expect((await victim.send(checkIn, quiet)).status).toBe(200);
  });
});

describe('a body', () => {
  it('that is too long, packed or not, is refused and changes nothing', async () => {
    const before = await storedReport('victim');
    const limit = 8 * 1024 * 1024;
    const bomb = gzipSync(Buffer.alloc(20 * limit));
    expect(bomb.byteLength).toBeLessThan(limit / 20);
    const headers = { 'content-encoding': 'gzip' };
    expectRefused(await victim.send(postReport, undefined, { rawBody: bomb, headers }), 413, 'too-large');
    // The gateway itself takes no more than 10 MB, and the function's event no more than 6.
    const long = await victim.send(postReport, undefined, { rawBody: randomBytes(7 * 1024 * 1024).toString('hex') });
    expect(long.status).toBe(413);
    expect(await storedReport('victim')).toEqual(before);
    expect((await victim.send(checkIn, quiet)).status).toBe(200);
  });

  it('with paths and other tricks in names is refused by name', async () => {
    const odd = ['../victim', 'victim/../x', 'key#x', 'a b', '', '.', 'x'.repeat(65), 'ｖictim', 'victim\u0000'];
    for (const machineId of odd) {
      const stranger = await createRawHost(world.output('ApiUrl'), 'stranger');
      const token = await world.enrolmentToken();
      const body = { version: 1, token, publicKey: stranger.publicKey, host: { ...factsOf('stranger'), machineId } };
      expectRefused(await stranger.send(enrol, body), 400, 'bad-request', /machineId/);
      expectRefused(await stranger.send(enrol, body, { claims: { sub: machineId } }), 401, 'unauthenticated', /sub/);
    }
  });
});

describe('a person', () => {
  /** A route with harmless parameters, called as somebody. */
  const knock = async (endpoint: Endpoint, authorization: string, parameter = 'x'): Promise<Response> =>
    fetch(new URL(endpoint.path.replace(/\{\w+\}/, parameter), world.output('ApiUrl')), {
      method: endpoint.method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(endpoint.method === 'GET' ? {} : { body: '{"version":0}' }),
    });
  const codeOf = async (response: Response): Promise<string> => problem.parse(await response.json()).code;

  it('is refused with a token that is changed, unsigned, or signed by somebody else', async () => {
    const { accessToken } = await world.tokensOf('administrator');
    const [header = '', payload = '', signature = ''] = accessToken.split('.');
    const claims: Record<string, unknown> = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const { privateKey } = await generateKeyPair('ES256');
    const kid: unknown = JSON.parse(Buffer.from(header, 'base64url').toString()).kid;
    const forged = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: String(kid) });
    const promoted = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody' })).toString('base64url');
    const tokens = [
      new UnsecuredJWT(claims).encode(),
      await forged.sign(privateKey),
      `${header}.${promoted}.${signature}`,
      `${header}.${payload}.`,
    ];
    for (const token of tokens) {
      const response = await knock(operatorEndpoints.getStatus, `Bearer ${token}`);
      expect([response.status, await codeOf(response)]).toEqual([401, 'unauthenticated']);
    }
  });

  it.each(roles)('%s gets no answer on any route that would be the broker’s fault', async (role) => {
    const { accessToken } = await world.tokensOf(role);
    const { startSweep, startSync, startCleaning } = operatorEndpoints;
    const work = new Set<Endpoint>([startSweep, startSync, startCleaning]);
    const tricks = ['..%2f..%2fetc', 'key%23x', '%00', 'a%20b', 'x'.repeat(300)];
    for (const endpoint of Object.values(operatorEndpoints)) {
      // These are real work, and take no parameter that could be wrong.
      if (work.has(endpoint)) continue;
      const parameters = endpoint.path.includes('{') ? ['x', ...tricks] : ['x'];
      for (const parameter of parameters) {
        const response = await knock(endpoint, `Bearer ${accessToken}`, parameter);
        expect(response.status, `${role}: ${endpoint.method} ${endpoint.path} with ${parameter}`).toBeLessThan(500);
      }
    }
  });
});

describe('after all that', () => {
  it('nobody came in, nothing was lost, and no function failed', async () => {
    expect((await storedReport('victim'))?.report.host.machineId).toBe('victim');
    for (const machineId of ['copy', 'stranger'])
      await expect(world.call(operatorEndpoints.getHost, { params: { machineId } })).rejects.toMatchObject({
        code: 'not-found',
      });
    const failures = world.log.filter(({ message }) => /invocation failed|the call failed/.test(message));
    expect(failures).toEqual([]);
  });
});
