import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packCab } from '#test/kit/pack-slice.ts';
import { signedCab } from '#test/kit/signed-index.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { pointTo, publish, type SmallFile, type SmallUpdate, sha1, unitId } from '../fixtures/publication.ts';
import { runCycle } from './cycle.ts';
import type { CycleResult } from './documents.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const file = (name: string, bytes = 5000): SmallFile => ({ name, data: randomBytes(bytes) });
const a = file('a.cab');
const b = file('b.cab', 90_000);
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a], severity: 'Critical' };
const two: SmallUpdate = { id: 2, kb: '5000002', files: [a, b] };

const states = (result: CycleResult): Record<string, string> =>
  Object.fromEntries(result.updates.map((update) => [update.kbs[0] ?? '', `${update.state}: ${update.reason}`]));

describe('installations that fail', () => {
  it('are reported with code and reason, and cleared by a later success', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const failing = [{ updateId: unitId(1), hresult: '0x80070643', message: 'simulated', times: 1 }];
    const agent = await bench.agent(aHost({ failing }));
    const first = await runCycle(agent);
    expect(first.state).toBe('ERROR');
    expect(states(first)['5000001']).toBe(
      'ERROR: installation failed with 0x80070643: fatal error during installation; see the log of the installer; simulated (attempt 1 of 5)',
    );
    expect(site.broker.reports.at(-1)?.updates[0]).toMatchObject({ state: 'ERROR' });
    const second = await runCycle(agent);
    expect(second).toMatchObject({ state: 'OK', installs: [{ outcome: 'installed' }], downloads: [] });
  });

  it('are given up after so many attempts, until somebody asks or a new revision comes', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const failing = [{ updateId: unitId(1), hresult: '0x80070643', message: '', times: 4 }];
    const agent = await bench.agent(aHost({ failing }), { maxInstallAttempts: 2 });
    const installs = async (options = {}) => (await runCycle(agent, options)).installs.length;
    expect([await installs(), await installs(), await installs()]).toEqual([1, 1, 0]);
    const given = await runCycle(agent);
    expect(states(given)['5000001']).toContain('(attempt 2 of 2; given up until its next revision)');
    expect(given.state).toBe('ERROR');
    expect(await installs({ retryGivenUp: true })).toBe(1);
    site.publish(publish([{ ...one, revision: 101 }]));
    expect([await installs(), await installs()]).toEqual([1, 1]);
    expect((await runCycle(agent)).state).toBe('OK');
  });

  it('a file that was damaged on the disk is downloaded again and costs no attempt', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in', 'pull', 'scan', 'lookup', 'download'] });
    await writeFile(agent.adapters.files.pathOf({ kind: 'payload', sha1: sha1(a.data) }), 'something else');
    const broken = await runCycle(agent, { phases: ['install'] });
    expect(broken.installs).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('damaged on the disk') },
    ]);
    const mended = await runCycle(agent);
    expect(mended).toMatchObject({ state: 'OK', downloads: [{ outcome: 'downloaded' }] });
  });
});

describe('when something is away', () => {
  it('without the broker, what is downloaded is installed by the last rules', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const agent = await bench.agent(aHost(), { triesPerCycle: 1 });
    await runCycle(agent, { phases: ['check-in', 'pull', 'scan', 'lookup', 'download'] });
    site.fail(/^\/v1\//, { type: 'status', status: 503, retryAfter: '120' }, 9);
    const result = await runCycle(agent);
    expect(result).toMatchObject({ state: 'OK', installs: [{ outcome: 'installed' }] });
    expect(result.problems.map((problem) => [problem.phase, problem.code, problem.retryAfterSeconds])).toEqual([
      ['check-in', 'unavailable', 120],
      ['report', 'unavailable', 120],
      ['report', 'unavailable', 120],
    ]);
  });

  it('a short outage is waited for inside the cycle', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.fail(/check-ins/, { type: 'status', status: 503, retryAfter: '0' }, 2);
    site.fail(/timestamp\.json/, { type: 'status', status: 502 });
    expect((await runCycle(await bench.agent())).problems).toEqual([]);
  });

  it('a host that is not let in is told plainly, and nothing is scanned without rules', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    // Without a check-in it has no cookies either.
    site.broker.cookies = {
      values: { 'CloudFront-Policy': 'p' },
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    };
    site.fail(/check-ins/, { type: 'status', status: 401 }, 9);
    const result = await runCycle(await bench.agent());
    expect(result.problems.map((problem) => [problem.phase, problem.code])).toEqual([
      ['check-in', 'refused'],
      ['trust', 'refused'],
      ['scan', 'nothing-stored'],
    ]);
    expect(result).not.toHaveProperty('state');
    expect(site.broker.reports).toEqual([]);
  });

  it('an empty repository is no crash', async () => {
    const result = await runCycle(await bench.agent());
    expect(result.problems).toMatchObject([
      { phase: 'pull', code: 'not-found' },
      { phase: 'scan', code: 'nothing-stored', message: 'cannot scan: no index is stored here yet' },
    ]);
    // There is nothing wrong with this host.
    expect(bench.site.broker.reports).toEqual([]);
  });

  it('an answer that breaks the contract is refused', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.fail(/check-ins/, { type: 'body', text: '{"version":1,"pollSeconds":"soon"}' });
    const result = await runCycle(await bench.agent());
    expect(result.problems[0]).toMatchObject({
      code: 'bad-answer',
      message: expect.stringMatching(/pollSeconds: .*number/),
    });
  });

  it('the index cannot be decoded: the scan fails and says why', async () => {
    const { site } = bench;
    site.publish(pointTo(signedCab(packCab({ 'readme.txt': 'no index' }, 'stored'))));
    const result = await runCycle(await bench.agent());
    expect(result.problems).toMatchObject([{ phase: 'scan', code: 'scan-failed' }]);
    expect(result.state).toBe('ERROR');
    expect(site.broker.reports).toMatchObject([
      { indexProblem: expect.stringContaining('cannot be scanned'), updates: [] },
    ]);
  });
});

