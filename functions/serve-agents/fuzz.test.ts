import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { changesBetween } from '#shared/contract/agent/report-changes.ts';
import { agentsApiWithHost, testToken } from '#test/kit/agents-api.ts';
import { damaged } from '#test/kit/damaged.ts';
import { type CapturedLog, captureLog } from '#test/kit/invoke.ts';
import { at, guid, hostFactsOf, reportOf, sha1, sha256 } from '#test/kit/values.ts';

/** Whatever somebody sends is answered as their fault or as good: never as the broker's. */

let log: CapturedLog;
beforeEach(() => {
  log = captureLog();
});
afterEach(() => log.restore());

const names = Object.keys(agentEndpoints) as (keyof typeof agentEndpoints)[];
const anyName = fc.constantFrom(...names);

function expectCallersFault(answer: {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}): void {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
  if (answer.status === 200) return;
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.body).toMatchObject({ code: expect.any(String), detail: expect.stringMatching(/./) });
}

const update = { updateId: guid(1), revision: 1, kbs: ['5000001'], state: 'MISSING', reason: 'x', files: [sha1('a')] };
const report = reportOf('pc-1', { needs: [sha1('a')] });
const scan = { at: at(90), milliseconds: 1 };
const goodBodies: Readonly<Record<keyof typeof agentEndpoints, readonly unknown[]>> = {
  enrol: [
    {
      version: 1,
      token: testToken(1),
      publicKey: { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) },
      host: hostFactsOf('pc-1'),
    },
  ],
  checkIn: [
    {
      version: 1,
      report: { hash: sha256('x'), scannedAt: at(0) },
      rulesRevision: 1,
      cookiesUntil: at(0),
      outcomes: [{ commandId: 'command-1', outcome: 'done', detail: 'x', at: at(0) }],
    },
  ],
  lookupUpdates: [{ version: 1, updateIds: [guid(1), guid(2)] }],
  lookupFiles: [{ version: 1, sha1s: [sha1('a'), sha1('b')] }],
  postReport: [
    { version: 2, kind: 'whole', scan, report: { ...report, updates: [update] } },
    {
      version: 2,
      kind: 'changes',
      scan,
      base: sha256('x'),
      result: sha256('y'),
      changes: { ...changesBetween(report, report), host: hostFactsOf('pc-1'), indexProblem: null, rulesRevision: 1 },
    },
  ],
};

describe('whatever is sent', () => {
  it('in the body, damaged or random, with a good proof, is the caller’s fault', async () => {
    const { host } = await agentsApiWithHost({ burst: 1e9, perMinute: 1e9 });
    await host.send('postReport', goodBodies.postReport[0]);
    const anyBody = anyName.chain((name) =>
      fc.tuple(
        fc.constant(name),
        fc.oneof(
          ...goodBodies[name].map(damaged),
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
          fc.jsonValue(),
        ),
        fc.boolean(),
      ),
    );
    await fc.assert(
      fc.asyncProperty(anyBody, async ([name, body, gzip]) => {
        expectCallersFault(await host.send(name, body, { gzip }));
      }),
      { numRuns: 600 },
    );
    // It did not lock the host out.
    expect(await host.send('checkIn', { version: 1, outcomes: [] })).toMatchObject({ status: 200 });
  });

  it('as a proof, with odd claims and headers, is the caller’s fault, and leaves nothing but a clone', async () => {
    const { host, ports } = await agentsApiWithHost();
    const before = ports.hosts.records.get('pc-1');
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('pc-1', 'pc-2', '', 2 ** 53, -1, 1e308, null));
    const claim = fc.constantFrom('iss', 'sub', 'aud', 'iat', 'exp', 'nbf', 'htm', 'htp', 'bh');
    const claims = fc.dictionary(claim, odd, { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(anyName, claims, async (name, changed) => {
        const good = { iat: Date.parse(at(100)) / 1000, exp: Date.parse(at(100)) / 1000 + 300 };
        const answer = await host.send(name, goodBodies[name][0], { claims: { ...good, ...changed }, sequence: 1 });
        expectCallersFault(answer);
        expect(answer.status).not.toBe(200);
      }),
      { numRuns: 400 },
    );
    // A machine id that is not the key's own is what a copied disk image looks like.
    expect({ ...ports.hosts.records.get('pc-1'), clones: undefined }).toEqual({ ...before, clones: undefined });
  });

  it('as a header of authorization is the caller’s fault', async () => {
    const { host, ports } = await agentsApiWithHost();
    const before = ports.hosts.records.get('pc-1');
    const part = fc.oneof(
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.string(),
    );
    const jwt = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `Bearer ${parts.join('.')}`);
    await fc.assert(
      fc.asyncProperty(anyName, fc.oneof(jwt, fc.string({ unit: 'binary' })), async (name, authorization) => {
        const answer = await host.send(name, goodBodies[name][0], { authorization });
        expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      }),
      { numRuns: 400 },
    );
    expect(ports.hosts.records.get('pc-1')).toBe(before);
  });
});
