import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { goodToken } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile, type SmallUpdate, unitId } from '../fixtures/publication.ts';
import { enrolSimulatedHost, openSimulatedAgent } from '../main.ts';
import { runCycle } from './cycle.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const file = (name: string): SmallFile => ({ name, data: randomBytes(5000) });
const a = file('a.cab');
const b = file('b.cab');
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a] };
const two: SmallUpdate = { id: 2, kb: '5000002', files: [b] };
/** Long enough that changes pay. */
const many: readonly SmallUpdate[] = Array.from({ length: 20 }, (_, index) => ({
  id: 100 + index,
  kb: String(5_100_000 + index),
  files: [],
}));

/** Nothing of it is allowed, so that one cycle is like the next. */
function publishQuietly(...updates: readonly SmallUpdate[]): void {
  bench.site.broker.rules = { ...bench.site.broker.rules, defaultAllow: false };
  bench.site.publish(publish(updates));
}

const kinds = () => bench.site.broker.messages.map(({ kind }) => kind);
const host = () => {
  const found = bench.site.broker.hosts.get('host-1');
  if (found === undefined) throw new Error('the host is not enrolled');
  return found;
};
const stateFile = (name: string): string => join(bench.folder, 'host-1', 'state', `${name}.json`);

describe('a quiet cycle', () => {
  it('is exactly one request to the API', async () => {
    const { site } = bench;
    site.publish(publish([one, two]));
    site.hold(a, b);
    const agent = await bench.agent();
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', problems: [] });
    for (let round = 0; round < 3; round += 1) {
      site.requests.length = 0;
      const quiet = await runCycle(agent);
      expect(quiet).toMatchObject({ state: 'OK', reports: [], problems: [], pollSeconds: 7200 });
      expect(site.calls()).toEqual(['/v1/agent/check-ins']);
      expect(site.requests.map(({ path, status }) => [path.split('/')[1], status])).toEqual([
        ['v1', 200],
        ['index', 304],
      ]);
      expect(site.requests[0]?.bytes).toBeLessThan(400);
    }
  });

  it('tells when the machine was last scanned with the result that the broker has', async () => {
    publishQuietly(one);
    const agent = await bench.agent();
    await runCycle(agent);
    const scans: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      await runCycle(agent);
      scans.push(JSON.parse(await readFile(stateFile('accepted-report'), 'utf8')).scannedAt);
    }
    expect(scans.toSorted()).toEqual(scans);
    expect(new Set(scans).size).toBe(2);
    expect(kinds()).toEqual(['whole']);
  });

  it('asks for a file again that nobody fetches', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    await runCycle(agent);
    site.requests.length = 0;
    await runCycle(agent);
    expect(site.calls()).toEqual(['/v1/agent/check-ins', '/v1/agent/files/lookup']);
    site.broker.statuses.clear();
    site.requests.length = 0;
    await runCycle(agent);
    expect(site.calls()).toEqual(['/v1/agent/check-ins', '/v1/agent/files/lookup', '/v1/agent/reports']);
    expect(site.broker.messages.at(-1)).toMatchObject({
      kind: 'changes',
      changes: { updates: { set: [], removed: [] }, needs: { added: [], removed: [] } },
    });
  });
});

