import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { rulesOf } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile, type SmallUpdate, sha1, unitId } from '../fixtures/publication.ts';
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

describe('a whole life', () => {
  it('requests what is missing, then pulls, installs, rescans and reports OK', async () => {
    const { site } = bench;
    const published = publish([one, two]);
    site.publish(published);
    const agent = await bench.agent();

    const first = await runCycle(agent);
    expect(first.problems).toEqual([]);
    expect(states(first)).toEqual({
      '5000001': 'MISSING: 1 of 1 file is not in the repository yet; requested',
      '5000002': 'MISSING: 2 of 2 files are not in the repository yet; requested',
    });
    expect(first.needs).toEqual([sha1(a.data), sha1(b.data)]);
    expect(first.reports).toEqual([
      { version: 2, hash: expect.stringMatching(/^[0-9a-f]{64}$/), requested: first.needs.toSorted(), refused: [] },
    ]);
    expect(site.broker.reports).toHaveLength(1);
    expect(site.broker.reports[0]).toMatchObject({
      host: { machineId: 'host-1', agentVersion: '0.0.0-test' },
      indexSha256: first.index?.sha256,
      rulesRevision: 1,
      needs: first.needs.toSorted(),
    });

    site.hold(a);
    const second = await runCycle(agent);
    expect(states(second)).toEqual({
      '5000001': 'OK: installed',
      '5000002': 'MISSING: 1 of 2 files is not in the repository yet; requested',
    });
    expect(second.downloads).toEqual([
      {
        sha1: sha1(a.data),
        outcome: 'downloaded',
        bytesReceived: a.data.byteLength,
        bytesResumed: 0,
        source: 'repository',
      },
    ]);
    expect(second.installs).toEqual([
      { updateId: unitId(1), revision: 100, outcome: 'installed', rebootRequired: false },
    ]);
    // The file is shared with an update that still waits, so it stays.
    expect(second.removed).toEqual([]);
    expect(site.broker.reports.slice(1).map((report) => report.updates.map((update) => update.state))).toEqual([
      ['PENDING', 'MISSING'],
      ['OK', 'MISSING'],
    ]);

    site.hold(b);
    const third = await runCycle(agent);
    expect(third).toMatchObject({ state: 'OK', needs: [], problems: [] });
    expect(third.downloads.map((done) => done.sha1)).toEqual([sha1(b.data)]);
    expect(third.removed.toSorted()).toEqual([sha1(a.data), sha1(b.data)].toSorted());
    expect(await readdir(join(bench.folder, 'host-1', 'payloads'))).toEqual([]);

    const fourth = await runCycle(agent);
    expect(fourth).toMatchObject({ state: 'OK', downloads: [], installs: [], removed: [], problems: [] });
    expect(site.gets(/^\/payloads/)).toHaveLength(2);
    expect(site.gets(/^\/index\/sha256/)).toHaveLength(1);
    expect(site.gets(/timestamp\.json/)).toHaveLength(4);

    // Each check-in comes before the downloads of its cycle.
    const month = new Date().toISOString().slice(0, 7);
    const files = a.data.byteLength + b.data.byteLength;
    expect(site.broker.received.at(0)).toBeUndefined();
    expect(site.broker.received.at(-1)).toEqual({ month, index: published.cab.byteLength, files, direct: 0 });
  });

  it('goes over to a new index and keeps only that', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    site.publish(publish([one]));
    await runCycle(agent);
    const next = publish([one, two]);
    site.publish(next);
    const result = await runCycle(agent);
    expect(result.index).toMatchObject({ sha256: next.pointer.sha256, bytesReceived: next.cab.byteLength });
    expect(result.updates).toHaveLength(2);
    expect(await readdir(join(bench.folder, 'host-1', 'index'))).toEqual([`${next.pointer.sha256}.cab`]);
  });

  it('decodes an index once for all agents of the process', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agents = await Promise.all(['x', 'y', 'z'].map((name) => bench.agent(aHost(), {}, name)));
    const results = await Promise.all(agents.map((agent) => runCycle(agent)));
    expect(results.map((result) => result.updates.length)).toEqual([1, 1, 1]);
    const index = { sha256: results[0]?.index?.sha256 ?? '', path: '/nowhere' };
    // Were it decoded again, the path would be opened, and there is nothing.
    await expect(bench.process.decodeIndex(index)).resolves.toHaveProperty('catalog.updates.size', 3);
  });
});

describe('rules and supersedence', () => {
  it('names the reason of each state, and asks only for files of wanted updates', async () => {
    const { site } = bench;
    site.publish(publish([{ ...one, supersededBy: [2] }, two, { id: 3, kb: '5000003', files: [file('c.cab')] }]));
    const wapt = { allowedKbs: ['5000002'], forbiddenKbs: ['5000003'] };
    site.broker.rules = rulesOf({ wapt, settings: {} }, 7);
    const result = await runCycle(await bench.agent());
    expect(states(result)).toMatchObject({
      '5000001': 'SUPERSEDED: by KB5000002 (Update (KB5000002))',
      '5000003': 'DISCARDED: forbidden by wapt.forbiddenKbs of "pilot": KB5000003',
    });
    expect(result.needs).toEqual([sha1(a.data), sha1(b.data)]);
    expect(result.rulesRevision).toBe(7);
  });

  it('an update is not replaced by one that the rules hold back', async () => {
    const { site } = bench;
    site.publish(publish([{ ...one, supersededBy: [2] }, two]));
    site.broker.rules = rulesOf({ rules: [{ effect: 'forbid', when: { kbs: ['5000002'] } }] });
    const result = await runCycle(await bench.agent());
    expect(states(result)).toMatchObject({
      '5000001': expect.stringMatching(/^MISSING/),
      '5000002': 'DISCARDED: forbidden by rule 1 of "pilot": KB5000002',
    });
  });

  it('tells what the broker says of files', async () => {
    const { site } = bench;
    site.publish(publish([one, two]));
    site.broker.statuses.set(sha1(a.data), { sha1: sha1(a.data), state: 'unknown' });
    site.broker.statuses.set(sha1(b.data), { sha1: sha1(b.data), state: 'failed', reason: 'origin sent other bytes' });
    const result = await runCycle(await bench.agent());
    expect(states(result)).toEqual({
      '5000001': `MISSING: 1 of 1 file is not in the repository yet; the broker's catalogue does not know a.cab (SHA-1 ${sha1(a.data)})`,
      '5000002': `MISSING: 2 of 2 files are not in the repository yet; the broker's catalogue does not know a.cab (SHA-1 ${sha1(a.data)}); b.cab could not be fetched: origin sent other bytes`,
    });
    expect(result.reports[0]?.refused).toEqual([{ sha1: sha1(a.data), reason: 'not in the catalogue' }]);
  });
});
