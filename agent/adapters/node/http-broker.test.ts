import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckIn } from '#shared/contract/agent/check-in.ts';
import type { HostFacts } from '#shared/contract/agent/report.ts';
import { goodToken } from '../../fixtures/fake-broker.ts';
import { unitId } from '../../fixtures/publication.ts';
import { Site } from '../../fixtures/site.ts';
import type { HostKey, SequenceNumbers } from '../../ports/identity.ts';
import { createHttpBroker, createHttpRegistration } from './http-broker.ts';
import { openKeyFiles } from './key-files.ts';
import { createProofs } from './proofs.ts';

let site: Site;
let folder: string;
let key: HostKey;
const dispatcher = new Agent();
beforeEach(async () => {
  site = await Site.open();
  folder = await mkdtemp(join(tmpdir(), 'kbroker-broker-'));
  key = await openKeyFiles(folder).create();
  await enrolled();
  site.requests.length = 0;
});
afterEach(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

const facts: HostFacts = {
  machineId: 'host-1',
  hostname: 'h',
  os: 'o',
  osVersion: '1',
  architecture: 'amd64',
  agentVersion: '1',
};

function countFrom(first: number): SequenceNumbers {
  let given = first - 1;
  return {
    next: () => Promise.resolve(++given),
    goOnAfter(last) {
      given = last;
      return Promise.resolve();
    },
  };
}

interface Choices {
  readonly server?: URL;
  readonly audience?: string;
  readonly machine?: string;
  readonly from?: number;
  readonly by?: HostKey;
  readonly clock?: { now(): Date };
}

function options(choices: Choices = {}) {
  const { server = site.url, audience = 'urn:kbroker:tests', machine = 'host-1', from = 100, by = key } = choices;
  const { clock = { now: () => new Date() } } = choices;
  const machineId = () => Promise.resolve(machine);
  const proofs = createProofs({ key: by, audience, machineId, sequence: countFrom(from), clock });
  return { dispatcher, timeoutSeconds: 5, server, proofs };
}
const broker = (choices?: Choices) => createHttpBroker(options(choices));
const enrolled = (choices: Choices = {}, token = goodToken) =>
  createHttpRegistration(options({ audience: 'urn:kbroker:enrolment', from: 1, ...choices })).enrol({
    version: 1,
    token,
    publicKey: (choices.by ?? key).publicKey,
    host: { ...facts, machineId: choices.machine ?? 'host-1' },
  });

const hello: CheckIn = { version: 1, outcomes: [] };
const digests = Array.from({ length: 2300 }, (_, number) => createHash('sha1').update(String(number)).digest('hex'));

describe('the broker over HTTP', () => {
  it('asks about any number of files, as many at a time as the contract allows, and keeps their order', async () => {
    const answers = await broker().lookupFiles(digests);
    expect(answers.map((answer) => answer.sha1)).toEqual(digests);
    expect(site.requests).toHaveLength(3);
    expect(await broker({ from: 200 }).lookupFiles([])).toEqual([]);
  });

  it('compresses what is long, and proves the bytes that are sent', async () => {
    await broker().lookupFiles(digests.slice(0, 1000));
    // 1000 digests in hex are 43 kB, and 20 kB of them are chance.
    expect(site.requests[0]?.bytes).toBeLessThan(30_000);
    expect(site.requests[0]?.status).toBe(200);
  });

  it('refuses an answer that leaves a file out', async () => {
    site.fail(/lookup/, { type: 'body', text: '{"version":1,"files":[]}' });
    await expect(broker().lookupFiles(digests.slice(0, 1))).rejects.toMatchObject({
      code: 'bad-answer',
      message: expect.stringContaining(digests[0] ?? ''),
    });
  });

  it('asks about any number of updates, as many at a time as the contract allows', async () => {
    const ids = Array.from({ length: 1001 }, (_, number) => unitId(number));
    site.broker.firstPublished.set(unitId(0), '2026-01-13T18:00:00Z').set(unitId(1000), '2026-02-10T18:00:00Z');
    expect([...(await broker().lookupUpdates(ids))]).toEqual([...site.broker.firstPublished]);
    expect(site.broker.askedUpdates).toEqual(ids);
    expect(site.requests).toHaveLength(3);
    expect(await broker({ from: 200 }).lookupUpdates([])).toEqual(new Map());
  });

  it('refuses an answer about an update that was not asked for', async () => {
    const updates = [{ updateId: unitId(2), firstPublishedAt: '2026-01-13T18:00:00Z' }];
    site.fail(/lookup/, { type: 'body', text: JSON.stringify({ version: 1, updates }) });
    await expect(broker().lookupUpdates([unitId(1)])).rejects.toMatchObject({
      code: 'bad-answer',
      message: expect.stringContaining(unitId(2)),
    });
  });

  it('finds the API below a path, and proves that path', async () => {
    await expect(broker({ server: new URL('stage/', site.url) }).checkIn(hello)).resolves.toMatchObject({ version: 1 });
    expect(site.requests.map((request) => request.path)).toEqual(['/stage/v1/agent/check-ins']);
  });

  it('gives the words of a problem document', async () => {
    const error = await broker({ audience: 'urn:kbroker:another' })
      .checkIn(hello)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'refused',
      problem: 'unauthenticated',
      retryable: false,
      message: expect.stringMatching(
        /^POST \/v1\/agent\/check-ins answered 401: Unauthorized: the proof does not hold/,
      ),
    });
  });

  it.each([
    [400, undefined, 'rejected', false, undefined],
    [413, undefined, 'rejected', false, undefined],
    [301, undefined, 'bad-answer', false, undefined],
    [429, '7', 'unavailable', true, 7],
    [503, undefined, 'unavailable', true, undefined],
  ] as const)('answer %s (Retry-After %s) is %s', async (status, retryAfter, code, retryable, retryAfterSeconds) => {
    site.fail(/check-ins/, { type: 'status', status, ...(retryAfter === undefined ? {} : { retryAfter }) });
    await expect(broker().checkIn(hello)).rejects.toMatchObject({ code, retryable, retryAfterSeconds });
  });

  it.each([
    ['no JSON', '<html>'],
    ['another version', '{"version":2}'],
  ])('refuses %s', async (_what, text) => {
    site.fail(/check-ins/, { type: 'body', text });
    await expect(broker().checkIn(hello)).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('stops reading an answer without end', async () => {
    site.fail(/check-ins/, { type: 'body', text: ' '.repeat(9_000_000) });
    await expect(broker().checkIn(hello)).rejects.toMatchObject({ code: 'too-long' });
  });

  it('says when nobody answers', async () => {
    const gone = site.url;
    await site.close();
    await expect(broker({ server: gone }).checkIn(hello)).rejects.toMatchObject({
      code: 'unreachable',
      retryable: true,
    });
    site = await Site.open();
  });

  it('stops when it is asked to', async () => {
    const signal = AbortSignal.abort();
    await expect(broker().checkIn(hello, signal)).rejects.toMatchObject({ code: 'stopped', retryable: false });
  });
});

describe('a broker that sees another clock or a later number', () => {
  it.each([3600, -3600])('takes its time, %s seconds away, for proofs and asks once more', async (ahead) => {
    site.broker.ahead = ahead;
    const one = broker();
    await expect(one.checkIn(hello)).resolves.toMatchObject({ version: 1 });
    expect(site.requests.map(({ status }) => status)).toEqual([401, 200]);
    await one.checkIn(hello);
    expect(site.requests.map(({ status }) => status)).toEqual([401, 200, 200]);
  });

  it('repeats only once', async () => {
    site.broker.ahead = 3600;
    // A clock that jumps: what was learnt does not hold when it is used.
    let asked = 0;
    const clock = { now: () => new Date(Date.now() + 10_000_000 * asked++) };
    await expect(broker({ clock }).checkIn(hello)).rejects.toMatchObject({ code: 'refused', problem: 'clock-skew' });
    expect(site.requests).toHaveLength(2);
  });

  it('goes on after the last number that the broker saw', async () => {
    await broker({ from: 500 }).checkIn(hello);
    const late = broker({ from: 200 });
    await late.checkIn(hello);
    await late.checkIn(hello);
    expect(site.requests.map(({ status }) => status)).toEqual([200, 409, 200, 200]);
    expect(site.broker.hosts.get('host-1')?.sequence).toBe(502);
  });

  it('both in one call', async () => {
    await broker({ from: 500 }).checkIn(hello);
    site.broker.ahead = 3600;
    await broker({ from: 200 }).checkIn(hello);
    expect(site.requests.map(({ status }) => status)).toEqual([200, 401, 409, 200]);
  });
});

describe('a host that is not let in', () => {
  it('says revoked and cloned apart', async () => {
    await expect(broker({ machine: 'host-2' }).checkIn(hello)).rejects.toMatchObject({ code: 'cloned' });
    expect(site.broker.clones).toEqual(['host-2']);
    const host = site.broker.hosts.get('host-1');
    if (host) host.revoked = true;
    await expect(broker().checkIn(hello)).rejects.toMatchObject({ code: 'revoked', retryable: false });
  });

  it('an enrolment is repeated at will, and refused for what is wrong with it', async () => {
    await enrolled({ from: 5 });
    expect(site.broker.enrolments).toEqual(['host-1']);
    await expect(enrolled({ machine: 'host-2', from: 9 })).rejects.toMatchObject({ code: 'cloned' });
    const other = await openKeyFiles(folder).create();
    await expect(enrolled({ by: other })).rejects.toMatchObject({ code: 'taken' });
    const bad = goodToken.replace('tttt', 'aaaa');
    await expect(enrolled({ by: other, machine: 'host-3' }, bad)).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('a proof', () => {
  it('names key, machine, broker, time, number and the request', async () => {
    const now = new Date('2026-07-14T18:00:00.900Z');
    const { proofs } = options({ clock: { now: () => now } });
    const body = Buffer.from('{}');
    expect(decodeJwt(await proofs.prove({ method: 'POST', path: '/v1/x', body }))).toEqual({
      iss: key.thumbprint,
      sub: 'host-1',
      aud: 'urn:kbroker:tests',
      iat: 1_784_052_000,
      exp: 1_784_052_300,
      seq: 100,
      htm: 'POST',
      htp: '/v1/x',
      bh: createHash('sha256').update(body).digest('base64url'),
    });
  });
});
