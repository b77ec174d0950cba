import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { rulesOf } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile, type SmallUpdate, sha1, unitId } from '../fixtures/publication.ts';
import type { Agent } from './agent.ts';
import { runCycle } from './cycle.ts';
import type { CycleResult } from './documents.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const file = (name: string): SmallFile => ({ name, data: randomBytes(5000) });
const a = file('a.cab');
const b = file('b.cab');
const created = '2026-03-10T18:00:00Z';
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a], createdAt: created };
const two: SmallUpdate = { id: 2, kb: '5000002', files: [b], createdAt: created };
const day = 24 * 3600;
const aWeek = { settings: { defaultAllow: true, installDelaySeconds: 7 * day } };

const states = (result: CycleResult): Record<string, string> =>
  Object.fromEntries(result.updates.map((update) => [update.kbs[0] ?? '', `${update.state}: ${update.reason}`]));
const stateFile = (name: string): string => join(bench.folder, 'host-1', 'state', `${name}.json`);
const at = (agent: Agent, time: string): Agent => ({
  ...agent,
  adapters: { ...agent.adapters, clock: { ...agent.adapters.clock, now: () => new Date(time) } },
});

describe('rules by what the index says of an update', () => {
  it('are heeded: product, classification, size and reboot', async () => {
    const { site } = bench;
    site.publish(
      publish([
        { ...one, products: ['Windows 10'], classification: 'Security Updates' },
        { ...two, products: ['Windows 11'], classification: 'Updates' },
        { id: 3, kb: '5000003', files: [file('c.cab')], products: ['Windows 11'], classification: 'Drivers' },
        { id: 4, kb: '5000004', files: [], reboot: 'AlwaysRequiresReboot' },
        { id: 5, kb: '5000005', files: [{ name: 'd.cab', data: randomBytes(9000) }] },
      ]),
    );
    site.broker.rules = rulesOf({
      rules: [
        { effect: 'forbid', when: { products: ['windows 10'] }, comment: 'see ticket 17' },
        { effect: 'hold', when: { classifications: ['Drivers'] } },
        { effect: 'hold', when: { reboots: ['always'] } },
        { effect: 'hold', when: { minBytes: 9000 } },
      ],
    });
    expect(states(await runCycle(await bench.agent()))).toMatchObject({
      '5000001': 'DISCARDED: forbidden by rule 1 of "pilot": product Windows 10; comment: see ticket 17',
      '5000002': expect.stringMatching(/^MISSING/),
      '5000003': 'DISCARDED: held back by rule 2 of "pilot": classification Drivers',
      '5000004': 'DISCARDED: held back by rule 3 of "pilot": reboot always',
      '5000005': 'DISCARDED: held back by rule 4 of "pilot": at least 9000 bytes',
    });
  });
});

