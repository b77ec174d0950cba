import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { goodToken, replacingToken, rulesOf } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile, type SmallUpdate, unitId } from '../fixtures/publication.ts';
import { Site } from '../fixtures/site.ts';
import { enrolSimulatedHost, openSimulatedAgent } from '../main.ts';
import { runCycle } from './cycle.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const file = (name: string): SmallFile => ({ name, data: randomBytes(5000) });
const a = file('a.cab');
const one: SmallUpdate = { id: 1, kb: '5000001', files: [a] };

/** Nothing of it is allowed, so that one cycle is like the next. */
function publishQuietly(...updates: readonly SmallUpdate[]): void {
  bench.site.broker.rules = rulesOf({ settings: {} });
  bench.site.publish(publish(updates));
}

const host = () => {
  const found = bench.site.broker.hosts.get('host-1');
  if (found === undefined) throw new Error('the host is not enrolled');
  return found;
};
const stateFile = (name: string): string => join(bench.folder, 'host-1', 'state', `${name}.json`);

/** Statuses of the API's answers, in their order. */
const answersOfApi = (): readonly number[] =>
  bench.site.requests.filter(({ path }) => path.startsWith('/v1/')).map(({ status }) => status);

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
    expect(answersOfApi()).toEqual([200]);
    expect(host().sequence).toBeGreaterThan(kept);
  });

  it('are written before the first request, and seldom', async () => {
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
    expect(new Set(answersOfApi())).toEqual(new Set([200]));
  });

  it('of two processes on one folder do not meet', async () => {
    const [x, y] = [await bench.agent(), await bench.agent()];
    for (const agent of [x, y, x, x, y]) await runCycle(agent, { phases: ['check-in'] });
    expect(answersOfApi()).toEqual([200, 200, 200, 200, 200]);
  });

  it('go on after the last one that the broker saw, when a data folder was put back', async () => {
    const { site } = bench;
    const agent = await bench.agent();
    host().sequence = 5000;
    expect((await runCycle(agent, { phases: ['check-in'] })).problems).toEqual([]);
    expect(host().sequence).toBe(5001);
    site.requests.length = 0;
    await runCycle(await bench.agent(), { phases: ['check-in'] });
    expect(answersOfApi()).toEqual([200]);
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
    // It did not use the key of the other machine for that.
    expect(site.broker.clones).toEqual(['host-2']);
    expect(identity.thumbprint).not.toBe(owner);
    expect((await runCycle(await openSimulatedAgent(common), { phases: ['check-in'] })).problems).toEqual([]);
    expect(host().thumbprint).toBe(owner);
  });

  it('and has lost its enrolment gives the key of the other machine up when it is told so', async () => {
    const { site } = bench;
    await bench.agent();
    const owner = host().thumbprint;
    const hostFile = join(bench.folder, 'host-1.json');
    await writeFile(hostFile, JSON.stringify({ ...aHost(), host: { ...aHost().host, machineId: 'host-2' } }));
    await rm(stateFile('identity'));
    const common = { process: bench.process, dataDir: join(bench.folder, 'host-1'), hostFile, log: () => undefined };
    const { identity } = await enrolSimulatedHost({ ...common, server: site.url, token: goodToken, newKey: false });
    expect(site.broker.clones).toEqual(['host-2']);
    expect(identity).toMatchObject({ machineId: 'host-2', group: 'everyone' });
    expect(identity.thumbprint).not.toBe(owner);
    expect(await readdir(join(bench.folder, 'host-1', 'keys'))).toEqual([`${identity.thumbprint}.pem`]);
  });
});

describe('a host that goes over', () => {
  const ownFolder = () => ({
    process: bench.process,
    dataDir: join(bench.folder, 'host-1'),
    hostFile: join(bench.folder, 'host-1.json'),
    log: () => undefined,
  });

  it('to another group leaves the rules of the first one behind, whose revision may be the same', async () => {
    await bench.agent();
    const common = ownFolder();
    await runCycle(await openSimulatedAgent(common), { phases: ['check-in'] });
    const { broker, signed, url } = bench.site;
    broker.group = 'pilots';
    broker.rules = rulesOf({ settings: {} });
    const token = `${replacingToken}_${signed.rootSha256}_pilots`;
    await enrolSimulatedHost({ ...common, server: url, token, newKey: true });
    await runCycle(await openSimulatedAgent(common), { phases: ['check-in'] });
    expect(JSON.parse(await readFile(stateFile('rules'), 'utf8'))).toMatchObject({
      packages: broker.rules.packages,
      group: 'pilots',
      enrolment: { machineId: 'host-1', group: 'pilots' },
    });
  });

  it('to another broker leaves the rules of the first one behind, whatever their revision', async () => {
    await bench.agent();
    const common = ownFolder();
    await runCycle(await openSimulatedAgent(common), { phases: ['check-in'] });
    const other = await Site.open();
    try {
      other.broker.audience = 'urn:kbroker:another';
      other.broker.rules = rulesOf({ settings: {} });
      await enrolSimulatedHost({ ...common, server: other.url, token: other.token, newKey: false });
      expect((await runCycle(await openSimulatedAgent(common), { phases: ['check-in'] })).problems).toEqual([]);
      expect(JSON.parse(await readFile(stateFile('rules'), 'utf8'))).toMatchObject({
        packages: other.broker.rules.packages,
        group: 'everyone',
        rootSha256: other.signed.rootSha256,
      });
    } finally {
      await other.close();
    }
  });
});