describe('downloads inside a cycle', () => {
  it('a repository that contradicts the index is not believed', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.statuses.set(sha1(a.data), { sha1: sha1(a.data), state: 'held', sha256: 'f'.repeat(64), size: 5000 });
    const result = await runCycle(await bench.agent());
    expect(states(result)['5000001']).toMatch(/^ERROR: download refused: the repository offers a\.cab with SHA-256 f+/);
    expect(result.downloads).toEqual([]);
  });

  it('a file without SHA-256 in the index is proved by SHA-1 and by what the broker recorded', async () => {
    const { site } = bench;
    const old = { ...a, withSha256: false };
    site.publish(publish([{ ...one, files: [old] }]));
    site.hold(old);
    expect(await runCycle(await bench.agent())).toMatchObject({ state: 'OK' });
  });

  it('wrong bytes, twice: an ERROR with the reason, cleared when the right ones come', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    site.fail(/^\/payloads/, { type: 'wrong-bytes' }, 2);
    const agent = await bench.agent();
    const first = await runCycle(agent);
    expect(states(first)['5000001']).toMatch(/^ERROR: download of a\.cab failed: SHA-256 is [0-9a-f]{64}, expected/);
    expect(site.gets(/^\/payloads/)).toHaveLength(2);
    expect(site.broker.reports.at(-1)?.updates[0]?.state).toBe('ERROR');
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', downloads: [{ bytesResumed: 0 }] });
  });

  it('the files of an update that cannot be completed are not downloaded', async () => {
    const { site } = bench;
    site.publish(publish([two]));
    site.hold(b);
    expect((await runCycle(await bench.agent())).downloads).toEqual([]);
  });
});

describe('state', () => {
  it('damaged state files are set aside and named, and the agent goes on', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    await runCycle(agent);
    const folder = join(bench.folder, 'host-1', 'state');
    for (const name of ['index.json', 'rules.json', 'journal.json']) await writeFile(join(folder, name), '{"version":');
    const result = await runCycle(agent);
    expect(result.problems).toEqual([]);
    expect(result.updates).toHaveLength(1);
    const names = await readdir(folder);
    expect(names).toContain('index.json.damaged');
    expect(names).toContain('journal.json.damaged');
    // Rules that cannot be read are asked for again.
    expect(names).toContain('rules.json');
    const said = bench.log.filter((line) => line.level === 'warn').map((line) => line.message);
    expect(said.filter((message) => message.includes('set aside'))).toHaveLength(3);
  });

  it('a damaged index on the disk is downloaded again', async () => {
    const { site } = bench;
    const published = publish([one]);
    site.publish(published);
    const agent = await bench.agent();
    await runCycle(agent);
    const path = agent.adapters.files.pathOf({ kind: 'index', sha256: published.pointer.sha256 });
    await writeFile(path, (await readFile(path)).fill(0, 100, 200));
    const result = await runCycle(agent);
    expect(result.index?.bytesReceived).toBe(published.cab.byteLength);
    expect(await readFile(path)).toEqual(Buffer.from(published.cab));
  });

  it('the last cycle is kept for status', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const result = await runCycle(await bench.agent());
    const kept = JSON.parse(await readFile(join(bench.folder, 'host-1', 'state', 'last-cycle.json'), 'utf8'));
    expect(kept).toEqual(result);
  });

  it('two cycles on one data folder do not run together', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    const [x, y] = await Promise.all([runCycle(agent), runCycle(agent)]);
    expect([...x.problems, ...y.problems].map((problem) => problem.code)).toEqual(['busy']);
    expect((await runCycle(agent)).problems).toEqual([]);
  });
});
