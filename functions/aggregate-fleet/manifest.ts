import { type FleetManifest, fleetBeats } from '#shared/contract/fleet-snapshot.ts';
import { asOf } from '#shared/core/fleet/as-of.ts';
import { countHosts, noHostCounts } from '#shared/core/fleet/fleet.ts';
import type { FleetPartition } from '#shared/core/fleet/partition.ts';
import { hostStates } from '#shared/core/status/states.ts';
import type { Tagged } from '#shared/stores/fleet/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { FleetError, type FleetPorts } from './ports.ts';

/** What the manifest says of one partition. */
export type PartitionEntry = FleetManifest['partitions'][number];

/** What a batch has to tell beside its partitions: the latest beats by number, and the newest change. Milliseconds. */
export interface Heard {
  readonly beats: ReadonlyMap<number, number>;
  readonly changedAt: number;
}

const maxTries = 20;

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const entryOf = (partition: FleetPartition, generation: number, etag: string): PartitionEntry => ({
  generation,
  etag,
  hosts: partition.hosts,
  byState: { ...countHosts({ partitions: [partition] }) },
});

/** An empty snapshot of one partition. */
export const firstManifest = (layout: string): FleetManifest => ({
  version: 1,
  asOf: iso(0),
  beats: {},
  layout,
  totals: { hosts: 0, byState: noHostCounts() },
  partitions: [{ generation: 0, hosts: 0, byState: noHostCounts() }],
});

/** The manifest with what was heard and with other entries; an entry that has a later generation stays. */
export function withNews(
  manifest: FleetManifest,
  heard: Heard,
  entries: ReadonlyMap<number, PartitionEntry>,
): FleetManifest {
  const partitions = manifest.partitions.map((before, index) => {
    const entry = entries.get(index);
    return entry !== undefined && entry.generation > before.generation ? entry : before;
  });
  const beats = new Map(Object.entries(manifest.beats).map(([number, at]) => [Number(number), Date.parse(at)]));
  for (const [number, at] of heard.beats) beats.set(number, Math.max(at, beats.get(number) ?? 0));
  const changedAt = Math.max(heard.changedAt, manifest.changedAt === undefined ? 0 : Date.parse(manifest.changedAt));
  return {
    version: 1,
    layout: manifest.layout,
    asOf: iso(asOf(beats.values(), fleetBeats.count, changedAt)),
    ...(changedAt > 0 && { changedAt: iso(changedAt) }),
    beats: Object.fromEntries([...beats].map(([number, at]) => [number, iso(at)])),
    totals: totalsOf(partitions),
    partitions,
  };
}

export function totalsOf(partitions: readonly PartitionEntry[]): FleetManifest['totals'] {
  const byState = noHostCounts();
  for (const entry of partitions) for (const state of hostStates) byState[state] += entry.byState[state];
  return { hosts: partitions.reduce((sum, { hosts }) => sum + hosts, 0), byState };
}

/** The manifest in force; the first of all is made when there is none. */
export async function currentManifest({ store, newId }: FleetPorts): Promise<Tagged<FleetManifest>> {
  const manifest = await orDamaged(() => store.manifest());
  if (manifest !== undefined) return manifest;
  try {
    await store.putManifest(firstManifest(newId()), undefined);
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  const made = await orDamaged(() => store.manifest());
  if (made === undefined) throw new FleetError('damaged', 'the manifest of the fleet vanished');
  return made;
}

/** Runs a conditional write until nobody else comes in between; `attempt` reads what it writes over anew each time. */
export async function untilAlone<T>(
  { random, sleep }: FleetPorts,
  what: string,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (tried === maxTries) {
        const message = `others wrote ${what} in each of ${maxTries} tries`;
        throw new FleetError('crowded', message, { cause: error });
      }
    }
    await sleep(random() * Math.min(2000, 50 * 2 ** tried));
  }
}

const isConflict = (error: unknown): boolean => error instanceof StoreError && error.code === 'conflict';

/** @throws FleetError `damaged` where the store says `corrupt` */
export async function orDamaged<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt')
      throw new FleetError('damaged', error.message, { cause: error });
    throw error;
  }
}