describe('a report', () => {
  it('is whole at first, and changes afterwards, also after an installation in the same cycle', async () => {
    const { site } = bench;
    site.publish(publish([...many, one]));
    site.broker.rules = { ...site.broker.rules, forbiddenKbs: many.map(({ kb }) => kb) };
    const agent = await bench.agent();
    await runCycle(agent);
    site.hold(a);
    await runCycle(agent);
    expect(kinds()).toEqual(['whole', 'changes', 'changes']);
    const [whole, pending, installed] = site.broker.messages.map((message) => JSON.stringify(message).length);
    expect(pending).toBeLessThan((whole ?? 0) / 4);
    expect(installed).toBeLessThan((whole ?? 0) / 4);
    expect(site.broker.reports.map((report) => report.updates[0]?.state)).toEqual(['MISSING', 'PENDING', 'OK']);
  });

  it('is whole when the changes are longer', async () => {
    publishQuietly(...many);
    const agent = await bench.agent();
    await runCycle(agent);
    publishQuietly(one);
    await runCycle(agent);
    expect(kinds()).toEqual(['whole', 'whole']);
  });

  it('is whole again when the broker lost the last one, though nothing changed', async () => {
    publishQuietly(one);
    const agent = await bench.agent();
    await runCycle(agent);
    host().report = undefined;
    await runCycle(agent);
    await runCycle(agent);
    expect(kinds()).toEqual(['whole', 'whole']);
  });

  it('is sent whole in the same cycle when its base is unknown by then', async () => {
    const { site } = bench;
    site.publish(publish([...many, one]));
    site.broker.rules = { ...site.broker.rules, forbiddenKbs: many.map(({ kb }) => kb) };
    const agent = await bench.agent();
    await runCycle(agent);
    site.hold(a);
    host().report = undefined;
    const result = await runCycle(agent, { phases: ['scan', 'lookup', 'report'] });
    expect(result.problems).toEqual([]);
    expect(site.calls(/reports/)).toHaveLength(3);
    expect(kinds()).toEqual(['whole', 'whole']);
  });

  it('whose answer was lost is found out by its hash', async () => {
    const { site } = bench;
    publishQuietly(one);
    const agent = await bench.agent(aHost(), { triesPerCycle: 1 });
    site.fail(/reports/, { type: 'lost' });
    expect((await runCycle(agent)).problems).toMatchObject([{ phase: 'report', code: 'unreachable' }]);
    expect((await runCycle(agent)).problems).toEqual([]);
    expect(host().report).toBeDefined();
    site.requests.length = 0;
    await runCycle(agent);
    expect(site.calls()).toEqual(['/v1/agent/check-ins']);
  });

  it('is repeated whole when somebody asks for it', async () => {
    publishQuietly(one);
    const agent = await bench.agent();
    await runCycle(agent);
    await runCycle(agent, { wholeReport: true });
    expect(kinds()).toEqual(['whole', 'whole']);
  });

  it('whose hash the broker tells differently is not taken for accepted', async () => {
    const { site } = bench;
    publishQuietly(one);
    site.fail(/reports/, {
      type: 'body',
      text: JSON.stringify({ version: 2, hash: '0'.repeat(64), requested: [], refused: [] }),
    });
    const agent = await bench.agent();
    expect((await runCycle(agent)).problems).toMatchObject([{ phase: 'report', code: 'bad-answer' }]);
    expect((await runCycle(agent)).problems).toEqual([]);
    expect(kinds()).toEqual(['whole']);
  });
});