describe('a delay', () => {
  const during = '2026-03-12T00:00:00Z';

  it('is counted from the first publication, which the broker is asked for once', async () => {
    const { site } = bench;
    site.publish(publish([one, two]));
    site.hold(a, b);
    site.broker.rules = rulesOf(aWeek);
    site.broker.firstPublished.set(unitId(1), '2026-02-10T18:00:00Z').set(unitId(2), '2026-03-08T18:00:00Z');
    const agent = at(await bench.agent(), during);
    const first = await runCycle(agent);
    expect(first.problems).toEqual([]);
    expect(states(first)).toEqual({
      '5000001': 'OK: installed',
      '5000002': expect.stringMatching(/^DISCARDED: delayed until 2026-03-15T18:00:00.000Z by "pilot": 7 days since/),
    });
    expect(first.nextChangeAt).toBe('2026-03-15T18:00:00.000Z');
    expect(first.needs).toEqual([]);
    site.requests.length = 0;
    expect(states(await runCycle(agent))).toEqual(states(first));
    expect(site.calls()).toEqual(['/v1/agent/check-ins']);
    expect(site.broker.askedUpdates).toEqual([unitId(1), unitId(2)]);
    // Answers are kept as long as the update is needed.
    expect(JSON.parse(await readFile(stateFile('first-published'), 'utf8'))).toEqual({
      version: 1,
      updates: [{ updateId: unitId(2), firstPublishedAt: '2026-03-08T18:00:00Z' }],
    });
  });

  it('that has passed is acted on at the next full cycle, though nothing else changed', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    site.broker.rules = rulesOf(aWeek);
    const agent = await bench.agent();
    expect(states(await runCycle(at(agent, during)))['5000001']).toMatch(/^DISCARDED: delayed until 2026-03-17T18/);
    expect(states(await runCycle(at(agent, '2026-03-17T17:59:59Z')))['5000001']).toMatch(/^DISCARDED/);
    const after = await runCycle(at(agent, '2026-03-17T18:00:00Z'));
    expect(after).toMatchObject({ state: 'OK', installs: [{ updateId: unitId(1), outcome: 'installed' }] });
    expect(after).not.toHaveProperty('nextChangeAt');
    expect(site.gets(/^\/index\/sha256/)).toHaveLength(1);
  });

  it('makes a check-in a whole cycle when it has passed, once', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.rules = rulesOf(aWeek);
    const agent = await bench.agent();
    await runCycle(at(agent, during));
    const checkIn = async (time: string) => (await runCycle(at(agent, time), { phases: ['check-in'] })).phases.length;
    expect(await checkIn('2026-03-17T17:59:59Z')).toBe(2);
    expect(await checkIn('2026-03-17T18:00:00Z')).toBe(8);
    expect(await checkIn('2026-03-17T18:01:00Z')).toBe(2);
  });

  it('is not made longer by the broker, and is asked about again when the broker knew nothing or was away', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.rules = rulesOf(aWeek);
    const agent = at(await bench.agent(aHost(), { triesPerCycle: 1 }), during);
    site.fail(/updates\/lookup/, { type: 'status', status: 503 });
    const away = await runCycle(agent);
    expect(away.problems).toMatchObject([{ phase: 'lookup', code: 'unavailable' }]);
    expect(states(away)['5000001']).toMatch(/^DISCARDED: delayed until 2026-03-17T18/);
    await runCycle(agent);
    site.broker.firstPublished.set(unitId(1), '2026-03-11T18:00:00Z');
    expect((await runCycle(agent)).nextChangeAt).toBe('2026-03-17T18:00:00.000Z');
    await runCycle(agent);
    expect(site.broker.askedUpdates).toEqual([unitId(1), unitId(1)]);
  });

  it('and rules that ask for the age count alike', async () => {
    const { site } = bench;
    site.publish(publish([one, two]));
    site.broker.rules = rulesOf({ rules: [{ effect: 'hold', when: { maxAgeSeconds: 7 * day } }] });
    site.broker.firstPublished.set(unitId(1), '2026-01-13T18:00:00Z');
    const found = states(await runCycle(at(await bench.agent(), during)));
    expect(found['5000001']).toMatch(/^MISSING/);
    expect(found['5000002']).toMatch(/^DISCARDED: held back .*at most 7 days old/);
  });
});

describe('a hold', () => {
  it('says until when, in the words of the verdict, and ends by itself', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const expiresAt = '2026-12-01T00:00:00.000Z';
    site.broker.rules = rulesOf({ rules: [{ effect: 'hold', when: { kbs: ['5000001'] }, expiresAt }] });
    const agent = await bench.agent();
    const held = await runCycle(at(agent, '2026-11-30T23:59:59Z'));
    expect(states(held)).toEqual({
      '5000001': `DISCARDED: held back until ${expiresAt} by rule 1 of "pilot": KB5000001`,
    });
    expect(held.nextChangeAt).toBe(expiresAt);
    expect(states(await runCycle(at(agent, expiresAt)))['5000001']).toMatch(/^MISSING/);
  });
});

