import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guid } from '#test/kit/values.ts';
import { updateStates } from '../status/states.ts';
import type { Fleet } from './fleet.ts';
import { type HostRow, partitionOf, type UpdateOnHost } from './model.ts';
import { countHostsNeeding, neededBySeen, neededStates, needsOf } from './needed-updates.ts';
import { FleetPartition } from './partition.ts';

const now = Date.UTC(2026, 6, 14);
const partitions = 3;

interface Machine {
  readonly host: HostRow;
  readonly updates: readonly UpdateOnHost[];
  /** Its report came before its row. */
  readonly unknown: boolean;
}

const machine = (n: number): fc.Arbitrary<Machine> =>
  fc
    .record({
      group: fc.constantFrom('a', 'b', 'c'),
      unknown: fc.boolean(),
      updates: fc.uniqueArray(fc.integer({ min: 1, max: 5 })),
      states: fc.infiniteStream(fc.constantFrom(...updateStates)),
    })
    .map(({ group, unknown, updates, states }) => ({
      unknown,
      host: {
        machineId: `m${n}`,
        hostname: `m${n}`,
        os: 'Windows 11',
        osVersion: '10',
        agentVersion: '1',
        group,
        state: 'OK',
        enrolledAt: now,
        lastSeenAt: now,
        clones: 0,
        sequence: 1,
      },
      updates: updates.map((update) => ({
        updateId: guid(update),
        revision: update % 2,
        kbs: [],
        state: states.next().value ?? 'OK',
      })),
    }));
const machines = fc
  .integer({ min: 0, max: 12 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => machine(n))));
const someIds = fc.uniqueArray(fc.constantFrom('m0', 'm1', 'm5', 'm9', 'nobody')).map((ids) => new Set<string>(ids));

const fleetOf = (all: readonly Machine[]): Fleet => ({
  asOf: now,
  partitions: Array.from({ length: partitions }, (_, index) => {
    const changes = all
      .filter(({ host }) => partitionOf(host.machineId, partitions) === index)
      .flatMap(({ host, updates, unknown }) => [
        ...(unknown ? [] : [{ kind: 'host', host } as const]),
        {
          kind: 'report',
          report: { machineId: host.machineId, reportVersion: 1, reportedAt: now, updates },
        } as const,
      ]);
    return new FleetPartition().apply(changes, now).partition;
  }),
});

/** The updates that a host needs, when its row is known. */
const neededBy = ({ updates, unknown }: Machine): readonly UpdateOnHost[] =>
  unknown ? [] : updates.filter(({ state }) => neededStates.includes(state));

describe('what the fleet needs', () => {
  it('is counted by group, and by host for those that are counted by themselves', () => {
    fc.assert(
      fc.property(machines, someIds, (all, apart) => {
        const expected = new Map<string, number>();
        for (const one of all) {
          const { machineId, group } = one.host;
          const part = apart.has(machineId) ? `${group} ${machineId}` : group;
          for (const { updateId } of neededBy(one)) {
            const key = `${part} ${updateId}`;
            expected.set(key, (expected.get(key) ?? 0) + 1);
          }
        }
        const { parts, updates } = needsOf(fleetOf(all), apart);
        const counted = parts.flatMap(({ group, machineId, needs }) =>
          [...needs].map(([place, hosts]): [string, number] => [
            `${machineId === undefined ? group : `${group} ${machineId}`} ${updates[place]?.updateId}`,
            hosts,
          ]),
        );
        expect(counted.toSorted()).toEqual([...expected].toSorted());
        const names = parts.map(({ group, machineId }) => `${group}/${machineId}`);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('and how many hosts need one of some updates, in some parts', () => {
    fc.assert(
      fc.property(
        machines,
        someIds,
        fc.subarray([1, 2, 3, 4, 5]),
        fc.subarray(['a', 'b', 'c']),
        (all, apart, some, groups) => {
          const ids = new Set(some.map(guid));
          const needs = needsOf(fleetOf(all), apart);
          const counted = countHostsNeeding(
            needs,
            (part, update) =>
              groups.includes(needs.parts[part]?.group ?? '') && ids.has(needs.updates[update]?.updateId ?? ''),
          );
          const expected = all.filter(
            (one) => groups.includes(one.host.group) && neededBy(one).some(({ updateId }) => ids.has(updateId)),
          );
          expect(counted).toBe(expected.length);
        },
      ),
    );
  });

  it('by hosts that were seen lately, those of which only a report is known among them, and not by revoked ones', () => {
    fc.assert(
      fc.property(machines, fc.subarray([0, 1, 2, 3, 4]), fc.subarray([2, 3, 4, 5, 6]), (all, old, revoked) => {
        const fleet = all.map(
          (one, place): Machine => ({
            ...one,
            host: {
              ...one.host,
              ...(old.includes(place) && { lastSeenAt: now - 10 }),
              ...(revoked.includes(place) && { revokedAt: now }),
            },
          }),
        );
        // Of a machine without a row there is neither a revocation nor another time than its report's.
        const counts = fleet.filter(({ host, unknown }) => unknown || host.revokedAt === undefined);
        const { hosts, updateIds } = neededBySeen(fleetOf(fleet), now);
        expect(hosts).toBe(counts.length);
        const needed = counts.flatMap(({ updates }) => updates.filter(({ state }) => neededStates.includes(state)));
        expect([...updateIds].toSorted()).toEqual([...new Set(needed.map(({ updateId }) => updateId))].toSorted());
        const withoutReports = FleetPartition.ofParts([], 0, 1).apply(
          fleet.map(({ host }) => ({ kind: 'host', host: { ...host, reportedAt: now, clones: 0 } })),
          now,
        ).partition;
        const unknown = neededBySeen({ partitions: [withoutReports] }, now);
        expect(unknown.hostsUnknown).toBe(unknown.hosts);
        expect(neededBySeen(fleetOf(fleet), now + 1)).toEqual({ hosts: 0, hostsUnknown: 0, updateIds: new Set() });
      }),
    );
  });
});
