import { beforeEach, describe, expect, it } from 'vitest';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { Fleet } from '#shared/core/fleet/fleet.ts';
import type { FleetChange } from '#shared/core/fleet/model.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import { signedCursors } from '#shared/stores/cursor.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { fleetHostOf, get, operatorsApi } from '#test/kit/operators-api.ts';
import { at, guid } from '#test/kit/values.ts';
import { fleetLists } from './fleet-lists.ts';
import { serveOperators } from './serve-operators.ts';
import { withSignedCursors } from './signed-cursors.ts';

let fleet: Fleet;
let broken: Error | undefined;
let api: ReturnType<typeof serveOperators>;
beforeEach(() => {
  fleet = { asOf: Date.parse(at(40)), partitions: [] };
  broken = undefined;
  const { ports } = operatorsApi();
  const snapshot = {
    async current() {
      if (broken !== undefined) throw broken;
      return fleet;
    },
  };
  const lists = fleetLists({ snapshot, now: ports.now });
  api = withSignedCursors(
    serveOperators({ ...ports, fleet: lists }),
    signedCursors(async () => 'a key'),
  );
});

function set(...changes: readonly FleetChange[]): void {
  const { partition } = new FleetPartition().apply(changes, Date.parse(at(40)));
  fleet = { asOf: Date.parse(at(40)), partitions: [partition] };
}

const host = (machineId: string, more: Parameters<typeof fleetHostOf>[1] = {}): FleetChange => ({
  kind: 'host',
  host: fleetHostOf(machineId, more),
});
const report = (machineId: string, states: Readonly<Record<number, 'OK' | 'MISSING' | 'ERROR'>>): FleetChange => ({
  kind: 'report',
  report: {
    machineId,
    reportVersion: 1,
    reportedAt: Date.parse(at(3)),
    updates: Object.entries(states).map(([n, state]) => ({
      updateId: guid(Number(n)),
      revision: 1,
      kbs: [`500000${n}`],
      title: `Update ${n}`,
      state,
    })),
  },
});

const bad = (detail: RegExp) =>
  expect.objectContaining({ name: 'ProblemError', code: 'bad-request', message: expect.stringMatching(detail) });

describe('the list of hosts', () => {
  it('says all of each host, and how old it is', async () => {
    set(
      host('pc-1', { reportedAt: Date.parse(at(3)), revokedAt: Date.parse(at(5)), clones: 1, state: 'ERROR' }),
      report('pc-1', { 1: 'OK', 2: 'ERROR' }),
      { kind: 'unreadable', machineId: 'pc-9', item: 'host' },
    );
    const page = await api.listHosts(get());
    expect(page).toEqual({
      version: 2,
      asOf: at(40),
      ageSeconds: 60,
      total: 1,
      hosts: [
        {
          machineId: 'pc-1',
          hostname: 'pc-1.example',
          os: 'Windows 11 Enterprise',
          osVersion: '10.0.26100.1742',
          agentVersion: '0.1.0',
          group: 'pilots',
          state: 'ERROR',
          counts: { OK: 1, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 1, SUPERSEDED: 0 },
          enrolledAt: at(1),
          lastSeenAt: at(2),
          reportedAt: at(3),
          revokedAt: at(5),
          cloned: true,
        },
      ],
      unreadable: ['pc-9/host'],
    });
    operatorEndpoints.listHosts.response.parse(page);
  });

  it('filters by each of its parameters', async () => {
    set(
      host('pc-1', { group: 'a', os: 'Windows Server 2022', hostname: 'WEB', lastSeenAt: Date.parse(at(10)) }),
      report('pc-1', { 1: 'MISSING' }),
      host('pc-2', {
        group: 'b',
        state: 'ERROR',
        hostname: 'DB',
        lastSeenAt: Date.parse(at(20)),
        revokedAt: Date.parse(at(30)),
      }),
      report('pc-2', { 1: 'OK', 2: 'ERROR' }),
    );
    const ids = async (query: Record<string, string>) =>
      (await api.listHosts(get({ query }))).hosts.map(({ machineId }) => machineId);
    expect(await ids({})).toEqual(['pc-1', 'pc-2']);
    expect(await ids({ group: 'a' })).toEqual(['pc-1']);
    expect(await ids({ state: 'ERROR' })).toEqual(['pc-2']);
    expect(await ids({ os: 'server' })).toEqual(['pc-1']);
    expect(await ids({ name: 'db' })).toEqual(['pc-2']);
    expect(await ids({ update: 'KB5000002' })).toEqual(['pc-2']);
    expect(await ids({ update: guid(1).toUpperCase(), updateState: 'MISSING' })).toEqual(['pc-1']);
    expect(await ids({ update: '5000001', updateState: 'ERROR' })).toEqual([]);
    expect(await ids({ updateState: 'ERROR' })).toEqual(['pc-2']);
    expect(await ids({ seenBefore: at(15) })).toEqual(['pc-1']);
    expect(await ids({ seenAfter: at(15) })).toEqual(['pc-2']);
    expect(await ids({ revoked: 'true' })).toEqual(['pc-2']);
    expect(await ids({ revoked: 'false' })).toEqual(['pc-1']);
    expect(await ids({ sort: 'hostname' })).toEqual(['pc-2', 'pc-1']);
    expect(await ids({ sort: 'lastSeenAt', order: 'descending' })).toEqual(['pc-2', 'pc-1']);
  });

  it.each([
    [{ state: 'BROKEN' }, /state: .*OK.*BROKEN/],
    [{ updateState: 'ok' }, /updateState/],
    [{ update: 'KB1' }, /update/],
    [{ seenBefore: 'yesterday' }, /seenBefore/],
    [{ sort: 'counts' }, /sort: .*machineId/],
    [{ order: 'up' }, /order/],
    [{ revoked: 'yes' }, /revoked: .*true.*false/],
    [{ limit: '0' }, /limit/],
    [{ name: '' }, /name/],
  ])('refuses %j and says what is allowed', async (query, detail) => {
    await expect(api.listHosts(get({ query }))).rejects.toThrow(bad(detail));
  });

  it('goes on by signed cursors, which are good for the same list and filter only', async () => {
    set(...[1, 2, 3, 4, 5].map((n) => host(`pc-${n}`, { group: n === 5 ? 'b' : 'a' })));
    const query = { group: 'a', sort: 'hostname', limit: '2' };
    const first = await api.listHosts(get({ query }));
    expect(first.total).toBe(4);
    // Another limit is no other list.
    const second = await api.listHosts(get({ query: { ...query, limit: '50', cursor: first.next } }));
    expect([...first.hosts, ...second.hosts].map(({ machineId }) => machineId)).toEqual([
      'pc-1',
      'pc-2',
      'pc-3',
      'pc-4',
    ]);
    expect(second.next).toBeUndefined();
    const cursor = first.next ?? '';
    for (const other of [
      {},
      { ...query, group: 'b' },
      { ...query, order: 'descending' },
      { ...query, sort: 'machineId' },
    ])
      await expect(api.listHosts(get({ query: { ...other, cursor } }))).rejects.toThrow(bad(/cursor/));
    await expect(api.listReportedUpdates(get({ query: { cursor } }))).rejects.toThrow(bad(/cursor/));
    const unsigned = Buffer.from(JSON.stringify(['web', 'pc-2'])).toString('base64url');
    await expect(api.listHosts(get({ query: { ...query, cursor: unsigned } }))).rejects.toThrow(bad(/cursor/));
  });

  it('is refused while the snapshot is damaged: a part of the fleet is not shown as all of it', async () => {
    for (const code of ['corrupt', 'not-found'] as const) {
      broken = new StoreError(code, 'partition 3 is lost');
      await expect(api.listHosts(get())).rejects.toMatchObject({ code: 'unavailable' });
      await expect(api.listGroups(get())).rejects.toMatchObject({ code: 'unavailable' });
      await expect(api.getStatus(get())).rejects.toMatchObject({ code: 'unavailable' });
    }
    broken = new Error('S3 is away');
    await expect(api.listHosts(get())).rejects.toThrow('S3 is away');
  });
});

