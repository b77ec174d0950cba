import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildKey } from '#shared/contract/keys.ts';
import { rulesOf as metadataOfRules } from '#shared/repository/author.ts';
import { sign, textOf } from '#shared/repository/metadata.ts';
import { type Bench, openBench } from '../fixtures/bench.ts';
import { goodToken, rulesOf } from '../fixtures/fake-broker.ts';
import { publish, type SmallFile, sha1, sha256 } from '../fixtures/publication.ts';
import { enrolSimulatedHost, openSimulatedAgent, readIdentity, runCycle } from '../main.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const a: SmallFile = { name: 'a.cab', data: Buffer.from('a payload') };
const one = { id: 1, kb: '5000001', files: [a] };
const forbidding = { rules: [{ effect: 'forbid' as const, when: { kbs: ['5000001'] } }] };
const last = () => bench.site.broker.reports.at(-1);

describe('rules', () => {
  it('count as administrators signed them, and a check of nothing new costs two requests', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.rules = rulesOf(forbidding, 3);
    const agent = await bench.agent();
    expect(await runCycle(agent)).toMatchObject({ rulesRevision: 3, updates: [{ state: 'DISCARDED' }], problems: [] });
    expect(last()).toMatchObject({ group: 'everyone', rulesRevision: 3 });
    site.requests.length = 0;
    await runCycle(agent, { phases: ['check-in'] });
    expect(site.gets(/./).map(({ path }) => path)).toEqual(['/metadata/2.root.json', '/metadata/timestamp.json']);
  });

  it('that nobody may sign are refused and reported, once, and what was good goes on to count', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.rules = rulesOf(forbidding);
    const agent = await bench.agent();
    await runCycle(agent);
    // Whoever has the publisher's role signs rules with the online key, and all that follows.
    site.publishing = false;
    const { signed } = site;
    const forged = metadataOfRules({ packages: [], assignments: { groups: {}, hosts: {} } }, 9, new Date());
    await sign(forged, signed.online);
    await signed.compose({ ...signed.parts, rules: forged }, signed.parts.feed);
    const refused = await runCycle(agent, { phases: ['check-in'] });
    expect(refused.problems).toMatchObject([
      {
        phase: 'trust',
        code: 'untrusted',
        message: expect.stringMatching(/rules is refused: rules was signed by 0\/1/),
      },
    ]);
    // It was heard at a check-in alone, and became a whole cycle because of it.
    expect(refused).toMatchObject({ state: 'ERROR', rulesRevision: 1, updates: [{ state: 'DISCARDED' }] });
    expect(last()).toMatchObject({
      trustProblem: expect.stringMatching(/^rules is refused/),
      rulesRevision: 1,
      indexSha256: expect.any(String),
    });
    const reports = site.broker.reports.length;
    await runCycle(agent);
    expect(site.broker.reports).toHaveLength(reports);
    // Administrators publish again, and the trouble is over.
    signed.parts = { ...signed.parts, rules: signed.parts.rules };
    site.broker.rules = rulesOf(forbidding, 12);
    site.publishing = true;
    expect(await runCycle(agent, { phases: ['check-in'] })).toMatchObject({ state: 'OK', problems: [] });
    expect(last()).not.toHaveProperty('trustProblem');
  });

  it('that are older are refused, whoever offers them', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const agent = await bench.agent();
    await runCycle(agent);
    const before = site.signed.parts;
    site.broker.rules = rulesOf(forbidding, 5);
    expect(await runCycle(agent)).toMatchObject({ rulesRevision: 5 });
    site.publishing = false;
    await site.signed.compose({ ...site.signed.parts, rules: before.rules }, site.signed.parts.feed);
    const { problems, rulesRevision } = await runCycle(agent);
    expect(problems).toMatchObject([{ code: 'untrusted', message: expect.stringMatching(/rules.*less than current/) }]);
    expect(rulesRevision).toBe(5);
  });

  it('of an update that waits are there without a network', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.rules = rulesOf(forbidding);
    const agent = await bench.agent();
    await runCycle(agent);
    site.fail(/./, { type: 'status', status: 500 }, 99);
    const { updates, problems } = await runCycle(await bench.agent(undefined, { triesPerCycle: 1 }));
    expect(updates).toMatchObject([{ state: 'DISCARDED' }]);
    expect(problems.map(({ phase }) => phase)).toContain('trust');
    expect(problems.map(({ code }) => code)).not.toContain('untrusted');
  });
});

