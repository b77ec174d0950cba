import type { FleetManifest } from '../../contract/fleet-snapshot.ts';
import { type Fleet, noFleet } from '../../core/fleet/fleet.ts';
import { FleetPartition } from '../../core/fleet/partition.ts';
import { StoreError } from '../store-error.ts';
import type { FleetReader, FleetStore } from './port.ts';

/** Partitions may be divided anew while they are read: then the manifest names others. */
const tries = 3;

interface Kept {
  readonly layout: string;
  readonly generation: number;
  readonly partition: FleetPartition;
}

/**
 * Keeps the snapshot in memory: each list asks for the manifest, which is small, and reads only partitions of a generation
 * that it does not have. Callers at the same time share one look.
 */
export function fleetReader(store: Pick<FleetStore, 'manifest' | 'partition'>): FleetReader {
  /** By index. */
  let kept: readonly Kept[] = [];
  let looking: Promise<Fleet> | undefined;

  const load = ({ layout, partitions }: FleetManifest): Promise<readonly Kept[]> =>
    Promise.all(
      partitions.map(async ({ generation }, index): Promise<Kept> => {
        const known = kept[index];
        if (known?.layout === layout && known.generation >= generation) return known;
        if (generation === 0) return { layout, generation, partition: new FleetPartition() };
        const read = await store.partition(layout, index);
        if (read === undefined)
          throw new StoreError('not-found', `partition ${index} of the fleet (${layout}) is lost`);
        return { layout, generation: read.value.generation, partition: read.value.partition };
      }),
    );

  const look = async (tried = 1): Promise<Fleet> => {
    const read = await store.manifest();
    try {
      kept = read === undefined ? [] : await load(read.value);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found' && tried < tries) return look(tried + 1);
      throw error;
    }
    if (read === undefined) return noFleet;
    return { asOf: Date.parse(read.value.asOf), partitions: kept.map(({ partition }) => partition) };
  };

  return {
    current() {
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}
