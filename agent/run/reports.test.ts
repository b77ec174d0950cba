import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { rulesOf } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile, type SmallUpdate } from '../fixtures/publication.ts';
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
  bench.site.broker.rules = rulesOf({ settings: {} });
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
        ['metadata', 404],
        ['metadata', 200],
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
    site.broker.rules = rulesOf({ rules: [{ effect: 'forbid', when: { kbs: many.map(({ kb }) => kb) } }] });
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
    site.broker.rules = rulesOf({ rules: [{ effect: 'forbid', when: { kbs: many.map(({ kb }) => kb) } }] });
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

describe('rules', () => {
  it('that are new make a check-in a whole cycle, also when they came at the end of one', async () => {
    const { site } = bench;
    publishQuietly(one);
    const agent = await bench.agent();
    await runCycle(agent);
    expect((await runCycle(agent, { phases: ['check-in'] })).phases).toEqual(['check-in', 'trust']);
    site.broker.rules = rulesOf({ rules: [{ effect: 'forbid', when: { kbs: ['5000001'] } }] }, 2);
    const judged = await runCycle(agent, { phases: ['check-in'] });
    expect(judged.rulesRevision).toBe(2);
    expect(judged.phases).toContain('install');
    const rules = JSON.parse(await readFile(stateFile('rules'), 'utf8'));
    await writeFile(stateFile('rules'), JSON.stringify({ ...rules, revision: 3 }));
    site.broker.rules = { ...site.broker.rules, revision: 3 };
    expect((await runCycle(agent, { phases: ['check-in'] })).rulesRevision).toBe(3);
  });
});
