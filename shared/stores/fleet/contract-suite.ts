import { describe, expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import type { FleetManifest, StoredPartition } from '../../contract/fleet-snapshot.ts';
import { noHostCounts } from '../../core/fleet/fleet.ts';
import { FleetPartition } from '../../core/fleet/partition.ts';
import { damaged, type FleetRows, type FleetStore, type RawRow } from './port.ts';

const manifest = (more: Partial<FleetManifest> = {}): FleetManifest => ({
  version: 1,
  asOf: at(0),
  beats: {},
  layout: 'one',
  totals: { hosts: 0, byState: noHostCounts() },
  partitions: [{ generation: 0, hosts: 0, byState: noHostCounts() }],
  ...more,
});

const stored = (generation: number): StoredPartition => ({
  layout: 'one',
  index: 0,
  of: 1,
  generation,
  partition: new FleetPartition().apply(
    [{ kind: 'unreadable', machineId: `pc-${generation}`, item: 'host' }],
    Date.parse(at(0)),
  ).partition,
});

const conflict = expect.objectContaining({ name: 'StoreError', code: 'conflict' });

/** What every FleetStore does. `make` gives an empty one. */
export function fleetStoreContract(name: string, make: () => Promise<FleetStore>): void {
  describe(`${name} keeps the snapshot of the fleet`, () => {
    it('replaces the manifest only where the one that was read still is', async () => {
      const store = await make();
      expect(await store.manifest()).toBeUndefined();
      await store.putManifest(manifest(), undefined);
      const first = await store.manifest();
      expect(first?.value).toEqual(manifest());
      await expect(store.putManifest(manifest(), undefined)).rejects.toThrow(conflict);
      const next = manifest({ asOf: at(1), beats: { 0: at(1) } });
      await store.putManifest(next, first?.tag);
      await expect(store.putManifest(manifest({ asOf: at(2) }), first?.tag)).rejects.toThrow(conflict);
      expect((await store.manifest())?.value).toEqual(next);
      await store.putManifest(manifest({ layout: 'two' }), damaged);
      expect((await store.manifest())?.value.layout).toBe('two');
    });

    it('replaces a partition only where the one that was read still is', async () => {
      const store = await make();
      expect(await store.partition('one', 0)).toBeUndefined();
      const tag = await store.putPartition(stored(1), undefined);
      expect(await store.partition('one', 0)).toEqual({ value: stored(1), tag });
      await expect(store.putPartition(stored(2), undefined)).rejects.toThrow(conflict);
      await store.putPartition(stored(2), tag);
      await expect(store.putPartition(stored(3), tag)).rejects.toThrow(conflict);
      expect((await store.partition('one', 0))?.value).toEqual(stored(2));
      await expect(store.putPartition({ ...stored(1), index: 5 }, tag)).rejects.toThrow(conflict);
    });

    it('drops the partitions of a layout and no others', async () => {
      const store = await make();
      await store.putPartition(stored(1), undefined);
      await store.putPartition({ ...stored(1), layout: 'two' }, undefined);
      await store.dropLayout('one', 1);
      await store.dropLayout('one', 1);
      expect(await store.partition('one', 0)).toBeUndefined();
      expect(await store.partition('two', 0)).toBeDefined();
    });
  });
}

/** What FleetRows are, over a table in which `put` writes. */
export function fleetRowsContract(
  name: string,
  make: () => Promise<{ readonly rows: FleetRows; put(row: RawRow): Promise<void> }>,
): void {
  describe(`${name} reads the table of hosts`, () => {
    it('gives all rows once, and writes each beat over the one before', async () => {
      const { rows, put } = await make();
      const machines = Array.from({ length: 25 }, (_, n) => `pc-${n}`);
      for (const machineId of machines) await put({ machineId, item: 'report', body: Uint8Array.of(0, 255), n: 1.5 });
      await rows.beat(1, at(1));
      await rows.beat(1, at(2));
      const all: RawRow[] = [];
      for await (const page of rows.pages()) all.push(...page);
      const ids = all.map(({ machineId }) => machineId);
      expect(ids.toSorted()).toEqual(['.beat-1', ...machines].toSorted());
      expect(all.find(({ machineId }) => machineId === '.beat-1')).toEqual({
        machineId: '.beat-1',
        item: 'beat',
        at: at(2),
      });
      const row = all.find(({ machineId }) => machineId === 'pc-7');
      expect(row).toEqual({ machineId: 'pc-7', item: 'report', body: expect.any(Uint8Array), n: 1.5 });
      expect(Buffer.from(row?.body instanceof Uint8Array ? row.body : [])).toEqual(Buffer.from([0, 255]));
    });
  });
}
