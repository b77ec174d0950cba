import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DirectPolicy } from '../core/direct.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { rulesOf } from '../fixtures/fake-broker.ts';
import { serveFiles } from '../fixtures/microsoft.ts';
import { publish, type SmallFile, sha1, sha256 } from '../fixtures/publication.ts';
import { runCycle } from './cycle.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const a: SmallFile = { name: 'a.cab', data: randomBytes(60_000) };
const b: SmallFile = { name: 'b.cab', data: randomBytes(90_000) };
const agentOf = (direct: DirectPolicy) => bench.agent(aHost(), { triesPerCycle: 1, direct });
/** Both of a host's ways to the broker: its API and the repository. */
const brokerIsAway = (): void => bench.site.fail(/./, { type: 'status', status: 503 }, 1000);
const asked = (): readonly string[] => bench.microsoft.seen.map(({ host, path }) => `${host}${path}`);

describe('a host that may download directly', () => {
  beforeEach(async () => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [a, b] }]));
    bench.microsoft.answer = serveFiles(a, b);
    // It knows rules and index from a better time.
    await runCycle(await agentOf('never'), { phases: ['pull'] });
    bench.site.requests.length = 0;
  });

  it('installs from Microsoft while the broker is away, by the last known rules, and tells it later', async () => {
    brokerIsAway();
    const agent = await agentOf('fallback');
    expect(await runCycle(agent)).toMatchObject({
      state: 'OK',
      downloads: [
        { outcome: 'downloaded', source: 'microsoft', bytesReceived: a.data.length },
        { outcome: 'downloaded', source: 'microsoft', bytesReceived: b.data.length },
      ],
      installs: [{ outcome: 'installed' }],
    });
    // By https, and each file once.
    expect(asked()).toEqual(['/c/a.cab', '/c/b.cab'].map((path) => `catalog.s.download.windowsupdate.com${path}`));
    expect(bench.log.map(({ message }) => message)).toContain(`downloaded a.cab, 60000 bytes from Microsoft itself`);
    expect(bench.site.broker.reports).toEqual([]);
    bench.site.mend();
    expect(await runCycle(agent)).toMatchObject({ problems: [], downloads: [] });
    expect(bench.site.broker.reports.at(-1)?.updates).toMatchObject([{ state: 'OK' }]);
  });

  it('waits for the broker where that is not switched on', async () => {
    brokerIsAway();
    expect(await runCycle(await agentOf('never'))).toMatchObject({
      state: 'PENDING_UPDATES',
      updates: [{ state: 'MISSING' }],
    });
    expect(asked()).toEqual([]);
  });

  it('asks nobody once it is revoked', async () => {
    for (const host of bench.site.broker.hosts.values()) host.revoked = true;
    expect(await runCycle(await agentOf('first'))).toMatchObject({ problems: [{ code: 'revoked' }], downloads: [] });
    expect(asked()).toEqual([]);
  });

  it('asks nobody before rules are known', async () => {
    const fresh = await bench.agent(aHost(), { triesPerCycle: 1, direct: 'first' }, 'host-2');
    brokerIsAway();
    expect((await runCycle(fresh)).problems.at(-1)).toMatchObject({ code: 'nothing-stored' });
    expect(asked()).toEqual([]);
  });

  it('takes from Microsoft what the repository lacks, and still says that it is needed', async () => {
    bench.site.hold(a);
    const result = await runCycle(await agentOf('fallback'));
    expect(result.downloads.map((one) => one.outcome === 'downloaded' && one.source)).toEqual([
      'repository',
      'microsoft',
    ]);
    expect(bench.site.broker.reports[0]?.needs).toEqual([sha1(b.data)]);
  });

  it('goes on at Microsoft with what came from the repository before it broke off', async () => {
    bench.site.hold(a, b);
    bench.site.fail(new RegExp(sha256(b.data)), { type: 'cut', afterBytes: 50_000 });
    expect((await runCycle(await agentOf('fallback'))).downloads[1]).toEqual({
      sha1: sha1(b.data),
      outcome: 'downloaded',
      source: 'microsoft',
      bytesReceived: 40_000,
      bytesResumed: 50_000,
    });
    expect(bench.microsoft.seen.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      ['bytes=50000-', undefined],
    ]);
  });

  it('starts again when the beginning was of another file', async () => {
    bench.site.hold(a, b);
    bench.site.fail(new RegExp(sha256(b.data)), { type: 'cut', afterBytes: 50_000 });
    const agent = await agentOf('never');
    await runCycle(agent);
    const part = `${agent.adapters.files.pathOf({ kind: 'payload', sha1: sha1(b.data) })}.part`;
    await writeFile(part, Buffer.alloc(50_000));
    expect((await runCycle(await agentOf('first'))).downloads).toMatchObject([{ outcome: 'downloaded' }]);
    expect(bench.microsoft.seen.map(({ headers }) => headers.range)).toEqual(['bytes=50000-', undefined]);
  });
});

