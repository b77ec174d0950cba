import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type StoryAgents, storyAgents } from './agents.ts';
import { currentPointer, requestOf } from './hosts.ts';
import { bookOf, type PackageDraft } from './rule-books.ts';
import { startWorld, until, type World } from './world.ts';

let folder: string;
let world: World;
let agents: StoryAgents;
let machineId: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-host-'));
  world = await startWorld({ folder });
  await world.microsoft.publishNext();
  await world.run('SyncIndexFunction');
  await world.setRules(bookOf({ everyone: [{ name: 'base', settings: { defaultAllow: true } }] }));
  agents = await storyAgents(join(folder, 'hosts'));
});
afterAll(async () => {
  await agents?.close();
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

/** One cycle of the host's agent, as its timer would start it. Enrolling again changes nothing. */
async function cycle(): Promise<void> {
  const agent = await agents.enrol(world, 'windows11-24h2-x64', 'everyone');
  await agent.cycle();
  machineId = agent.host.machineId;
}

async function reported(state: ReportedUpdate['state']): Promise<readonly ReportedUpdate[]> {
  const view = await world.call(operatorEndpoints.getHost, { params: { machineId } });
  return (view.last?.report.updates ?? []).filter((update) => update.state === state);
}

describe('a host', () => {
  it('says MISSING, then why its files never came when Microsoft sent other bytes', async () => {
    const end = world.microsoft.addFault({
      path: /\/(msdownload|filestreamingservice)\//,
      kind: { type: 'wrong-bytes' },
    });
    await cycle();
    const missing = await reported('MISSING');
    expect(missing.length).toBeGreaterThan(0);
    await world.run('SweepRequestsFunction');
    const sha1s = [...new Set(missing.flatMap(({ files }) => files))];
    for (const sha1 of sha1s) {
      await until(
        `${sha1} is given up`,
        () => requestOf(world, sha1),
        (request) => request?.state === 'failed',
      );
    }
    end();
    await cycle();
    const still = await reported('MISSING');
    expect(still.map(({ updateId }) => updateId).sort()).toEqual(missing.map(({ updateId }) => updateId).sort());
    for (const update of still) expect(update.reason).toMatch(/the index says/);
    expect(await reported('ERROR')).toEqual([]);
  });

  it('says which rule holds an update back', async () => {
    const [first] = await reported('MISSING');
    const kb = first?.kbs[0];
    if (kb === undefined) throw new Error('no KB to forbid');
    const forbid: PackageDraft = {
      name: 'base',
      settings: { defaultAllow: true },
      rules: [{ effect: 'forbid', when: { kbs: [kb] }, comment: 'see ticket 17' }],
    };
    await world.setRules(bookOf({ everyone: [forbid] }));
    // The broker keeps rules in memory for some seconds.
    await until(
      `KB${kb} is forbidden`,
      async () => {
        await cycle();
        return (await reported('DISCARDED')).map(({ reason }) => reason);
      },
      (reasons) =>
        reasons.some((reason) => reason === `forbidden by rule 1 of "base": KB${kb}; comment: see ticket 17`),
    );
  });

  it('and everything the broker knows are there after a restart', async () => {
    const pointer = await currentPointer(world);
    const rules = await world.call(operatorEndpoints.getRules);
    const view = await world.call(operatorEndpoints.getHost, { params: { machineId } });
    await world.close();
    world = await startWorld({ folder });
    expect(await currentPointer(world)).toEqual(pointer);
    expect(await world.call(operatorEndpoints.getRules)).toEqual(rules);
    expect(await world.call(operatorEndpoints.getHost, { params: { machineId } })).toEqual(view);

    const counted = world.microsoft.counters();
    await world.run('SyncIndexFunction');
    expect(world.microsoft.counters().indexDownloads).toBe(counted.indexDownloads);
    await cycle();
  });
});
