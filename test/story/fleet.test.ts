import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { guid } from '#test/kit/values.ts';
import { enrolHost, postReport, reportNeeding } from './hosts.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  // Batches of the stream come twice now and then.
  world = await startWorld({ stack: { duplicates: 0.3 } });
});
afterAll(() => world?.close());

const update = (n: number, state: ReportedUpdate['state']): ReportedUpdate => ({
  updateId: guid(n),
  revision: 1,
  kbs: [`500000${n}`],
  state,
  reason: 'because',
  files: [],
});

const reportWith = (machineId: string, updates: readonly ReportedUpdate[]) =>
  postReport(world, reportNeeding(machineId, [], { updates: [...updates] }));

describe('the fleet', () => {
  it('is empty before the first host', async () => {
    const { hosts } = await world.call(operatorEndpoints.getStatus);
    expect(hosts).toMatchObject({ total: 0, asOf: '1970-01-01T00:00:00.000Z' });
    expect(await world.call(operatorEndpoints.listHosts)).toMatchObject({ total: 0, hosts: [], unreadable: [] });
  });

  it('is listed and counted as hosts reported, once, whatever comes twice', async () => {
    await enrolHost(world, 'quiet', 'pilot');
    for (const n of [1, 2, 3]) await reportWith(`pc-${n}`, [update(1, 'OK'), update(2, n === 3 ? 'ERROR' : 'MISSING')]);
    await reportWith('pc-1', [update(1, 'OK'), update(2, 'OK')]);
    await world.stack.streamsDrained();
    const status = await world.call(operatorEndpoints.getStatus);
    expect(status.hosts).toMatchObject({ total: 4, byState: { OK: 1, PENDING_UPDATES: 1, ERROR: 1, UNKNOWN: 1 } });
    expect(status.hosts.ageSeconds).toBeLessThan(60);
    const { updates } = await world.call(operatorEndpoints.listReportedUpdates);
    expect(updates.map(({ updateId, hosts }) => [updateId, hosts.OK, hosts.MISSING, hosts.ERROR])).toEqual([
      [guid(2), 1, 1, 1],
      [guid(1), 3, 0, 0],
    ]);
    const missing = await world.call(operatorEndpoints.listHosts, {
      query: { update: 'KB5000002', updateState: 'MISSING' },
    });
    expect(missing.hosts.map(({ machineId }) => machineId)).toEqual(['pc-2']);
    const { groups } = await world.call(operatorEndpoints.listGroups);
    expect(groups.map(({ group, hosts }) => [group, hosts])).toEqual([
      ['everyone', 3],
      ['pilot', 1],
    ]);
    const failing = world.stack.events().filter(({ detailType }) => detailType === 'HostFailing');
    expect(failing.map(({ detail }) => detail)).toEqual([expect.objectContaining({ machineId: 'pc-3' })]);
  });

  it('shows each change after it', async () => {
    await world.call(operatorEndpoints.revokeHost, { params: { machineId: 'pc-2' }, body: { version: 1 } });
    await reportWith('pc-3', [update(1, 'OK')]);
    await world.stack.streamsDrained();
    const { hosts } = await world.call(operatorEndpoints.listHosts, {
      query: { sort: 'lastSeenAt', order: 'descending' },
    });
    expect(hosts[0]).toMatchObject({ machineId: 'pc-3', state: 'OK' });
    expect(hosts.find(({ machineId }) => machineId === 'pc-2')?.revokedAt).toBeDefined();
  });

  it('moves on with beats alone, and is made anew by hand when its snapshot is lost', async () => {
    const before = await world.call(operatorEndpoints.listHosts);
    const beat = await world.stack.trigger(world.output('AggregateFleetFunction'));
    expect(beat).toMatchObject({ ok: true });
    await world.stack.streamsDrained();
    const after = await world.call(operatorEndpoints.listHosts);
    expect(Date.parse(after.asOf)).toBeGreaterThan(Date.parse(before.asOf));
    const rebuilt = await world.stack.invoke(world.output('AggregateFleetFunction'), { rebuild: true });
    expect(rebuilt).toEqual({ ok: true, payload: { hosts: 4, partitions: 1, unreadable: 0, lost: 0 } });
    expect((await world.call(operatorEndpoints.listHosts)).hosts).toEqual(after.hosts);
  });
});
