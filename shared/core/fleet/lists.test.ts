import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guid } from '#test/kit/values.ts';
import { hostStates, updateStates } from '../status/states.ts';
import type { Fleet } from './fleet.ts';
import { type HostFilter, type HostOrder, type HostPosition, listHosts } from './list-hosts.ts';
import { listUpdates, type UpdatePosition } from './list-updates.ts';
import { type HostRow, partitionOf, type UpdateOnHost } from './model.ts';
import { FleetPartition } from './partition.ts';

const now = Date.UTC(2026, 6, 14);
const partitions = 3;

interface Machine {
  readonly host: HostRow;
  readonly updates: readonly UpdateOnHost[];
}

const machine = (n: number): fc.Arbitrary<Machine> =>
  fc
    .record({
      hostname: fc.constantFrom('web-1', 'WEB-1', 'db.7', 'Łódź', ''),
      os: fc.constantFrom('Windows 11', 'Windows Server 2022'),
      osVersion: fc.constantFrom('10.0.1', '10.0.2'),
      group: fc.constantFrom('a', 'b'),
      state: fc.constantFrom(...hostStates),
      lastSeenAt: fc.constantFrom(now, now + 1000, now + 2000),
      reportedAt: fc.option(fc.constantFrom(now, now + 1000), { nil: undefined }),
      updates: fc.uniqueArray(fc.integer({ min: 1, max: 4 })),
      states: fc.infiniteStream(fc.constantFrom(...updateStates)),
    })
    .map(({ updates, states, reportedAt, ...host }) => ({
      host: {
        ...host,
        ...(reportedAt !== undefined && { reportedAt }),
        machineId: `m${n}`,
        agentVersion: '1',
        enrolledAt: now,
        clones: 0,
        sequence: 1,
      },
      updates: updates.map((update) => ({
        updateId: guid(update),
        revision: update % 2,
        kbs: [`50000${update % 3}0`],
        state: states.next().value ?? 'OK',
      })),
    }));

const machines = fc
  .integer({ min: 0, max: 12 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => machine(n))));

function fleetOf(all: readonly Machine[]): Fleet {
  const parts = Array.from(
    { length: partitions },
    (_, index) =>
      new FleetPartition().apply(
        all
          .filter(({ host }) => partitionOf(host.machineId, partitions) === index)
          .flatMap(({ host, updates }) => [
            { kind: 'host', host } as const,
            {
              kind: 'report',
              report: { machineId: host.machineId, reportVersion: 1, reportedAt: now, updates },
            } as const,
          ]),
        now,
      ).partition,
  );
  return { asOf: now, partitions: parts };
}

const conditions = {
  group: fc.constantFrom('a', 'b', 'none'),
  state: fc.constantFrom(...hostStates),
  os: fc.constantFrom('SERVER', '10.0.2', 'win', '(', 'x'),
  name: fc.constantFrom('web', 'DB.', 'M1', '.', '[', 'zzz'),
  update: fc.constantFrom(guid(1), guid(9), '5000010'),
  updateState: fc.constantFrom(...updateStates),
  seenBefore: fc.constantFrom(now + 1000, now + 5000),
  seenAfter: fc.constantFrom(now, now - 1),
};

/** Two conditions at most: of more, hardly a host is left. */
const filters: fc.Arbitrary<HostFilter> = fc
  .tuple(fc.record(conditions), fc.subarray(Object.keys(conditions), { maxLength: 2 }))
  .map(([all, names]) => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))));

const has = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

/** The filter by its definition. */
const matches =
  (filter: HostFilter) =>
  ({ host, updates }: Machine): boolean =>
    (filter.group === undefined || host.group === filter.group) &&
    (filter.state === undefined || host.state === filter.state) &&
    (filter.os === undefined || has(host.os, filter.os) || has(host.osVersion, filter.os)) &&
    (filter.name === undefined || has(host.hostname, filter.name) || has(host.machineId, filter.name)) &&
    (filter.seenBefore === undefined || host.lastSeenAt < filter.seenBefore) &&
    (filter.seenAfter === undefined || host.lastSeenAt > filter.seenAfter) &&
    ((filter.update === undefined && filter.updateState === undefined) ||
      updates.some(
        ({ updateId, kbs, state }) =>
          (filter.update === undefined || updateId === filter.update || kbs.includes(filter.update)) &&
          (filter.updateState === undefined || state === filter.updateState),
      ));

