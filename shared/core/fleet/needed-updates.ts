import { type UpdateState, updateStates } from '../status/states.ts';
import { type FleetColumns, noHost } from './columns.ts';
import type { Fleet } from './fleet.ts';
import type { UpdateName } from './model.ts';

/** States in which a host needs an update: it has it not, and nothing that is approved or installed replaces it. */
export const neededStates: readonly UpdateState[] = ['PENDING', 'MISSING', 'DISCARDED', 'ERROR'];

/** Hosts that are counted together: those of a group, or one by itself. */
export interface FleetPart {
  readonly group: string;
  /** Of a host that is counted by itself; it is in no other part. */
  readonly machineId?: string;
  /** How many of its hosts need an update, by its place in {@link Needs.updates}. */
  readonly needs: ReadonlyMap<number, number>;
}

/** What the fleet needs, part by part. */
export interface Needs {
  /** In each revision that hosts reported, each once. */
  readonly updates: readonly UpdateName[];
  readonly parts: readonly FleetPart[];
  readonly partitions: readonly PartitionNeeds[];
}

interface PartitionNeeds {
  readonly columns: FleetColumns;
  /** Place in {@link Needs.updates} by place in the updates of the partition. */
  readonly updates: Uint32Array;
  /** Place in {@link Needs.parts} by place of the host; 0 too for a machine whose row is not known. */
  readonly parts: Uint32Array;
}

const isNeeded = updateStates.map((state) => neededStates.includes(state));

/**
 * Counts the hosts that need each update, in one pass over the snapshot.
 *
 * @param apart machine ids of hosts that are counted by themselves
 */
export function needsOf({ partitions }: Fleet, apart: ReadonlySet<string>): Needs {
  const updates = new Places<UpdateName>();
  const parts = new Places<{ group: string; machineId?: string; needs: Map<number, number> }>();
  const counted = partitions.map(({ columns }): PartitionNeeds => {
    const { machineIds, state, group, texts, ends, entries } = columns;
    const known = Uint32Array.from(columns.updates, (name) => updates.of(`${name.updateId}_${name.revision}`, name));
    // A group that only hosts apart are in becomes no part.
    const groups = new Int32Array(texts.length).fill(-1);
    const partOf = new Uint32Array(machineIds.length);
    let start = 0;
    for (let host = 0; host < machineIds.length; host++) {
      const end = ends[host] ?? start;
      if (state[host] !== noHost) {
        const text = group[host] ?? 0;
        const name = texts[text] ?? '';
        const machineId = machineIds[host] ?? '';
        let part = groups[text] ?? -1;
        if (apart.has(machineId)) {
          part = parts.of(`host ${machineId}`, { group: name, machineId, needs: new Map() });
        } else if (part < 0) {
          part = parts.of(`group ${name}`, { group: name, needs: new Map() });
          groups[text] = part;
        }
        partOf[host] = part;
        const needs = parts.all[part]?.needs ?? new Map<number, number>();
        for (let at = start; at < end; at++) {
          const entry = entries[at] ?? 0;
          if (isNeeded[entry & 7] !== true) continue;
          const update = known[entry >>> 3] ?? 0;
          needs.set(update, (needs.get(update) ?? 0) + 1);
        }
      }
      start = end;
    }
    return { columns, updates: known, parts: partOf };
  });
  return { updates: updates.all, parts: parts.all, partitions: counted };
}

/** Updates that some host needs, and how many hosts were asked. */
export interface FleetNeeds {
  readonly updateIds: ReadonlySet<string>;
  /** Hosts whose needs count; machines of which only a report is known are among them. */
  readonly hosts: number;
  /** Of these, hosts that reported and whose report is not in the snapshot: what they need is not known. */
  readonly hostsUnknown: number;
}

/**
 * Updates that at least one host needs, in one pass over the snapshot. A revoked host needs nothing: it is let in nowhere.
 *
 * @param seenSince hosts that were last seen before do not count. Milliseconds since 1970
 */
export function neededBySeen({ partitions }: Pick<Fleet, 'partitions'>, seenSince: number): FleetNeeds {
  const updateIds = new Set<string>();
  let hosts = 0;
  let hostsUnknown = 0;
  for (const { columns } of partitions) {
    const { ends, entries, updates, lastSeenAt, reportedAt, reportAt, revokedAt } = columns;
    const needed = new Uint8Array(updates.length);
    let start = 0;
    for (let host = 0; host < ends.length; host++) {
      const end = ends[host] ?? start;
      const seen = Math.max(lastSeenAt[host] ?? 0, reportedAt[host] ?? 0, reportAt[host] ?? 0);
      if (seen >= seenSince && (revokedAt[host] ?? 0) === 0) {
        hosts += 1;
        if ((reportedAt[host] ?? 0) !== 0 && (reportAt[host] ?? 0) === 0) hostsUnknown += 1;
        for (let at = start; at < end; at++) {
          const entry = entries[at] ?? 0;
          if (isNeeded[entry & 7] === true) needed[entry >>> 3] = 1;
        }
      }
      start = end;
    }
    for (const [place, { updateId }] of updates.entries()) if (needed[place] === 1) updateIds.add(updateId);
  }
  return { updateIds, hosts, hostsUnknown };
}

/** Counts the hosts that need at least one update which `affected` says yes to. */
export function countHostsNeeding({ partitions }: Needs, affected: (part: number, update: number) => boolean): number {
  let hosts = 0;
  for (const { columns, updates, parts } of partitions) {
    const { ends, entries, state } = columns;
    let start = 0;
    for (let host = 0; host < ends.length; host++) {
      const end = ends[host] ?? start;
      const part = parts[host] ?? 0;
      for (let at = start; at < end && state[host] !== noHost; at++) {
        const entry = entries[at] ?? 0;
        if (isNeeded[entry & 7] !== true || !affected(part, updates[entry >>> 3] ?? 0)) continue;
        hosts += 1;
        break;
      }
      start = end;
    }
  }
  return hosts;
}

/** Things in the order in which they were first met. */
class Places<T> {
  readonly all: T[] = [];
  readonly #places = new Map<string, number>();

  /** @returns the place of what has this key; `added` when it is new */
  of(key: string, added: T): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.all.push(added) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}
