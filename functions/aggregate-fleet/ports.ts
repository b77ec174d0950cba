import type { EventSink } from '#shared/stores/events/port.ts';
import type { FleetRows, FleetStore } from '#shared/stores/fleet/port.ts';

export interface FleetPorts {
  readonly store: FleetStore;
  readonly rows: FleetRows;
  readonly events: EventSink;
  /** Most partitions that the snapshot may be divided into: 1, or a power of two. */
  readonly maxPartitions: number;
  readonly now: () => Date;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A new UUID, lower-case: names a layout. */
  readonly newId: () => string;
}

export type FleetErrorCode =
  /** A part of the snapshot does not parse, or is not there: it has to be made anew. */
  | 'damaged'
  /** Others wrote the same objects in each try. */
  | 'crowded';

/** The snapshot could not be brought up to date. The batch comes again. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: FleetErrorCode;

  constructor(code: FleetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
