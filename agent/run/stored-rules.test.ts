/** What of the rules on a host's disk counts, and which rules of the repository may take their place. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signSnapshot, signTimestamp } from '#shared/repository/compose.ts';
import { textOf } from '#shared/repository/metadata.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { throwawaySigner } from '#test/kit/signed-repository.ts';
import { aHost, type Bench, openBench } from '../fixtures/bench.ts';
import { goodToken, replacingToken, rulesOf } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile } from '../fixtures/publication.ts';
import { Site } from '../fixtures/site.ts';
import { enrolSimulatedHost, openSimulatedAgent, readIdentity, runCycle } from '../main.ts';
import type { Agent } from './agent.ts';
import { identityOf } from './identity.ts';
import { readOffer } from './trust.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const a: SmallFile = { name: 'a.cab', data: Buffer.from('a payload') };
const one = { id: 1, kb: '5000001', files: [a] };
const forbidding = { rules: [{ effect: 'forbid' as const, when: { kbs: ['5000001'] } }] };
const stateFile = (name: string): string => join(bench.folder, 'host-1', 'state', `${name}.json`);
const read = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(stateFile(name), 'utf8'));
const write = (name: string, value: unknown) => writeFile(stateFile(name), JSON.stringify(value));
const warnings = () => bench.log.flatMap(({ level, message }) => (level === 'warn' ? [message] : []));
const last = () => bench.site.broker.reports.at(-1);

const common = () => ({
  process: bench.process,
  dataDir: join(bench.folder, 'host-1'),
  hostFile: join(bench.folder, 'host-1.json'),
  log: () => undefined,
});
const enrol = (token: string, server = bench.site.url) =>
  enrolSimulatedHost({ ...common(), server, token, newKey: false });
const another = (root: string): string => `${goodToken}_${root}`;
const unknownRoot = '0'.repeat(64);

/** A host with everything at hand for an installation that its rules allow. */
async function readyHost(): Promise<Agent> {
  const { site } = bench;
  site.publish(publish([one]));
  site.hold(a);
  const agent = await bench.agent(undefined, { triesPerCycle: 1 });
  const ready = await runCycle(agent, { phases: ['check-in', 'pull', 'scan', 'lookup', 'report', 'download'] });
  expect(ready).toMatchObject({ downloads: [{ outcome: 'downloaded' }], problems: [] });
  return agent;
}

/** The signed repository cannot be reached for the next hundred requests. */
const away = () => bench.site.fail(/metadata/, { type: 'status', status: 503 }, 99);

/** What an agent wrote that knew no signed rules. */
const unsignedRules = { version: 2, revision: 1, packages: rulesOf().packages };

describe('stored rules', () => {
  it('install what they allow while the repository is away', async () => {
    const agent = await readyHost();
    away();
    expect((await runCycle(agent)).installs).toMatchObject([{ outcome: 'installed' }]);
  });

  it('are written once, and not at each cycle', async () => {
    const agent = await readyHost();
    const { ino } = await stat(stateFile('rules'));
    await runCycle(agent);
    expect((await stat(stateFile('rules'))).ino).toBe(ino);
  });

  it('that no administrator signed do not count on a host without a root', async () => {
    const agent = await readyHost();
    const { rootSha256: _, ...identity } = await read('identity');
    await write('identity', identity);
    await write('rules', unsignedRules);
    const result = await runCycle(agent);
    expect(result).toMatchObject({ state: 'ERROR', updates: [], installs: [] });
    expect(result.problems.map(({ code }) => code)).toEqual(['untrusted', 'nothing-stored']);
    expect(warnings()).toContainEqual(
      expect.stringMatching(/rules.json.*of version 2, allowed is 3: nothing is allowed/),
    );
    expect(last()).toMatchObject({ trustProblem: expect.stringContaining('no root'), rulesRevision: 0, updates: [] });
  });

  it('that no administrator signed do not count after an enrolment that brings a root', async () => {
    await readyHost();
    const { rootSha256: _, ...identity } = await read('identity');
    await write('identity', identity);
    await write('rules', unsignedRules);
    await enrol(bench.site.token);
    const agent = await bench.agent(undefined, { triesPerCycle: 1 });
    away();
    expect(await runCycle(agent)).toMatchObject({ updates: [], installs: [] });
  });

  it('that were proved do not count on a host that has no root any more', async () => {
    const agent = await readyHost();
    const { rootSha256: _, ...identity } = await read('identity');
    await write('identity', identity);
    expect(await runCycle(agent)).toMatchObject({ updates: [], installs: [] });
  });

  it('of another root do not count, and are said not to', async () => {
    await readyHost();
    await enrol(`${another(unknownRoot)}_everyone`);
    const result = await runCycle(await bench.agent());
    expect(result).toMatchObject({ state: 'ERROR', updates: [], installs: [] });
    expect(result.problems[0]).toMatchObject({ code: 'untrusted', message: expect.stringContaining(unknownRoot) });
    expect(warnings()).toContainEqual(expect.stringMatching(/stored rules do not count: .* proved with another root/));
    expect(await read('rules')).toMatchObject({ version: 3, rootSha256: bench.site.signed.rootSha256 });
  });

  it('do not count on the copy of a machine, which may be in another group by what is signed', async () => {
    const { site } = bench;
    site.moved = { 'host-1': 'everyone' };
    await readyHost();
    await writeFile(common().hostFile, JSON.stringify({ ...aHost(), host: { ...aHost().host, machineId: 'host-2' } }));
    await enrol(site.token);
    away();
    const copy = await openSimulatedAgent({ ...common(), settings: { triesPerCycle: 1 } });
    expect(await runCycle(copy)).toMatchObject({ updates: [], installs: [] });
  });
});

