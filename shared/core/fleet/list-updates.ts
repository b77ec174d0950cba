import { type UpdateState, updateStates } from '../status/states.ts';
import { type Fleet, forEachEntry } from './fleet.ts';
import type { UpdateName } from './model.ts';
import { FirstRows } from './rows.ts';

export interface UpdateFilter {
  readonly kb?: string | undefined;
  /** Only updates that at least one host has in this state. */
  readonly state?: UpdateState | undefined;
  /** Counts hosts of this group only. */
  readonly group?: string | undefined;
}

/** An update with the number of hosts that have it in each state. */
interface UpdateCounts extends UpdateName {
  readonly hosts: Readonly<Record<UpdateState, number>>;
}

/** Hosts that lack the update, and the update's identity. */
export type UpdatePosition = readonly [lacking: number, identity: string];

export interface UpdatesFound {
  readonly total: number;
  readonly updates: readonly UpdateCounts[];
  readonly next?: UpdatePosition;
}

interface Counted {
  name: UpdateName;
  readonly counts: Float64Array;
}

/** States in which a host wants an update and does not have it. */
const lackingStates: readonly UpdateState[] = ['PENDING', 'MISSING', 'ERROR'];

/** A page of the updates that hosts reported, those first that most hosts lack. */
export function listUpdates(
  fleet: Fleet,
  query: { readonly filter: UpdateFilter; readonly after: UpdatePosition | undefined; readonly limit: number },
): UpdatesFound {
  const { kb, state } = query.filter;
  // Lacking counts down and identities go up: the count is turned round, and both go up.
  const after = query.after === undefined ? undefined : ([-query.after[0], query.after[1]] as const);
  const rows = new FirstRows<UpdateCounts>(query.limit, false, after);
  for (const [identity, { name, counts }] of countUpdates(fleet, query.filter.group)) {
    if (kb !== undefined && !name.kbs.includes(kb)) continue;
    const hosts = Object.fromEntries(updateStates.map((one, code) => [one, counts[code] ?? 0])) as Record<
      UpdateState,
      number
    >;
    if (state !== undefined && hosts[state] === 0) continue;
    const lacking = lackingStates.reduce((sum, one) => sum + hosts[one], 0);
    rows.offer(-lacking, identity, { ...name, hosts });
  }
  const { total, found, next } = rows.finish();
  return {
    total,
    updates: found,
    ...(next !== undefined && { next: [-Number(next[0]), next[1]] as const }),
  };
}

function countUpdates({ partitions }: Fleet, group: string | undefined): ReadonlyMap<string, Counted> {
  const all = new Map<string, Counted>();
  for (const { columns } of partitions) {
    const counts = new Float64Array(columns.updates.length * 8);
    forEachEntry(columns, group, (entry) => {
      counts[entry] = (counts[entry] ?? 0) + 1;
    });
    for (const [index, name] of columns.updates.entries()) {
      const own = counts.subarray(index * 8, index * 8 + 8);
      if (!own.some((count) => count > 0)) continue;
      const identity = `${name.updateId}_${String(name.revision).padStart(10, '0')}`;
      const known = all.get(identity);
      if (known === undefined) all.set(identity, { name, counts: own });
      else for (const [code, count] of own.entries()) known.counts[code] = (known.counts[code] ?? 0) + count;
    }
  }
  return all;
}
