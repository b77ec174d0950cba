import type { FleetManifest } from '#shared/contract/fleet-snapshot.ts';
import { partitionsFor } from '#shared/core/fleet/model.ts';
import { FleetPartition } from '#shared/core/fleet/partition.ts';
import type { damaged } from '#shared/stores/fleet/port.ts';
import { currentManifest, entryOf, orDamaged, type PartitionEntry, totalsOf, untilAlone } from './manifest.ts';
import { FleetError, type FleetPorts } from './ports.ts';

/**
 * Divides the snapshot into as many partitions as the fleet wants by now. The new objects have names of their own, and
 * count from the moment at which the manifest names them; whoever wrote an old one in between finds the manifest changed,
 * and applies its batch again to the new ones.
 */
export async function divideFleet(ports: FleetPorts): Promise<void> {
  await untilAlone(ports, 'the manifest', async () => {
    const { value: manifest, tag } = await currentManifest(ports);
    const count = partitionsFor(manifest.totals.hosts, ports.maxPartitions);
    if (count <= manifest.partitions.length) return;
    const parts = await Promise.all(manifest.partitions.map((entry, index) => partOf(ports, manifest, entry, index)));
    await putLayout(ports, manifest, tag, parts, count);
  });
}

async function partOf(
  { store }: FleetPorts,
  { layout }: FleetManifest,
  { generation }: PartitionEntry,
  index: number,
): Promise<FleetPartition> {
  const read = await orDamaged(() => store.partition(layout, index));
  if (read !== undefined) return read.value.partition;
  if (generation === 0) return new FleetPartition();
  throw new FleetError('damaged', `partition ${index} of the fleet (${layout}) is lost`);
}

/**
 * Writes parts as a layout of its own and moves the manifest to it.
 *
 * @throws StoreError `conflict` when the manifest is another by now; nothing is left behind then
 */
export async function putLayout(
  { store, newId }: FleetPorts,
  before: FleetManifest,
  tag: string | undefined | typeof damaged,
  parts: readonly FleetPartition[],
  count: number,
): Promise<FleetManifest> {
  const layout = newId();
  const generation = 1 + Math.max(0, ...before.partitions.map((entry) => entry.generation));
  const partitions: PartitionEntry[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const partition = FleetPartition.ofParts(parts, index, count);
      const etag = await store.putPartition({ layout, index, of: count, generation, partition }, undefined);
      partitions.push(entryOf(partition, generation, etag));
    }
    const manifest = { ...before, layout, totals: totalsOf(partitions), partitions };
    await store.putManifest(manifest, tag);
    await store.dropLayout(before.layout, before.partitions.length);
    return manifest;
  } catch (error) {
    // Not after the manifest names it: then only the old layout is left to be dropped, and a reader of it may be about.
    const current = await store.manifest().catch(() => undefined);
    if (current !== undefined && current.value.layout !== layout) await store.dropLayout(layout, count);
    throw error;
  }
}
