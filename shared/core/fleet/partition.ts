import { hostStates, type UpdateState, updateStates } from '../status/states.ts';
import { ColumnsBuilder, type Machine } from './build.ts';
import { emptyColumns, type FleetColumns, noHost } from './columns.ts';
import {
  compareHostRows,
  type FailingHost,
  type FleetChange,
  type FleetHost,
  type HostRow,
  machineOf,
  partitionOf,
  type ReportRow,
} from './model.ts';
import { monthName, type ReceivedInMonth } from './received.ts';

/** How long a removed machine is remembered: longer than a stream keeps its records, which is a day. Milliseconds. */
const removedFor = 2 * 24 * 3600 * 1000;

/** A removal is known to the second; within it, it counts as the later. Milliseconds. */
const removalPrecision = 1000;

/** What {@link FleetPartition.apply} came to. */
export interface Applied {
  readonly partition: FleetPartition;
  /** False: all of it was known. */
  readonly changed: boolean;
  /** Hosts that came into the state ERROR by it, each once. */
  readonly failing: readonly FailingHost[];
}

/**
 * A part of the fleet: for each of its hosts the newest row and the newest report that were applied. All counts are taken
 * from them, so that a change counts once however often, and in whatever order, it arrives. Immutable.
 */
export class FleetPartition {
  readonly columns: FleetColumns;

  constructor(columns: FleetColumns = emptyColumns) {
    this.columns = columns;
  }

  /** Hosts whose row is known. */
  get hosts(): number {
    let hosts = 0;
    for (const state of this.columns.state) if (state !== noHost) hosts += 1;
    return hosts;
  }

