import { type HostState, hostStates, type UpdateState, updateStates } from '../status/states.ts';
import { type FleetColumns, noHost } from './columns.ts';
import type { FleetPartition } from './partition.ts';

/** The fleet as the snapshot has it. Immutable. */
export interface Fleet {
  /** All changes before this moment are in it. Milliseconds since 1970; 0 when there is no snapshot yet. */
  readonly asOf: number;
  readonly partitions: readonly FleetPartition[];
}

/** A fleet of which nothing is known yet. */
export const noFleet: Fleet = { asOf: 0, partitions: [] };

export const noHostCounts = (): Record<HostState, number> => ({ OK: 0, PENDING_UPDATES: 0, ERROR: 0, UNKNOWN: 0 });
export const noUpdateCounts = (): Record<UpdateState, number> => ({
  OK: 0,
  PENDING: 0,
  MISSING: 0,
  DISCARDED: 0,
  ERROR: 0,
  SUPERSEDED: 0,
});

/** Hosts of one group, or of all, by state. */
export interface GroupCounts {
  readonly group: string;
  readonly hosts: number;
  readonly byState: Readonly<Record<HostState, number>>;
}

/** Hosts by state, over the whole fleet. */
export function countHosts(fleet: Pick<Fleet, 'partitions'>): Readonly<Record<HostState, number>> {
  const counts = noHostCounts();
  for (const { columns } of fleet.partitions) {
    for (const code of columns.state) {
      const state = hostStates[code];
      if (state !== undefined) counts[state] += 1;
    }
  }
  return counts;
}

/** Groups that have hosts, by name. */
export function groupsOf({ partitions }: Fleet): readonly GroupCounts[] {
  const groups = new Map<string, { hosts: number; byState: Record<HostState, number> }>();
  for (const { columns } of partitions) {
    const counts = columns.texts.map(() => new Uint32Array(hostStates.length));
    for (let place = 0; place < columns.state.length; place++) {
      const code = columns.state[place] ?? noHost;
      const own = counts[columns.group[place] ?? 0];
      if (code !== noHost && own !== undefined) own[code] = (own[code] ?? 0) + 1;
    }
    for (const [index, own] of counts.entries()) {
      const hosts = own.reduce((sum, count) => sum + count, 0);
      if (hosts === 0) continue;
      const name = columns.texts[index] ?? '';
      const group = groups.get(name) ?? { hosts: 0, byState: noHostCounts() };
      group.hosts += hosts;
      for (const [code, state] of hostStates.entries()) group.byState[state] += own[code] ?? 0;
      groups.set(name, group);
    }
  }
  return [...groups].map(([group, counts]) => ({ group, ...counts })).sort((a, b) => (a.group < b.group ? -1 : 1));
}

/** Updates by their state on the hosts of a group. */
export function updatesOfGroup({ partitions }: Fleet, group: string): Readonly<Record<UpdateState, number>> {
  const counts = noUpdateCounts();
  for (const { columns } of partitions) {
    const own = new Float64Array(8);
    forEachEntry(columns, group, (entry) => {
      own[entry & 7] = (own[entry & 7] ?? 0) + 1;
    });
    for (const [code, state] of updateStates.entries()) counts[state] += own[code] ?? 0;
  }
  return counts;
}

/** Rows that do not parse, as `machine id/item`, sorted. */
export const unreadableOf = ({ partitions }: Fleet): string[] =>
  partitions.flatMap(({ columns }) => columns.unreadable).sort();

/**
 * Calls for each update on each host whose row is known.
 *
 * @param group only hosts of this group
 */
export function forEachEntry(
  { ends, entries, state, group: groups, texts }: FleetColumns,
  group: string | undefined,
  call: (entry: number) => void,
): void {
  const wanted = group === undefined ? -1 : texts.indexOf(group);
  if (group !== undefined && wanted < 0) return;
  let start = 0;
  for (let place = 0; place < ends.length; place++) {
    const end = ends[place] ?? start;
    if (state[place] !== noHost && (wanted < 0 || groups[place] === wanted))
      for (let at = start; at < end; at++) call(entries[at] ?? 0);
    start = end;
  }
}