describe('the list of reported updates', () => {
  it('has the counts of hosts, page by page, those first that most hosts lack', async () => {
    set(
      host('pc-1'),
      report('pc-1', { 1: 'OK', 2: 'MISSING', 3: 'ERROR' }),
      host('pc-2'),
      report('pc-2', { 2: 'MISSING' }),
    );
    const first = await api.listReportedUpdates(get({ query: { limit: '2' } }));
    expect(first).toMatchObject({ version: 1, asOf: at(40), total: 3 });
    expect(first.updates[0]).toEqual({
      updateId: guid(2),
      revision: 1,
      kbs: ['5000002'],
      title: 'Update 2',
      hosts: { OK: 0, PENDING: 0, MISSING: 2, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 },
    });
    const second = await api.listReportedUpdates(get({ query: { cursor: first.next } }));
    const ids = [...first.updates, ...second.updates].map(({ updateId }) => updateId);
    expect(ids).toEqual([guid(2), guid(3), guid(1)]);
    const errors = await api.listReportedUpdates(get({ query: { state: 'ERROR', group: 'pilots' } }));
    expect(errors.updates.map(({ kbs }) => kbs)).toEqual([['5000003']]);
    expect((await api.listReportedUpdates(get({ query: { group: 'nobody' } }))).total).toBe(0);
    expect((await api.listReportedUpdates(get({ query: { kb: '5000001' } }))).total).toBe(1);
    await expect(api.listReportedUpdates(get({ query: { kb: 'KB' } }))).rejects.toThrow(bad(/kb/));
  });
});

describe('groups', () => {
  it('are counted, and the updates on their hosts', async () => {
    set(host('pc-1', { group: 'a', state: 'ERROR' }), report('pc-1', { 1: 'ERROR' }), host('pc-2', { group: 'b' }));
    const { groups } = await api.listGroups(get());
    expect(groups.map(({ group, hosts }) => [group, hosts])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    expect(await api.getGroup(get({ path: { group: 'a' } }))).toMatchObject({
      asOf: at(40),
      group: { group: 'a', hosts: 1, byState: { ERROR: 1 } },
      updates: { ERROR: 1, OK: 0 },
    });
    await expect(api.getGroup(get({ path: { group: 'c' } }))).rejects.toMatchObject({ code: 'not-found' });
    await expect(api.getGroup(get({ path: { group: '../x' } }))).rejects.toThrow(bad(/group/));
  });
});