describe('the group', () => {
  it('is the one of the token, whatever the broker answers, until administrators move the host', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.broker.group = 'lax';
    const common = {
      process: bench.process,
      dataDir: join(bench.folder, 'host-1'),
      hostFile: join(bench.folder, 'host-1.json'),
      log: () => undefined,
    };
    await bench.agent();
    await enrolSimulatedHost({ ...common, server: site.url, token: `${site.token}_strict`, newKey: false });
    const agent = await bench.agent();
    expect(await readIdentity(agent.adapters.documents)).toMatchObject({ group: 'strict' });
    expect(await runCycle(agent)).toMatchObject({ updates: [{ state: 'DISCARDED' }] });
    expect(last()).toMatchObject({ group: 'strict' });
    site.moved = { 'host-1': 'lax' };
    site.broker.rules = { ...site.broker.rules, revision: 2 };
    expect(await runCycle(agent, { phases: ['check-in'] })).toMatchObject({ updates: [{ state: 'MISSING' }] });
    expect(last()).toMatchObject({ group: 'lax' });
  });
});

describe('the catalogue of a group', () => {
  it('names what is held, so that nobody is asked about it', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const held = { sha1: sha1(a.data), sha256: sha256(a.data), size: a.data.byteLength };
    site.offer = { ...site.offer, catalogs: { everyone: [held] } };
    expect(await runCycle(await bench.agent())).toMatchObject({ state: 'OK', installs: [{ outcome: 'installed' }] });
    expect(site.calls(/files/)).toEqual([]);
  });

  it('that names other bytes than the index is no reason to download them', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    site.hold(a);
    const other = { sha1: sha1(a.data), sha256: sha256('other'), size: a.data.byteLength };
    site.offer = { ...site.offer, catalogs: { everyone: [other] } };
    const { updates } = await runCycle(await bench.agent());
    expect(updates).toMatchObject([{ state: 'ERROR', reason: expect.stringContaining('download refused') }]);
    expect(site.gets(/payloads/)).toEqual([]);
  });
});

describe('a host without a root', () => {
  it('believes nothing, and says why', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    await bench.agent();
    const common = {
      process: bench.process,
      dataDir: join(bench.folder, 'bare'),
      hostFile: join(bench.folder, 'host-1.json'),
      log: () => undefined,
    };
    site.broker.hosts.clear();
    await enrolSimulatedHost({ ...common, server: site.url, token: goodToken, newKey: false });
    const result = await runCycle(await openSimulatedAgent(common));
    expect(result).toMatchObject({ state: 'ERROR', updates: [] });
    expect(result.problems[0]).toMatchObject({ code: 'untrusted', message: expect.stringContaining('no root') });
    expect(last()).toMatchObject({ trustProblem: expect.stringContaining('kbroker trust init'), rulesRevision: 0 });
  });

  it('takes none from the repository but the pinned one', async () => {
    const { site } = bench;
    site.publish(publish([one]));
    const other = `${goodToken}_${'0'.repeat(64)}`;
    await bench.agent();
    const common = {
      process: bench.process,
      dataDir: join(bench.folder, 'other'),
      hostFile: join(bench.folder, 'host-1.json'),
      log: () => undefined,
    };
    site.broker.hosts.clear();
    await enrolSimulatedHost({ ...common, server: site.url, token: other, newKey: false });
    const missing = await runCycle(await openSimulatedAgent(common));
    expect(missing.problems[0]).toMatchObject({ code: 'untrusted', message: expect.stringContaining('0000') });
    site.signed.objects.set(buildKey({ kind: 'pinned-root', sha256: '0'.repeat(64) }), textOf(site.signed.parts.root));
    const wrong = await runCycle(await openSimulatedAgent(common));
    expect(wrong.problems[0]).toMatchObject({
      code: 'untrusted',
      message: expect.stringContaining('is the pinned one'),
    });
  });
});
