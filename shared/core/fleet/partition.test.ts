import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guid } from '#test/kit/values.ts';
import { type HostState, hostStates, type UpdateState, updateStates } from '../status/states.ts';
import { countHosts, groupsOf, updatesOfGroup } from './fleet.ts';
import { listHosts } from './list-hosts.ts';
import { listUpdates } from './list-updates.ts';
import { compareHostRows, type FleetChange, type HostRow, machineOf, partitionOf, type ReportRow } from './model.ts';
import { FleetPartition } from './partition.ts';

const now = Date.UTC(2026, 6, 14);

const hostRow = (machine: number, more: Partial<HostRow> = {}): HostRow => ({
  machineId: `pc-${machine}`,
  hostname: `HOST-${machine}`,
  os: 'Windows 11 Enterprise',
  osVersion: '10.0.26100.1742',
  agentVersion: '0.1.0',
  group: 'default',
  state: 'OK',
  enrolledAt: now,
  lastSeenAt: now,
  clones: 0,
  sequence: 1,
  ...more,
});

const report = (machine: number, reportVersion: number, states: Readonly<Record<number, UpdateState>>): ReportRow => ({
  machineId: `pc-${machine}`,
  reportVersion,
  reportedAt: now + reportVersion,
  updates: Object.entries(states).map(([update, state]) => ({
    updateId: guid(Number(update)),
    revision: 1,
    kbs: [`500000${update}`],
    state,
  })),
});

/** A row at its n-th version: equal versions are equal rows, as a stream delivers them. */
const change: fc.Arbitrary<FleetChange> = fc
  .tuple(fc.nat({ max: 5 }), fc.integer({ min: 1, max: 6 }), fc.constantFrom('host', 'report'))
  .map(([machine, version, kind]): FleetChange => {
    const mixed = (machine * 7 + version * 13) % 101;
    if (kind === 'host') {
      const state: HostState = hostStates[mixed % hostStates.length] ?? 'OK';
      const group = mixed % 2 === 0 ? 'pilot' : 'default';
      return { kind, host: hostRow(machine, { sequence: version, state, group, lastSeenAt: now + version }) };
    }
    const states = Object.fromEntries(
      [1, 2, 3]
        .filter((update) => (mixed + update) % 3 !== 0)
        .map((update) => [update, updateStates[(mixed + update) % updateStates.length] ?? 'OK']),
    );
    return { kind: 'report', report: report(machine, version, states) };
  });

/** What the fleet is by its definition: the newest row and the newest report of each machine. */
function naive(changes: readonly FleetChange[]) {
  const hosts = new Map<string, HostRow>();
  const reports = new Map<string, ReportRow>();
  for (const one of changes) {
    const id = machineOf(one);
    if (one.kind === 'host') {
      const known = hosts.get(id);
      if (known === undefined || compareHostRows(one.host, known) > 0) hosts.set(id, one.host);
    } else if (one.kind === 'report') {
      if (one.report.reportVersion > (reports.get(id)?.reportVersion ?? 0)) reports.set(id, one.report);
    }
  }
  const byState = Object.fromEntries(hostStates.map((state) => [state, 0])) as Record<HostState, number>;
  const updates = new Map<string, Record<UpdateState, number>>();
  for (const [id, host] of hosts) {
    byState[host.state] += 1;
    for (const { updateId, state } of reports.get(id)?.updates ?? []) {
      const counts =
        updates.get(updateId) ??
        (Object.fromEntries(updateStates.map((one) => [one, 0])) as Record<UpdateState, number>);
      counts[state] += 1;
      updates.set(updateId, counts);
    }
  }
  return { hosts: [...hosts.keys()].sort(), byState, updates };
}

function seen(partitions: readonly FleetPartition[]) {
  const fleet = { asOf: now, partitions };
  const all = { filter: {}, after: undefined, limit: 1000 };
  return {
    hosts: listHosts(fleet, { ...all, sort: 'machineId', descending: false }).hosts.map(({ machineId }) => machineId),
    byState: countHosts(fleet),
    updates: new Map(listUpdates(fleet, all).updates.map(({ updateId, hosts }) => [updateId, hosts])),
  };
}