describe('an enrolment with a token that names no group', () => {
  it.each([
    ['and no root', () => goodToken],
    ['and the root of before', () => bench.site.token],
    ['and no root, but a new key', () => replacingToken],
  ] as const)('%s leaves the host in its group, whatever the broker answers', async (_, token) => {
    const { site } = bench;
    const agent = await readyHost();
    site.broker.group = 'lax';
    await enrolSimulatedHost({ ...common(), server: site.url, token: token(), newKey: token() === replacingToken });
    expect(await readIdentity(agent.adapters.documents)).toMatchObject({
      group: 'everyone',
      rootSha256: site.signed.rootSha256,
    });
  });

  it('but another root takes the group that the broker says', async () => {
    const agent = await readyHost();
    bench.site.broker.group = 'pilots';
    await enrol(another(unknownRoot));
    expect(await readIdentity(agent.adapters.documents)).toMatchObject({ group: 'pilots', rootSha256: unknownRoot });
  });
});

describe('rules of an older revision', () => {
  /** Rules that allowed everything, and then such that do not: what a host believed last. */
  async function tightened() {
    const { site } = bench;
    const agent = await readyHost();
    const lax = site.signed.parts.rules;
    site.broker.rules = rulesOf(forbidding, 5);
    expect(await runCycle(agent, { phases: ['check-in'] })).toMatchObject({ rulesRevision: 5 });
    site.publishing = false;
    return {
      agent,
      /** As somebody can who has the publisher's role: rules that an administrator signed once, in a new version. */
      bringBack: () => site.signed.compose({ ...site.signed.parts, rules: lax }, site.signed.parts.feed),
    };
  }

  const expectRefused = async (agent: Agent) => {
    const refusal = await readOffer(agent, await identityOf(agent.adapters.documents)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'untrusted', cause: { code: 'rolled-back', role: 'rules' } });
    expect((refusal as Error).cause).toBeInstanceOf(RepositoryError);
    const result = await runCycle(agent, { phases: ['check-in'] });
    expect(result).toMatchObject({ state: 'ERROR', rulesRevision: 5, installs: [], updates: [{ state: 'DISCARDED' }] });
    expect(last()).toMatchObject({
      trustProblem: expect.stringMatching(/^rules is refused: .*version 2 is less than current version 6/),
      rulesRevision: 5,
    });
  };

  it('are refused also when another online key made the host forget what belonged together', async () => {
    const { agent, bringBack } = await tightened();
    const { signed } = bench.site;
    await signed.rotate({ online: throwawaySigner() });
    const right = signed.parts;
    await bringBack();
    await expectRefused(agent);
    // Once what administrators signed last is offered again, the trouble is over.
    await signed.compose({ ...signed.parts, rules: right.rules }, right.feed);
    expect(await runCycle(agent, { phases: ['check-in'] })).toMatchObject({ rulesRevision: 6, problems: [] });
    expect(last()).not.toHaveProperty('trustProblem');
  });

  it('are refused also when the folder of metadata was lost', async () => {
    const { agent, bringBack } = await tightened();
    await rm(join(bench.folder, 'host-1', 'trust'), { recursive: true });
    await bringBack();
    await expectRefused(agent);
  });

  it('are refused also by a host that went to another group meanwhile', async () => {
    const { bringBack } = await tightened();
    const { site } = bench;
    await enrol(`${site.token}_pilots`);
    await site.signed.rotate({ online: throwawaySigner() });
    await bringBack();
    const result = await runCycle(await bench.agent());
    expect(result.problems[0]).toMatchObject({
      code: 'untrusted',
      message: expect.stringMatching(/less than current/),
    });
    expect(result).toMatchObject({ updates: [], installs: [] });
  });

  it('of another root are taken: its administrators count from the beginning', async () => {
    const { agent } = await tightened();
    const other = await Site.open();
    try {
      other.publish(publish([one]));
      await enrol(other.token, other.url);
      const result = await runCycle(await bench.agent());
      expect(result).toMatchObject({ rulesRevision: 1, problems: [], updates: [{ state: 'MISSING' }] });
      expect(await readIdentity(agent.adapters.documents)).toMatchObject({ rootSha256: other.signed.rootSha256 });
    } finally {
      await other.close();
    }
  });
});

describe('numbers far ahead that a thief of the online key wrote', () => {
  it('are forgotten with that key, and rules go on from where administrators were', async () => {
    const { site } = bench;
    const agent = await readyHost();
    site.publishing = false;
    const { signed } = site;
    const online = { signer: signed.online, now: new Date() };
    const far = await signSnapshot(signed.parts, 900, online);
    signed.putMetadata('snapshot', far);
    signed.put({ kind: 'timestamp' }, textOf(await signTimestamp(far, 900, online)));
    expect((await runCycle(agent, { phases: ['check-in'] })).problems).toEqual([]);
    await signed.rotate({ online: throwawaySigner() });
    expect(signed.parts.timestamp.signed.version).toBeLessThan(900);
    expect(await runCycle(agent, { phases: ['check-in'] })).toMatchObject({ rulesRevision: 2, problems: [] });
  });
});
