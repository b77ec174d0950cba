import type { FleetManifest, StoredPartition } from '../../contract/fleet-snapshot.ts';
import type { Fleet } from '../../core/fleet/fleet.ts';

/** The snapshot of the fleet, for lists and counts. */
export interface FleetReader {
  /**
   * The newest snapshot. Before the first it is `noFleet`.
   *
   * @throws StoreError `corrupt` when it does not parse, `not-found` when a part of it is lost
   */
  current(): Promise<Fleet>;
}

/** What was read, with the tag that a conditional write needs. */
export interface Tagged<T> {
  readonly value: T;
  readonly tag: string;
}

/** The objects of the snapshot. Writes are conditional: whoever read an older object than the current one gets `conflict`. */
export interface FleetStore {
  /** @throws StoreError `corrupt` */
  manifest(): Promise<Tagged<FleetManifest> | undefined>;
  /**
   * @param tag of the manifest that was read; `undefined` when there was none, `damaged` to replace whatever is there
   * @throws StoreError `conflict`
   */
  putManifest(manifest: FleetManifest, tag: string | undefined | typeof damaged): Promise<void>;
  /** @throws StoreError `corrupt` */
  partition(layout: string, index: number): Promise<Tagged<StoredPartition> | undefined>;
  /**
   * @param tag of the partition that was read; `undefined` when there was none
   * @returns its tag
   * @throws StoreError `conflict`
   */
  putPartition(stored: StoredPartition, tag: string | undefined): Promise<string>;
  /** Drops the objects of a layout that is not in use any more. */
  dropLayout(layout: string, partitions: number): Promise<void>;
}

/** In the place of a tag that could not be read. */
export const damaged = Symbol('damaged');

/** A row of the table of hosts as it is, not parsed. */
export type RawRow = Readonly<Record<string, unknown>>;

/** The table of hosts behind the snapshot. */
export interface FleetRows {
  /** All rows, page by page, each with the attributes as plain values. Reads the whole table. */
  pages(): AsyncIterable<readonly RawRow[]>;
  /** Writes the row of a beat, which then comes through the stream. */
  beat(number: number, at: string): Promise<void>;
}
