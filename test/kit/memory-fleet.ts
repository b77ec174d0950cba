import { decodePartition, encodePartition, type FleetManifest, fleetBeats } from '#shared/contract/fleet-snapshot.ts';
import { hostItems } from '#shared/contract/host-records.ts';
import { damaged, type FleetRows, type FleetStore, type RawRow } from '#shared/stores/fleet/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

const copy = <T>(value: T): T => structuredClone(value);

/** The objects of the snapshot in memory. Partitions are kept as bytes, so that what is read is never what was written. */
export class MemoryFleetStore implements FleetStore {
  readonly partitions = new Map<string, { readonly bytes: Uint8Array; readonly tag: string }>();
  current: { readonly manifest: FleetManifest; readonly tag: string } | undefined;
  #tags = 0;

  async manifest() {
    return this.current && { value: copy(this.current.manifest), tag: this.current.tag };
  }

  async putManifest(manifest: FleetManifest, tag: string | undefined | typeof damaged) {
    if (tag !== damaged && this.current?.tag !== tag) throw new StoreError('conflict', 'the manifest is another');
    this.current = { manifest: copy(manifest), tag: this.#tag() };
  }

  async partition(layout: string, index: number) {
    const object = this.partitions.get(`${layout}/${index}`);
    return object && { value: decodePartition(object.bytes), tag: object.tag };
  }

  async putPartition(stored: Parameters<FleetStore['putPartition']>[0], tag: string | undefined) {
    const key = `${stored.layout}/${stored.index}`;
    if (this.partitions.get(key)?.tag !== tag) throw new StoreError('conflict', `${key} is another`);
    const written = { bytes: encodePartition(stored), tag: this.#tag() };
    this.partitions.set(key, written);
    return written.tag;
  }

  async dropLayout(layout: string) {
    for (const key of [...this.partitions.keys()]) if (key.startsWith(`${layout}/`)) this.partitions.delete(key);
  }

  #tag(): string {
    this.#tags += 1;
    return `"${this.#tags}"`;
  }
}

/** Rows of the table of hosts in memory, in pages of ten. */
export class MemoryFleetRows implements FleetRows {
  readonly rows: RawRow[] = [];
  readonly beats = new Map<number, string>();

  async *pages() {
    const rows = [
      ...this.rows,
      ...[...this.beats].map(([number, at]) => ({
        machineId: `${fleetBeats.keyPrefix}${number}`,
        item: hostItems.beat,
        at,
      })),
    ];
    for (let start = 0; start < rows.length; start += 10) yield copy(rows.slice(start, start + 10));
  }

  async beat(number: number, at: string) {
    this.beats.set(number, at);
  }
}

/** The same store with some of its calls in other hands. */
export const storeWith = (store: FleetStore, calls: Partial<FleetStore>): FleetStore => ({
  manifest: () => store.manifest(),
  putManifest: (manifest, tag) => store.putManifest(manifest, tag),
  partition: (layout, index) => store.partition(layout, index),
  putPartition: (stored, tag) => store.putPartition(stored, tag),
  dropLayout: (layout, partitions) => store.dropLayout(layout, partitions),
  ...calls,
});
