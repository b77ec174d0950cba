import type { FleetManifest } from '#shared/contract/fleet-snapshot.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import { compareHostRows, type FleetChange, machineOf, partitionOf, partitionsFor } from '#shared/core/fleet/model.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import { damaged } from '#shared/stores/fleet/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { putLayout } from './divide.ts';
import { firstManifest, untilAlone, withNews } from './manifest.ts';
import type { FleetPorts } from './ports.ts';
import { readRow } from './read-change.ts';

export interface RebuildReport {
  /** Hosts in the new snapshot. */
  readonly hosts: number;
  readonly partitions: number;
  /** Rows of the table that do not parse. */
  readonly unreadable: number;
  /** Parts of the old snapshot that were lost or damaged. */
  readonly lost: number;
}

/** Changes that are applied at once: each time, all of a partition is put together anew. */
const changesAtOnce = 5000;

/**
 * Makes the snapshot anew from the table, which is read whole: the only scan of the broker, started by a person. Changes
 * that come through the stream meanwhile go into the old snapshot, and are taken over from there.
 */
export async function rebuildFleet(ports: FleetPorts): Promise<RebuildReport> {
  const since = ports.now().getTime();
  const parts = await readTable(ports);
  return untilAlone(ports, 'the manifest', async () => {
    const { manifest, tag } = await oldManifest(ports);
    const { known, lost } = await oldParts(ports, manifest);
    const whole = parts.map((part, index) => {
      const news = known.flatMap((old) => [
        ...newsOf(old, part, since, (id) => partitionOf(id, parts.length) === index),
      ]);
      return part.apply(news, since).partition;
    });
    const hosts = whole.reduce((sum, part) => sum + part.hosts, 0);
    const count = partitionsFor(hosts, ports.maxPartitions);
    const before = withNews(manifest, { beats: new Map(), changedAt: since }, new Map());
    await putLayout(ports, before, tag, whole, count);
    const unreadable = whole.reduce((sum, { columns }) => sum + columns.unreadable.length, 0);
    return { hosts, partitions: count, unreadable, lost };
  });
}

async function readTable({ rows, maxPartitions, now }: FleetPorts): Promise<FleetPartition[]> {
  const parts = Array.from({ length: maxPartitions }, () => new FleetPartition());
  const waiting = parts.map((): FleetChange[] => []);
  const apply = (index: number): void => {
    const changes = waiting[index]?.splice(0) ?? [];
    parts[index] = (parts[index] ?? new FleetPartition()).apply(changes, now().getTime()).partition;
  };
  for await (const page of rows.pages()) {
    for (const row of page) {
      const change = readRow(row);
      if (change === undefined || change.kind === 'beat') continue;
      const index = partitionOf(machineOf(change), maxPartitions);
      if ((waiting[index]?.push(change) ?? 0) >= changesAtOnce) apply(index);
    }
  }
  for (const index of parts.keys()) apply(index);
  return parts;
}

/** The manifest to go on from; one that does not parse is replaced by the first. */
async function oldManifest({ store, newId }: FleetPorts): Promise<{
  readonly manifest: FleetManifest;
  readonly tag: string | undefined | typeof damaged;
}> {
  try {
    const read = await store.manifest();
    return { manifest: read?.value ?? firstManifest(newId()), tag: read?.tag };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'corrupt') throw error;
    return { manifest: firstManifest(newId()), tag: damaged };
  }
}

/** What of the old snapshot can be read. */
async function oldParts({ store }: FleetPorts, { layout, partitions }: FleetManifest) {
  const known: FleetPartition[] = [];
  let lost = 0;
  for (const [index, { generation }] of partitions.entries()) {
    try {
      const read = await store.partition(layout, index);
      if (read !== undefined) known.push(read.value.partition);
      else if (generation > 0) lost += 1;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'corrupt') throw error;
      lost += 1;
    }
  }
  return { known, lost };
}

/** What the old snapshot knows and the table did not say when it was read. */
function* newsOf(
  old: FleetPartition,
  fresh: FleetPartition,
  since: number,
  belongs: (machineId: string) => boolean,
): Generator<FleetChange> {
  for (const [place, machineId] of old.columns.machineIds.entries()) {
    if (!belongs(machineId)) continue;
    const at = fresh.placeOf(machineId);
    const same =
      at !== undefined &&
      old.columns.sequence[place] === fresh.columns.sequence[at] &&
      old.columns.reportVersion[place] === fresh.columns.reportVersion[at];
    if (same) continue;
    const { host, report } = old.machineAt(place);
    const known = at === undefined ? undefined : fresh.machineAt(at);
    // What the table has no more was removed, unless it came after the table was read.
    if (
      host !== undefined &&
      (known?.host === undefined ? host.lastSeenAt >= since : compareHostRows(host, known.host) > 0)
    )
      yield { kind: 'host', host };
    const version = known?.report?.reportVersion ?? 0;
    if (report !== undefined && report.reportVersion > version && (version > 0 || report.reportedAt >= since))
      yield { kind: 'report', report };
  }
}

/** Metrics of a rebuild. */
export const measureRebuild = ({ unreadable }: RebuildReport): Measurements => ({ UnreadableRows: unreadable });
