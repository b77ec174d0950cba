import type { FleetManifest } from '#shared/contract/fleet-snapshot.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import { type FailingHost, type FleetChange, machineOf, partitionOf, partitionsFor } from '#shared/core/fleet/model.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import type { RowChange } from '#shared/lambda/stream-handler.ts';
import { divideFleet } from './divide.ts';
import {
  currentManifest,
  entryOf,
  type Heard,
  orDamaged,
  type PartitionEntry,
  untilAlone,
  withNews,
} from './manifest.ts';
import { FleetError, type FleetPorts } from './ports.ts';
import { readChange } from './read-change.ts';

export interface BatchReport {
  /** Partitions that were written. */
  readonly written: number;
  /** Changes that name a row which does not parse. */
  readonly unreadable: number;
  /** Hosts that came into the state ERROR. */
  readonly failing: number;
}

/** Partitions worked on at a time: each is held in memory meanwhile. */
const concurrency = 4;
const maxLayouts = 5;

/**
 * Brings changes of the table into the snapshot. Each partition that they touch is read, changed and written back on the
 * condition that nobody wrote it meanwhile, and named in the manifest after that. Repeating any of it changes nothing.
 */
export async function aggregateFleet(ports: FleetPorts, batch: readonly RowChange[]): Promise<BatchReport> {
  const { changes, heard } = sortOut(batch);
  const told = new Set<string>();
  const onFailing = async (hosts: readonly FailingHost[]): Promise<void> => {
    // A host whose partition moved meanwhile is found failing a second time.
    const news = hosts.filter(({ machineId }) => !told.has(machineId));
    for (const { machineId, hostname, group, at } of news) {
      told.add(machineId);
      await ports.events.publish('HostFailing', {
        version: 1,
        machineId,
        hostname,
        group,
        at: new Date(at).toISOString(),
      });
    }
  };
  const unreadable = changes.filter(({ kind }) => kind === 'unreadable').length;
  for (let layouts = 1; layouts <= maxLayouts; layouts++) {
    const { value: manifest } = await currentManifest(ports);
    const applied = await applyTo(ports, manifest, changes, onFailing);
    const named = applied && (await nameInManifest(ports, manifest.layout, heard, applied.entries));
    if (named === undefined) continue;
    if (partitionsFor(named.totals.hosts, ports.maxPartitions) > named.partitions.length) await divideFleet(ports);
    return { written: applied?.written ?? 0, unreadable, failing: told.size };
  }
  throw new FleetError('crowded', `the snapshot was divided anew in each of ${maxLayouts} tries`);
}

function sortOut(batch: readonly RowChange[]): { readonly changes: readonly FleetChange[]; readonly heard: Heard } {
  const changes: FleetChange[] = [];
  const beats = new Map<number, number>();
  let changedAt = 0;
  for (const record of batch) {
    changedAt = Math.max(changedAt, record.at);
    const change = readChange(record);
    if (change?.kind === 'beat') beats.set(change.number, Math.max(change.at, beats.get(change.number) ?? 0));
    else if (change !== undefined) changes.push(change);
  }
  return { changes, heard: { beats, changedAt } };
}

interface AppliedTo {
  readonly entries: ReadonlyMap<number, PartitionEntry>;
  readonly written: number;
}

/** Returns `undefined` when the layout of the manifest is not in use any more. */
async function applyTo(
  ports: FleetPorts,
  { layout, partitions }: FleetManifest,
  changes: readonly FleetChange[],
  onFailing: (hosts: readonly FailingHost[]) => Promise<void>,
): Promise<AppliedTo | undefined> {
  const byPartition = Map.groupBy(changes, (change) => partitionOf(machineOf(change), partitions.length));
  const left = [...byPartition];
  const entries = new Map<number, PartitionEntry>();
  let written = 0;
  let moved = false;
  const work = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined && !moved; next = left.pop()) {
      const [index, own] = next;
      const place = { layout, index, of: partitions.length, known: (partitions[index]?.generation ?? 0) > 0 };
      const applied = await untilAlone(ports, `partition ${index}`, () => applyOnce(ports, place, own, onFailing));
      if (applied === 'moved') moved = true;
      else if (applied !== 'empty') {
        entries.set(index, applied.entry);
        if (applied.written) written += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, left.length) }, work));
  return moved ? undefined : { entries, written };
}

interface Place {
  readonly layout: string;
  readonly index: number;
  readonly of: number;
  /** The manifest says that it was written. */
  readonly known: boolean;
}

async function applyOnce(
  ports: FleetPorts,
  { layout, index, of, known }: Place,
  changes: readonly FleetChange[],
  onFailing: (hosts: readonly FailingHost[]) => Promise<void>,
): Promise<{ readonly entry: PartitionEntry; readonly written: boolean } | 'moved' | 'empty'> {
  const read = await orDamaged(() => ports.store.partition(layout, index));
  if (read === undefined && known) {
    const { value: manifest } = await currentManifest(ports);
    if (manifest.layout !== layout) return 'moved';
    throw new FleetError('damaged', `partition ${index} of the fleet (${layout}) is lost`);
  }
  const before = read?.value.partition ?? new FleetPartition();
  const { partition, changed, failing } = before.apply(changes, ports.now().getTime());
  // Even what changes nothing is named: whoever wrote it may have died before it was.
  if (!changed) {
    if (read === undefined) return 'empty';
    return { entry: entryOf(before, read.value.generation, read.tag), written: false };
  }
  const generation = (read?.value.generation ?? 0) + 1;
  const etag = await ports.store.putPartition({ layout, index, of, generation, partition }, read?.tag);
  await onFailing(failing);
  return { entry: entryOf(partition, generation, etag), written: true };
}

/** Returns the manifest as it is then, or `undefined` when it has another layout: what was written there is not read. */
async function nameInManifest(
  ports: FleetPorts,
  layout: string,
  heard: Heard,
  entries: ReadonlyMap<number, PartitionEntry>,
): Promise<FleetManifest | undefined> {
  return untilAlone(ports, 'the manifest', async () => {
    const { value: manifest, tag } = await currentManifest(ports);
    if (manifest.layout !== layout) return undefined;
    const next = withNews(manifest, heard, entries);
    await ports.store.putManifest(next, tag);
    return next;
  });
}

/** Metrics of a batch. */
export const measureBatch = ({ unreadable }: BatchReport): Measurements => ({ UnreadableRows: unreadable });