describe('sequence numbers', () => {
  it('never repeat, over restarts and after a crash between number and request', async () => {
    const { site } = bench;
    publishQuietly(one);
    const agent = await bench.agent(aHost(), { triesPerCycle: 1 });
    await runCycle(agent);
    const before = host().sequence;
    // The number is taken, and the process ends before anything is sent.
    const dying = await bench.agent(aHost(), { triesPerCycle: 1 });
    site.fail(/check-ins/, { type: 'status', status: 503 });
    await runCycle(dying, { phases: ['check-in'] });
    expect(host().sequence).toBe(before);
    const kept = JSON.parse(await readFile(stateFile('identity'), 'utf8')).sequence;
    const reopened = await bench.agent();
    site.requests.length = 0;
    await runCycle(reopened, { phases: ['check-in'] });
    // Nothing was refused as replayed: the number is greater than all that the dead process can have used.
    expect(site.requests.map(({ status }) => status)).toEqual([200]);
    expect(host().sequence).toBeGreaterThan(kept);
  });

  it('are written before the first request, and seldom', async () => {
    const { site } = bench;
    publishQuietly(one);
    const agent = await bench.agent();
    const sequence = async (): Promise<number> => JSON.parse(await readFile(stateFile('identity'), 'utf8')).sequence;
    const first = await sequence();
    await runCycle(agent, { phases: ['check-in'] });
    const reserved = await sequence();
    expect(reserved).toBeGreaterThan(first);
    expect(host().sequence).toBeLessThanOrEqual(reserved);
    for (let round = 0; round < 10; round += 1) await runCycle(agent, { phases: ['check-in'] });
    expect(await sequence()).toBe(reserved);
    for (let round = 0; round < 60; round += 1) await runCycle(agent, { phases: ['check-in'] });
    expect(await sequence()).toBeGreaterThan(reserved);
    expect(new Set(site.requests.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('of two processes on one folder do not meet', async () => {
    const { site } = bench;
    const [x, y] = [await bench.agent(), await bench.agent()];
    for (const agent of [x, y, x, x, y]) await runCycle(agent, { phases: ['check-in'] });
    expect(site.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  it('go on after the last one that the broker saw, when a data folder was put back', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    host().sequence = 5000;
    expect((await runCycle(agent, { phases: ['check-in'] })).problems).toEqual([]);
    expect(host().sequence).toBe(5001);
    site.requests.length = 0;
    await runCycle(await bench.agent(), { phases: ['check-in'] });
    expect(site.requests.map(({ status }) => status)).toEqual([200]);
  });
});

describe('the cookies of the repository', () => {
  const give = (value: string, seconds = 3600): void => {
    bench.site.broker.cookies = {
      values: { 'CloudFront-Policy': value, 'CloudFront-Signature': 's~' },
      expiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
    };
  };

  it('are kept where their owner alone reads them, and sent to the repository only', async () => {
    const { site } = bench;
    give('one');
    site.publish(publish([one]));
    site.hold(a);
    expect(await runCycle(await bench.agent())).toMatchObject({ state: 'OK', problems: [] });
    if (process.platform !== 'win32') expect((await stat(stateFile('cookies'))).mode & 0o777).toBe(0o600);
    for (const { path, cookie } of site.requests) {
      expect([path, cookie]).toEqual([
        path,
        path.startsWith('/v1/') ? undefined : 'CloudFront-Policy=one; CloudFront-Signature=s~',
      ]);
    }
    // The next cycle has them still.
    site.requests.length = 0;
    await runCycle(await bench.agent());
    expect(site.calls()).toEqual(['/v1/agent/check-ins']);
  });

  it('are renewed by one check-in when the repository refuses them', async () => {
    const { site } = bench;
    give('one');
    site.publish(publish([one]));
    site.hold(a);
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in'] });
    give('two');
    site.requests.length = 0;
    expect(await runCycle(agent, { phases: ['pull', 'scan'] })).toMatchObject({ problems: [] });
    expect(site.requests.map(({ path, status }) => [path.split('/')[1], status])).toEqual([
      ['index', 403],
      ['v1', 200],
      ['index', 200],
      ['index', 200],
    ]);
  });

  it('that are fresh are not the reason: the object is not there', async () => {
    const { site } = bench;
    give('one');
    const agent = await bench.agent();
    const result = await runCycle(agent);
    expect(result.problems).toMatchObject([{ phase: 'pull', code: 'not-found' }, { code: 'nothing-stored' }]);
    expect(site.calls()).toEqual(['/v1/agent/check-ins']);
    // Those of the cycle before may be old: it is asked once.
    site.requests.length = 0;
    await runCycle(agent);
    expect(site.calls()).toEqual(['/v1/agent/check-ins', '/v1/agent/check-ins']);
  });

  it('that fit into no header are refused', async () => {
    give('a\r\nb: c');
    const result = await runCycle(await bench.agent());
    expect(result.problems[0]).toMatchObject({ phase: 'pull', code: 'bad-answer' });
  });
});

describe('rules', () => {
  it('that are new make a check-in a whole cycle, also when they came at the end of one', async () => {
    const { site } = bench;
    publishQuietly(one);
    const agent = await bench.agent();
    await runCycle(agent);
    expect((await runCycle(agent, { phases: ['check-in'] })).phases).toEqual(['check-in']);
    site.broker.rules = { ...site.broker.rules, forbiddenKbs: ['5000001'], revision: 2 };
    const judged = await runCycle(agent, { phases: ['check-in'] });
    expect(judged.rulesRevision).toBe(2);
    expect(judged.phases).toContain('install');
    const rules = JSON.parse(await readFile(stateFile('rules'), 'utf8'));
    await writeFile(stateFile('rules'), JSON.stringify({ ...rules, revision: 3 }));
    site.broker.rules = { ...site.broker.rules, revision: 3 };
    expect((await runCycle(agent, { phases: ['check-in'] })).rulesRevision).toBe(3);
  });
});

describe('a host whose key is let in no more', () => {
  it('goes on without the network, and wipes nothing', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const agent = await bench.agent();
    await runCycle(agent, { phases: ['check-in', 'pull', 'scan', 'lookup', 'download'] });
    host().revoked = true;
    site.requests.length = 0;
    const result = await runCycle(agent);
    expect(result.problems).toMatchObject([{ phase: 'check-in', code: 'revoked', retryable: false }]);
    expect(result.installs).toMatchObject([{ updateId: unitId(1), outcome: 'installed' }]);
    expect(site.requests.map(({ path }) => path)).toEqual(['/v1/agent/check-ins']);
  });

  it('as a copy of another machine shows itself, and enrols with a key of its own', async () => {
    const { site } = bench;
    publishQuietly(one);
    await bench.agent();
    const owner = host().thumbprint;
    // The disk of host-1 starts on another machine.
    const hostFile = join(bench.folder, 'host-1.json');
    await writeFile(hostFile, JSON.stringify({ ...aHost(), host: { ...aHost().host, machineId: 'host-2' } }));
    const common = { process: bench.process, dataDir: join(bench.folder, 'host-1'), hostFile, log: () => undefined };
    const copy = await openSimulatedAgent(common);
    expect((await runCycle(copy)).problems[0]).toMatchObject({ phase: 'check-in', code: 'cloned', retryable: false });
    expect(site.broker.clones).toEqual(['host-2']);
    const { identity, changed } = await enrolSimulatedHost({
      ...common,
      server: site.url,
      token: goodToken,
      newKey: false,
    });
    expect(changed).toBe(true);
    expect(identity.thumbprint).not.toBe(owner);
    expect((await runCycle(await openSimulatedAgent(common), { phases: ['check-in'] })).problems).toEqual([]);
    expect(host().thumbprint).toBe(owner);
  });
});