describe('a host that asks Microsoft first', () => {
  beforeEach(() => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [a, b] }]));
    bench.microsoft.answer = serveFiles(a, b);
  });

  it('neither asks the broker for files nor says that it needs them', async () => {
    expect(await runCycle(await agentOf('first'))).toMatchObject({ state: 'OK', problems: [] });
    expect(bench.site.calls(/files/)).toEqual([]);
    expect(bench.site.broker.reports.map(({ needs }) => needs)).toEqual([[], []]);
    expect(asked()).toHaveLength(2);
  });

  it('does so because the signed rules say it, and no more when they say otherwise', async () => {
    const { broker } = bench.site;
    broker.rules = rulesOf({ settings: { defaultAllow: true, directFirst: true } });
    expect(await runCycle(await agentOf('never'))).toMatchObject({ downloads: [{ source: 'microsoft' }, {}] });
    bench.site.publish(publish([{ id: 2, kb: '5000002', files: [{ ...a, data: randomBytes(10) }] }]));
    broker.rules = rulesOf({ settings: { defaultAllow: true, directDownload: false } }, 2);
    bench.microsoft.seen.length = 0;
    expect(await runCycle(await agentOf('first'))).toMatchObject({ downloads: [], updates: [{ state: 'MISSING' }] });
    expect(asked()).toEqual([]);
  });

  it('takes what the repository holds when Microsoft is away', async () => {
    bench.site.offer = { ...bench.site.offer, catalogs: heldFor(a, b) };
    bench.site.hold(a, b);
    bench.microsoft.answer = (_request, response) => response.destroy();
    const result = await runCycle(await agentOf('first'));
    expect(result).toMatchObject({ state: 'OK', downloads: [{ source: 'repository' }, { source: 'repository' }] });
    // That it is away was found out once, by https and by http.
    expect(asked()).toHaveLength(2);
    expect(bench.site.calls(/files/)).toEqual([]);
  });

  it('has the broker fetch what it could not get itself', async () => {
    bench.microsoft.answer = (_request, response) => response.writeHead(503).end();
    const agent = await agentOf('first');
    const first = await runCycle(agent);
    expect(first).toMatchObject({
      updates: [{ state: 'MISSING' }],
      problems: [{ phase: 'download', code: 'unavailable' }],
    });
    expect(first.needs).toContain(sha1(a.data));
    bench.site.hold(a, b);
    expect(await runCycle(agent)).toMatchObject({
      state: 'OK',
      downloads: [{ source: 'repository' }, { source: 'repository' }],
    });
  });
});

describe('what Microsoft answers', () => {
  beforeEach(() => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [a] }]));
  });
  const downloaded = async () => (await runCycle(await agentOf('first'))).downloads[0];

  it('is refused when it is not the file, and nothing of it stays', async () => {
    bench.microsoft.answer = serveFiles({ ...a, data: randomBytes(a.data.length) });
    const agent = await agentOf('first');
    const result = await runCycle(agent);
    expect(result).toMatchObject({
      installs: [],
      downloads: [{ outcome: 'failed', code: 'damaged', reason: expect.stringContaining('SHA-256 is') }],
      updates: [
        { state: 'MISSING', reason: expect.stringContaining('a.cab did not come directly either: SHA-256 is') },
      ],
    });
    const path = agent.adapters.files.pathOf({ kind: 'payload', sha1: sha1(a.data) });
    expect(await agent.adapters.files.has({ kind: 'payload', sha1: sha1(a.data) })).toBe(false);
    expect(await readFile(`${path}.part`)).toHaveLength(0);
  });

  it('may be a redirect to another of its hosts, and to no other', async () => {
    const serve = serveFiles(a);
    bench.microsoft.answer = (request, response) => {
      if (request.headers.host === 'www.windowsupdate.com') serve(request, response);
      else response.writeHead(302, { location: `https://www.windowsupdate.com${request.url}` }).end();
    };
    expect(await downloaded()).toMatchObject({ outcome: 'downloaded' });
  });

  it.each([
    ['http://evil.example/a.cab', /"http:\/\/evil.example\/a.cab" is not contacted/],
    ['http://127.0.0.1/a.cab', /is not contacted/],
    ['http://download.windowsupdate.com:8080/a.cab', /port 8080/],
    ['/again', /redirects more than 5 times/],
  ])('a redirect to %s is refused', async (location, reason) => {
    bench.microsoft.answer = (_request, response) => response.writeHead(302, { location }).end();
    expect(await downloaded()).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(reason) });
    expect(asked().every((one) => /^[a-z.]*windowsupdate\.com\/(c\/a\.cab|again)$/.test(one))).toBe(true);
  });

  it('may be had by plain http alone', async () => {
    const serve = serveFiles(a);
    bench.microsoft.answer = (request, response) => {
      if (request.headers.host?.startsWith('catalog')) response.writeHead(404).end();
      else serve(request, response);
    };
    expect(await downloaded()).toMatchObject({ outcome: 'downloaded', source: 'microsoft' });
  });
});

const heldFor = (...files: readonly SmallFile[]) => ({
  everyone: files.map(({ data }) => ({ sha1: sha1(data), sha256: sha256(data), size: data.length })),
});