const orders: readonly HostOrder[] = ['machineId', 'hostname', 'group', 'os', 'state', 'lastSeenAt', 'reportedAt'];

const sortValue = (host: HostRow, sort: HostOrder): string | number =>
  sort === 'hostname' ? host.hostname.toLowerCase() : (host[sort] ?? 0);

describe('the list of hosts', () => {
  it('has those that match, in the order asked for, each on one page', () => {
    fc.assert(
      fc.property(
        machines,
        filters,
        fc.constantFrom(...orders),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        (all, filter, sort, descending, limit) => {
          const fleet = fleetOf(all);
          const expected = all.filter(matches(filter)).map(({ host }) => host);
          expected.sort((a, b) => {
            const [one, other] = [sortValue(a, sort), sortValue(b, sort)];
            const order = one < other ? -1 : one > other ? 1 : a.machineId < b.machineId ? -1 : 1;
            return descending ? -order : order;
          });
          const found: string[] = [];
          let after: HostPosition | undefined;
          do {
            const page = listHosts(fleet, { filter, sort, descending, after, limit });
            expect(page.total).toBe(expected.length);
            expect(page.hosts.length).toBeLessThanOrEqual(limit);
            found.push(...page.hosts.map(({ machineId }) => machineId));
            after = page.next;
          } while (after !== undefined);
          expect(found).toEqual(expected.map(({ machineId }) => machineId));
        },
      ),
    );
  });

  it('goes on behind a host that is not there any more', () => {
    const all = fc
      .sample(machine(0), 1)
      .flatMap(({ host, updates }) =>
        ['m1', 'm2', 'm3', 'm4'].map((machineId) => ({ host: { ...host, machineId }, updates })),
      );
    const query = { filter: {}, sort: 'machineId', descending: false, limit: 2 } as const;
    const first = listHosts(fleetOf(all), { ...query, after: undefined });
    expect(first.hosts.map(({ machineId }) => machineId)).toEqual(['m1', 'm2']);
    const later = fleetOf(all.filter(({ host }) => host.machineId !== 'm2'));
    const second = listHosts(later, { ...query, after: first.next });
    expect(second.hosts.map(({ machineId }) => machineId)).toEqual(['m3', 'm4']);
    expect(second.next).toBeUndefined();
  });
});

describe('the list of reported updates', () => {
  it('counts hosts by state, those first that most hosts lack', () => {
    fc.assert(
      fc.property(
        machines,
        fc.record(
          {
            kb: fc.constantFrom('5000010', '5999999'),
            state: fc.constantFrom(...updateStates),
            group: fc.constantFrom('a', 'none'),
          },
          { requiredKeys: [] },
        ),
        fc.integer({ min: 1, max: 3 }),
        (all, filter, limit) => {
          const counts = new Map<string, Record<string, number>>();
          for (const { host, updates } of all) {
            if (filter.group !== undefined && host.group !== filter.group) continue;
            for (const { updateId, revision, kbs, state } of updates) {
              if (filter.kb !== undefined && !kbs.includes(filter.kb)) continue;
              const key = `${updateId}/${revision}`;
              const own = counts.get(key) ?? Object.fromEntries(updateStates.map((one) => [one, 0]));
              own[state] = (own[state] ?? 0) + 1;
              counts.set(key, own);
            }
          }
          const lacking = (own: Record<string, number>): number =>
            (own.PENDING ?? 0) + (own.MISSING ?? 0) + (own.ERROR ?? 0);
          const expected = [...counts]
            .filter(([, own]) => filter.state === undefined || (own[filter.state] ?? 0) > 0)
            .sort(([a, one], [b, other]) => lacking(other) - lacking(one) || (a < b ? -1 : 1));
          const found: [string, object][] = [];
          let after: UpdatePosition | undefined;
          do {
            const page = listUpdates(fleetOf(all), { filter, after, limit });
            expect(page.total).toBe(expected.length);
            for (const { updateId, revision, hosts } of page.updates) found.push([`${updateId}/${revision}`, hosts]);
            after = page.next;
          } while (after !== undefined);
          expect(found).toEqual(expected);
        },
      ),
    );
  });
});