const byUpdate = (counts: ReturnType<typeof naive>): object => ({
  ...counts,
  updates: new Map([...counts.updates].sort()),
});
const sorted = (found: ReturnType<typeof seen>): object => ({ ...found, updates: new Map([...found.updates].sort()) });

describe('a partition of the fleet', () => {
  it('counts what the newest rows say, whatever comes twice, late, or in other batches', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (changes, places, batch) => {
          // Everything once, then some of it again in any order.
          const again = places.flatMap((place) => changes[place % Math.max(changes.length, 1)] ?? []);
          const delivered = [...changes, ...again];
          let partition = new FleetPartition();
          for (let start = 0; start < delivered.length; start += batch)
            partition = partition.apply(delivered.slice(start, start + batch), now).partition;
          expect(sorted(seen([partition]))).toEqual(byUpdate(naive(changes)));
          expect(partition.apply(delivered, now).changed).toBe(false);
        },
      ),
    );
  });

  it('comes to the same in any order, and divided in any number of parts', () => {
    fc.assert(
      fc.property(
        fc
          .array(change, { maxLength: 40 })
          .chain((changes) =>
            fc.tuple(fc.constant(changes), fc.shuffledSubarray(changes, { minLength: changes.length })),
          ),
        fc.integer({ min: 1, max: 5 }),
        ([changes, shuffled], parts) => {
          const whole = new FleetPartition().apply(shuffled, now).partition;
          const divided = Array.from({ length: parts }, (_, index) => FleetPartition.ofParts([whole], index, parts));
          expect(sorted(seen(divided))).toEqual(byUpdate(naive(changes)));
          for (const [index, part] of divided.entries())
            for (const id of part.columns.machineIds) expect(partitionOf(id, parts)).toBe(index);
          expect(FleetPartition.ofParts(divided, 0, 1).columns.machineIds).toEqual(whole.columns.machineIds);
        },
      ),
    );
  });

  it('gives the host back as its row and report say', () => {
    const host = hostRow(1, { reportedAt: now + 5, revokedAt: now + 9, clones: 2, state: 'ERROR', group: 'pilot' });
    const { partition } = new FleetPartition().apply(
      [
        { kind: 'report', report: report(1, 3, { 1: 'ERROR', 2: 'OK', 3: 'OK' }) },
        { kind: 'host', host },
        { kind: 'host', host: hostRow(0) },
      ],
      now,
    );
    const place = partition.placeOf('pc-1') ?? -1;
    expect(partition.hostAt(place)).toEqual({
      ...host,
      counts: { OK: 2, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 1, SUPERSEDED: 0 },
    });
    expect(partition.placeOf('pc-2')).toBeUndefined();
  });

  it('does not count a report before the row of its host is there', () => {
    const { partition } = new FleetPartition().apply([{ kind: 'report', report: report(1, 1, { 1: 'OK' }) }], now);
    expect(partition.hosts).toBe(0);
    expect(seen([partition])).toEqual({
      hosts: [],
      byState: { OK: 0, PENDING_UPDATES: 0, ERROR: 0, UNKNOWN: 0 },
      updates: new Map(),
    });
    const { partition: both } = partition.apply([{ kind: 'host', host: hostRow(1) }], now);
    expect(seen([both]).updates.get(guid(1))).toMatchObject({ OK: 1 });
  });

  it('tells of a host that comes into ERROR once', () => {
    const failing = { kind: 'host', host: hostRow(1, { state: 'ERROR', sequence: 2 }) } as const;
    const first = new FleetPartition().apply([{ kind: 'host', host: hostRow(1) }, failing], now);
    expect(first.failing).toEqual([{ machineId: 'pc-1', hostname: 'HOST-1', group: 'default', at: now }]);
    expect(first.partition.apply([failing], now).failing).toEqual([]);
    const still = { kind: 'host', host: hostRow(1, { state: 'ERROR', sequence: 3 }) } as const;
    expect(first.partition.apply([still], now)).toMatchObject({ changed: true, failing: [] });
    const mended = { kind: 'host', host: hostRow(1, { sequence: 4 }) } as const;
    const again = { kind: 'host', host: hostRow(1, { state: 'ERROR', sequence: 5 }) } as const;
    expect(first.partition.apply([mended, again], now).failing).toHaveLength(1);
  });

  it('takes a revocation and a clone as news of the same request, and an enrolment as a new beginning', () => {
    const enrolled = hostRow(1, { sequence: 7 });
    const revoked = { ...enrolled, revokedAt: now + 1 };
    const anew = hostRow(1, { enrolledAt: now + 10, sequence: 1 });
    const order = [enrolled, { ...enrolled, clones: 1 }, revoked, { ...revoked, clones: 1 }, anew];
    for (const [index, row] of order.entries())
      for (const later of order.slice(index + 1)) {
        expect(compareHostRows(row, later)).toBeLessThan(0);
        expect(compareHostRows(later, row)).toBeGreaterThan(0);
      }
  });

  it('drops a removed host and what comes of it late, and takes it in when it is enrolled anew', () => {
    const old = [
      { kind: 'host', host: hostRow(1) },
      { kind: 'report', report: report(1, 4, { 1: 'OK' }) },
    ] as const;
    const gone = { kind: 'removed', machineId: 'pc-1', item: 'host', at: now + 5000 } as const;
    const { partition } = new FleetPartition().apply([...old, gone], now + 5000);
    expect(seen([partition]).hosts).toEqual([]);
    const late = partition.apply([...old, gone], now + 5000);
    expect(late.changed).toBe(false);
    const anew = hostRow(1, { enrolledAt: now + 9000, lastSeenAt: now + 9000, sequence: 1 });
    const back = late.partition.apply([{ kind: 'host', host: anew }], now + 9000).partition;
    expect(seen([back])).toMatchObject({ hosts: ['pc-1'], updates: new Map() });
    // The removal comes once more, behind the enrolment.
    expect(seen([back.apply([gone], now + 9000).partition]).hosts).toEqual(['pc-1']);
    const days = 3 * 24 * 3600 * 1000;
    const later = back.apply([{ kind: 'host', host: hostRow(2, { lastSeenAt: now + days }) }], now + days);
    expect(later.partition.columns.removed).toEqual([]);
  });

  it('names what does not parse, until the row does', () => {
    const bad = { kind: 'unreadable', machineId: 'pc-1', item: 'report' } as const;
    const { partition } = new FleetPartition().apply([{ kind: 'host', host: hostRow(1) }, bad, bad], now);
    expect(partition.columns.unreadable).toEqual(['pc-1/report']);
    expect(partition.apply([bad], now).changed).toBe(false);
    const good = { kind: 'report', report: report(1, 1, { 1: 'OK' }) } as const;
    const mended = partition.apply([good], now).partition;
    expect(mended.columns.unreadable).toEqual([]);
    // Both again, as a batch that is tried again: the last one counts.
    expect(mended.apply([bad, good], now).partition.columns.unreadable).toEqual([]);
  });

  it('counts groups by the states of their hosts and of the updates there', () => {
    const { partition } = new FleetPartition().apply(
      [
        { kind: 'host', host: hostRow(1, { group: 'pilot', state: 'ERROR' }) },
        { kind: 'host', host: hostRow(2, { group: 'pilot' }) },
        { kind: 'host', host: hostRow(3) },
        { kind: 'report', report: report(1, 1, { 1: 'ERROR', 2: 'OK' }) },
        { kind: 'report', report: report(3, 1, { 1: 'MISSING' }) },
      ],
      now,
    );
    const fleet = { asOf: now, partitions: [partition] };
    expect(groupsOf(fleet)).toEqual([
      { group: 'default', hosts: 1, byState: { OK: 1, PENDING_UPDATES: 0, ERROR: 0, UNKNOWN: 0 } },
      { group: 'pilot', hosts: 2, byState: { OK: 1, PENDING_UPDATES: 0, ERROR: 1, UNKNOWN: 0 } },
    ]);
    expect(updatesOfGroup(fleet, 'pilot')).toMatchObject({ OK: 1, ERROR: 1, MISSING: 0 });
    expect(updatesOfGroup(fleet, 'none')).toMatchObject({ OK: 0, ERROR: 0, MISSING: 0 });
  });
});
