import { type HostState, hostStates, type UpdateState, updateStates } from '../status/states.ts';
import { type FleetColumns, noHost } from './columns.ts';
import type { Fleet } from './fleet.ts';
import type { FleetHost } from './model.ts';
import { FirstRows } from './rows.ts';

/** Which hosts are meant; all conditions that are given must hold. */
export interface HostFilter {
  readonly group?: string | undefined;
  readonly state?: HostState | undefined;
  /** Part of the operating system's caption or version, in any case. */
  readonly os?: string | undefined;
  /** Part of the hostname or the machine id, in any case. */
  readonly name?: string | undefined;
  /** UpdateId or KB number of an update that the host reported. */
  readonly update?: string | undefined;
  /** State of that update; without `update`, of any. */
  readonly updateState?: UpdateState | undefined;
  /** True: only hosts whose key was revoked; false: only those that are let in. */
  readonly revoked?: boolean | undefined;
  /** Milliseconds since 1970, both exclusive. */
  readonly seenBefore?: number | undefined;
  readonly seenAfter?: number | undefined;
}

/** Columns of the list by which it can be ordered; equal ones are ordered by machine id. */
export type HostOrder = 'machineId' | 'hostname' | 'group' | 'os' | 'state' | 'lastSeenAt' | 'reportedAt';

/** Where a list goes on: behind the host with this value and this id, whether that is still there or not. */
export type HostPosition = readonly [value: string | number, machineId: string];

export interface HostQuery {
  readonly filter: HostFilter;
  readonly sort: HostOrder;
  readonly descending: boolean;
  readonly after: HostPosition | undefined;
  readonly limit: number;
}

export interface HostsFound {
  /** That the filter matches, over all pages. */
  readonly total: number;
  readonly hosts: readonly FleetHost[];
  /** Absent on the last page. */
  readonly next?: HostPosition;
}

/** A page of the hosts that match. Nothing is sorted but the page. */
export function listHosts({ partitions }: Fleet, { filter, sort, descending, after, limit }: HostQuery): HostsFound {
  const rows = new FirstRows<number>(limit, descending, after);
  for (const [index, { columns }] of partitions.entries()) {
    const matches = matcher(columns, filter);
    if (matches === undefined) continue;
    const valueAt = valuesOf(columns, sort);
    for (let place = 0; place < columns.machineIds.length; place++) {
      if (columns.state[place] === noHost || !matches(place)) continue;
      // Partition and place in one number: 100,000 small objects would cost more than the search.
      rows.offer(valueAt(place), columns.machineIds[place] ?? '', place * partitions.length + index);
    }
  }
  const { total, found, next } = rows.finish();
  const hosts = found.flatMap((row) => {
    const host = partitions[row % partitions.length]?.hostAt(Math.floor(row / partitions.length));
    return host === undefined ? [] : [host];
  });
  return { total, hosts, ...(next !== undefined && { next }) };
}

function valuesOf(columns: FleetColumns, sort: HostOrder): (place: number) => string | number {
  switch (sort) {
    case 'machineId':
      return () => '';
    case 'hostname':
      return (place) => (columns.hostnames[place] ?? '').toLowerCase();
    case 'group':
    case 'os':
      return (place) => columns.texts[columns[sort][place] ?? 0] ?? '';
    case 'state':
      return (place) => hostStates[columns.state[place] ?? 0] ?? '';
    default:
      return (place) => columns[sort][place] ?? 0;
  }
}

/** Says of each place whether it matches; `undefined` when no place can. */
function matcher(columns: FleetColumns, filter: HostFilter): ((place: number) => boolean) | undefined {
  const conditions: ((place: number) => boolean)[] = [];
  const { group, state, os, name, revoked, seenBefore, seenAfter } = filter;
  if (group !== undefined) {
    const wanted = columns.texts.indexOf(group);
    if (wanted < 0) return undefined;
    conditions.push((place) => columns.group[place] === wanted);
  }
  if (state !== undefined) {
    const wanted = hostStates.indexOf(state);
    conditions.push((place) => columns.state[place] === wanted);
  }
  if (revoked !== undefined) conditions.push((place) => (columns.revokedAt[place] !== 0) === revoked);
  if (seenBefore !== undefined) conditions.push((place) => (columns.lastSeenAt[place] ?? 0) < seenBefore);
  if (seenAfter !== undefined) conditions.push((place) => (columns.lastSeenAt[place] ?? 0) > seenAfter);
  if (os !== undefined) {
    const has = containing(os);
    const wanted = columns.texts.map((text) => has(text));
    conditions.push(
      (place) => wanted[columns.os[place] ?? 0] === true || wanted[columns.osVersion[place] ?? 0] === true,
    );
  }
  if (name !== undefined) {
    const has = containing(name);
    conditions.push((place) => has(columns.hostnames[place] ?? '') || has(columns.machineIds[place] ?? ''));
  }
  if (filter.update !== undefined || filter.updateState !== undefined) {
    const reported = updateMatcher(columns, filter.update, filter.updateState);
    if (reported === undefined) return undefined;
    conditions.push(reported);
  }
  return (place) => conditions.every((holds) => holds(place));
}

function updateMatcher(
  { updates, ends, entries }: FleetColumns,
  update: string | undefined,
  updateState: UpdateState | undefined,
): ((place: number) => boolean) | undefined {
  const named = updates.map(({ updateId, kbs }) => update === undefined || updateId === update || kbs.includes(update));
  if (!named.includes(true)) return undefined;
  const state = updateState === undefined ? -1 : updateStates.indexOf(updateState);
  return (place) => {
    for (let at = place === 0 ? 0 : (ends[place - 1] ?? 0); at < (ends[place] ?? 0); at++) {
      const entry = entries[at] ?? 0;
      if ((state < 0 || (entry & 7) === state) && named[entry >>> 3] === true) return true;
    }
    return false;
  };
}

/** An expression that ignores case is faster than lower-case copies of every name. */
function containing(part: string): (text: string) => boolean {
  const expression = new RegExp(part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'i');
  return (text) => expression.test(text);
}