describe('a servicing stack update', () => {
  const stack: SmallUpdate = { ...two, title: '2026-03 Servicing Stack Update for Windows 11 (KB5000002)' };

  it('is installed before everything, whatever is held back or delayed, and the rest in the same cycle', async () => {
    const { site } = bench;
    site.publish(publish([one, stack]));
    site.hold(a, b);
    site.broker.rules = rulesOf({ ...aWeek, rules: [{ effect: 'hold', when: { kbs: ['5000002'] } }] });
    const agent = await bench.agent();
    const result = await runCycle(at(agent, '2026-03-20T00:00:00Z'));
    expect(result).toMatchObject({ state: 'OK', problems: [] });
    expect(result.installs.map(({ updateId }) => updateId)).toEqual([unitId(2), unitId(1)]);
    expect(site.broker.reports[0]?.updates.map(({ reason }) => reason)).toEqual([
      `its file is in the repository; KB5000002 (${stack.title}) is installed first, and alone`,
      'its file is in the repository',
    ]);
  });

  it('that fails is tried again at the next cycle, before the rest, until it is given up', async () => {
    const { site } = bench;
    site.publish(publish([one, stack]));
    site.hold(a, b);
    const failing = [{ updateId: unitId(2), hresult: '0x80070643', message: '' }];
    const agent = await bench.agent(aHost({ failing }), { maxInstallAttempts: 2 });
    const tried = (result: CycleResult) => result.installs.map(({ updateId }) => updateId);
    const first = await runCycle(agent);
    expect(tried(first)).toEqual([unitId(2)]);
    expect(states(first)).toMatchObject({
      '5000001': expect.stringMatching(/^PENDING: its file is downloaded; KB5000002 .* is installed first, and alone$/),
      '5000002': expect.stringMatching(/^ERROR: .*\(attempt 1 of 2\)$/),
    });
    expect(tried(await runCycle(agent))).toEqual([unitId(2)]);
    const third = await runCycle(agent);
    expect(tried(third)).toEqual([unitId(1)]);
    expect(states(third)['5000001']).toBe('OK: installed');
  });
});

describe('a host that is switched off', () => {
  it('scans and reports, downloads and installs nothing, and says why', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    await runCycle(agent);
    site.hold(a);
    await runCycle(agent, { phases: ['check-in', 'scan', 'lookup', 'download'] });
    site.broker.rules = rulesOf({ settings: { enabled: false, defaultAllow: true } }, 2);
    const off = await runCycle(agent);
    expect(off).toMatchObject({ state: 'OK', needs: [], downloads: [], installs: [], problems: [] });
    expect(off.removed).toEqual([sha1(a.data)]);
    expect(site.broker.reports.at(-1)?.updates).toMatchObject([
      {
        state: 'DISCARDED',
        reason: expect.stringMatching(/^nothing is installed on this host: "pilot" sets enabled to false; otherwise /),
      },
    ]);
    site.broker.rules = rulesOf({}, 3);
    expect(await runCycle(agent)).toMatchObject({ state: 'OK', installs: [{ outcome: 'installed' }] });
  });
});

describe('rules that an older agent stored', () => {
  it('are set aside and named, and read anew from the signed repository', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    await runCycle(agent);
    const old = {
      version: 1,
      revision: 1,
      defaultAllow: true,
      allowedKbs: [],
      forbiddenKbs: [],
      allowedSeverities: [],
    };
    await writeFile(stateFile('rules'), JSON.stringify(old));
    const result = await runCycle(agent);
    expect(result).toMatchObject({ problems: [], rulesRevision: 1, updates: [{ state: 'MISSING' }] });
    expect(JSON.parse(await readFile(stateFile('rules'), 'utf8'))).toEqual({
      ...site.broker.rules,
      version: 3,
      rootSha256: site.signed.rootSha256,
      enrolment: { machineId: 'host-1', group: 'everyone' },
      group: 'everyone',
    });
    expect(await readdir(join(bench.folder, 'host-1', 'state'))).toContain('rules.json.damaged');
    expect(bench.log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringContaining(
        'these rules are of version 1, allowed is 3: nothing is allowed until they are read anew',
      ),
    ]);
  });
});