  /** Where a machine is in the columns; `undefined` when it is not here. */
  placeOf(machineId: string): number | undefined {
    const { machineIds } = this.columns;
    let [low, high] = [0, machineIds.length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = machineIds[middle] ?? '';
      if (found === machineId) return middle;
      if (found < machineId) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** The host at a place, whose row must be known. */
  hostAt(place: number): FleetHost {
    return { ...this.#row(place), counts: this.countsAt(place) };
  }

  /** Updates of the applied report by state. */
  countsAt(place: number): Record<UpdateState, number> {
    const { ends, entries } = this.columns;
    const counts: Record<UpdateState, number> = {
      OK: 0,
      PENDING: 0,
      MISSING: 0,
      DISCARDED: 0,
      ERROR: 0,
      SUPERSEDED: 0,
    };
    for (let at = place === 0 ? 0 : (ends[place - 1] ?? 0); at < (ends[place] ?? 0); at++) {
      const state = updateStates[(entries[at] ?? 0) & 7];
      if (state !== undefined) counts[state] += 1;
    }
    return counts;
  }

  /** The machine at a place as rows, which would lead to the same place again. */
  machineAt(place: number): Machine {
    const { columns } = this;
    const version = columns.reportVersion[place] ?? 0;
    return {
      host: columns.state[place] === noHost ? undefined : this.#row(place),
      report: version === 0 ? undefined : this.#report(place, version),
    };
  }

  /**
   * Applies changes in their order. What is older than what was applied changes nothing.
   *
   * @param now milliseconds since 1970, to forget removals of long ago
   */
  apply(changes: Iterable<FleetChange>, now: number): Applied {
    const draft = new Draft(this);
    for (const change of changes) draft.apply(change);
    return draft.finish(now);
  }

  /**
   * The machines that belong to a partition when there are `partitions` of them, together with those of the others.
   *
   * @param parts disjoint
   */
  static ofParts(parts: readonly FleetPartition[], index: number, partitions: number): FleetPartition {
    const belongs = (machineId: string): boolean => partitionOf(machineId, partitions) === index;
    const places = parts.flatMap(({ columns }) =>
      columns.machineIds.flatMap((machineId, place) => (belongs(machineId) ? [{ machineId, columns, place }] : [])),
    );
    places.sort((a, b) => (a.machineId < b.machineId ? -1 : 1));
    const builder = new ColumnsBuilder();
    for (const { columns, place } of places) builder.copy(columns, place);
    const unreadable = parts.flatMap(({ columns }) => columns.unreadable.filter((name) => belongs(machinePart(name))));
    const removed = parts.flatMap(({ columns }) => columns.removed.filter(([machineId]) => belongs(machineId)));
    return new FleetPartition(builder.finish(unreadable.toSorted(), removed));
  }

  #row(place: number): HostRow {
    const { columns } = this;
    const text = (column: Uint32Array): string => columns.texts[column[place] ?? 0] ?? '';
    const [reportedAt, revokedAt] = [columns.reportedAt[place] ?? 0, columns.revokedAt[place] ?? 0];
    return {
      machineId: columns.machineIds[place] ?? '',
      hostname: columns.hostnames[place] ?? '',
      os: text(columns.os),
      osVersion: text(columns.osVersion),
      agentVersion: text(columns.agentVersion),
      group: text(columns.group),
      state: hostStates[columns.state[place] ?? 0] ?? 'UNKNOWN',
      enrolledAt: columns.enrolledAt[place] ?? 0,
      lastSeenAt: columns.lastSeenAt[place] ?? 0,
      ...(reportedAt !== 0 && { reportedAt }),
      ...(revokedAt !== 0 && { revokedAt }),
      clones: columns.clones[place] ?? 0,
      sequence: columns.sequence[place] ?? 0,
      ...(columns.receivedMonth[place] !== 0 && { received: this.#received(place) }),
    };
  }

  #received(place: number): ReceivedInMonth {
    const { receivedMonth, receivedIndex, receivedFiles, receivedDirect } = this.columns;
    return {
      month: monthName(receivedMonth[place] ?? 0),
      index: receivedIndex[place] ?? 0,
      files: receivedFiles[place] ?? 0,
      direct: receivedDirect[place] ?? 0,
    };
  }

  #report(place: number, reportVersion: number): ReportRow {
    const { machineIds, reportAt, ends, entries, updates } = this.columns;
    const own = entries.subarray(place === 0 ? 0 : (ends[place - 1] ?? 0), ends[place] ?? 0);
    return {
      machineId: machineIds[place] ?? '',
      reportVersion,
      reportedAt: reportAt[place] ?? 0,
      updates: Array.from(own, (entry) => {
        const name = updates[entry >>> 3];
        const state = updateStates[entry & 7];
        if (name === undefined || state === undefined) throw new RangeError('an entry refers to no update or state');
        return { ...name, state };
      }),
    };
  }
}

/** `machine id/item` */
const machinePart = (name: string): string => name.slice(0, name.lastIndexOf('/'));

/** A partition while changes are applied to it. */
class Draft {
  readonly #base: FleetPartition;
  readonly #machines = new Map<string, Machine>();
  readonly #unreadable: Set<string>;
  readonly #removed: Map<string, number>;
  readonly #failing = new Map<string, FailingHost>();
  #changed = false;

  constructor(base: FleetPartition) {
    this.#base = base;
    this.#unreadable = new Set(base.columns.unreadable);
    this.#removed = new Map(base.columns.removed);
  }

  apply(change: FleetChange): void {
    const machineId = machineOf(change);
    const before = this.#machine(machineId);
    switch (change.kind) {
      case 'host': {
        const { host } = change;
        if (this.#goneSince(machineId, host.lastSeenAt)) return;
        const order = before.host === undefined ? 1 : compareHostRows(host, before.host);
        // A row of the same time may be the one that was unreadable before, as another program wrote it.
        if (order >= 0) this.#readable(machineId, 'host');
        if (order <= 0) return;
        if (host.state === 'ERROR' && before.host?.state !== 'ERROR')
          this.#failing.set(machineId, {
            machineId,
            hostname: host.hostname,
            group: host.group,
            at: host.lastSeenAt,
          });
        this.#set(machineId, { ...before, host });
        return;
      }
      case 'report': {
        const { report } = change;
        if (this.#goneSince(machineId, report.reportedAt)) return;
        const order = report.reportVersion - (before.report?.reportVersion ?? 0);
        if (order >= 0) this.#readable(machineId, 'report');
        if (order <= 0) return;
        this.#set(machineId, { ...before, report });
        return;
      }
      case 'removed': {
        this.#readable(machineId, change.item);
        const until = change.at + removalPrecision;
        if (change.item === 'host' && (this.#removed.get(machineId) ?? 0) < until) {
          this.#removed.set(machineId, until);
          this.#changed = true;
        }
        const host = change.item === 'host' && before.host !== undefined && before.host.lastSeenAt < until;
        // With its host a report is gone for good: what enrols under the name next begins with version 1.
        const report = before.report !== undefined && before.report.reportedAt < until;
        if (host || report)
          this.#set(machineId, {
            host: host ? undefined : before.host,
            report: report ? undefined : before.report,
          });
        return;
      }
      case 'unreadable': {
        const name = `${machineId}/${change.item}`;
        if (this.#unreadable.has(name)) return;
        this.#unreadable.add(name);
        this.#changed = true;
      }
    }
  }

  finish(now: number): Applied {
    if (!this.#changed) return { partition: this.#base, changed: false, failing: [] };
    const { columns } = this.#base;
    const touched = [...this.#machines.keys()].sort();
    const builder = new ColumnsBuilder();
    let place = 0;
    const copyUntil = (machineId: string | undefined): void => {
      for (; place < columns.machineIds.length; place++) {
        const here = columns.machineIds[place] ?? '';
        if (machineId !== undefined && here >= machineId) break;
        builder.copy(columns, place);
      }
    };
    for (const machineId of touched) {
      copyUntil(machineId);
      if (columns.machineIds[place] === machineId) place += 1;
      const machine = this.#machines.get(machineId);
      if (machine?.host !== undefined || machine?.report !== undefined) builder.add(machineId, machine);
    }
    copyUntil(undefined);
    const removed = [...this.#removed].filter(([, at]) => at > now - removedFor);
    return {
      partition: new FleetPartition(builder.finish([...this.#unreadable].sort(), removed)),
      changed: true,
      failing: [...this.#failing.values()],
    };
  }

  #machine(machineId: string): Machine {
    const known = this.#machines.get(machineId);
    if (known !== undefined) return known;
    const place = this.#base.placeOf(machineId);
    return place === undefined ? { host: undefined, report: undefined } : this.#base.machineAt(place);
  }

  #set(machineId: string, machine: Machine): void {
    this.#machines.set(machineId, machine);
    this.#changed = true;
  }

  #readable(machineId: string, item: string): void {
    if (this.#unreadable.delete(`${machineId}/${item}`)) this.#changed = true;
  }

  #goneSince(machineId: string, at: number): boolean {
    return at < (this.#removed.get(machineId) ?? 0);
  }
}
