import { describe, expect, it } from 'vitest';
import { MemoryFleetStore } from '#test/kit/memory-fleet.ts';
import { at } from '#test/kit/values.ts';
import { noFleet, noHostCounts } from '../../core/fleet/fleet.ts';
import { FleetPartition } from '../../core/fleet/partition.ts';
import { fleetReader } from './reader.ts';

const named = (name: string): FleetPartition =>
  new FleetPartition().apply([{ kind: 'unreadable', machineId: name, item: 'host' }], 0).partition;

/** Two partitions, of which the second was never written. */
async function written(store: MemoryFleetStore, generation: number, layout = 'one'): Promise<void> {
  const partition = named(`generation ${generation}`);
  const before = await store.partition(layout, 0);
  const etag = await store.putPartition({ layout, index: 0, of: 2, generation, partition }, before?.tag);
  const counts = { hosts: 0, byState: noHostCounts() };
  const manifest = {
    version: 1 as const,
    asOf: at(generation),
    beats: {},
    layout,
    totals: counts,
    partitions: [
      { generation, etag, ...counts },
      { generation: 0, ...counts },
    ],
  };
  await store.putManifest(manifest, (await store.manifest())?.tag);
}

function watched() {
  const store = new MemoryFleetStore();
  const reads: string[] = [];
  const reader = fleetReader({
    manifest: () => {
      reads.push('manifest');
      return store.manifest();
    },
    partition: (layout, index) => {
      reads.push(`${layout}/${index}`);
      return store.partition(layout, index);
    },
  });
  return {
    store,
    reader,
    /** What was read since the last question. */
    reads: () => reads.splice(0),
  };
}

describe('the reader of the fleet', () => {
  it('has nothing before the first snapshot, and then all of it', async () => {
    const { store, reader } = watched();
    expect(await reader.current()).toEqual(noFleet);
    await written(store, 1);
    const fleet = await reader.current();
    expect(fleet.asOf).toBe(Date.parse(at(1)));
    expect(fleet.partitions.map(({ columns }) => columns.unreadable)).toEqual([['generation 1/host'], []]);
  });

  it('reads what has changed, once for all who ask', async () => {
    const { store, reader, reads } = watched();
    await written(store, 1);
    await Promise.all([reader.current(), reader.current()]);
    expect(reads()).toEqual(['manifest', 'one/0']);
    await written(store, 2);
    expect((await reader.current()).asOf).toBe(Date.parse(at(2)));
    expect(reads()).toEqual(['manifest', 'one/0']);
    await reader.current();
    expect(reads()).toEqual(['manifest']);
  });

  it('follows to another layout, also when that comes while it reads', async () => {
    const { store, reader } = watched();
    await written(store, 1);
    await reader.current();
    await written(store, 7, 'two');
    await store.dropLayout('one');
    expect((await reader.current()).partitions[0]?.columns.unreadable).toEqual(['generation 7/host']);

    const manifests = [await store.manifest(), await store.manifest()];
    const first = manifests[0];
    if (first === undefined) throw new Error('there is no manifest');
    const old = { ...first, value: { ...first.value, layout: 'gone' } };
    const fresh = fleetReader({
      manifest: async () => (manifests.length > 1 ? manifests.pop() && old : store.manifest()),
      partition: (layout, index) => store.partition(layout, index),
    });
    expect((await fresh.current()).partitions[0]?.columns.unreadable).toEqual(['generation 7/host']);
  });

  it('says when a part is lost, and reads again as soon as it is back', async () => {
    const { store, reader } = watched();
    await written(store, 1);
    const kept = new Map(store.partitions);
    store.partitions.clear();
    await expect(reader.current()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('lost'),
    });
    for (const [key, value] of kept) store.partitions.set(key, value);
    expect((await reader.current()).asOf).toBe(Date.parse(at(1)));
  });
});
