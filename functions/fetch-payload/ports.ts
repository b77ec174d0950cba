import type { PayloadTransfer } from '#shared/contract/payload-transfer.ts';
import type { CatalogStore } from '#shared/stores/catalog/port.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { PayloadStore, TransferStore } from '#shared/stores/payloads/port.ts';
import type { Claim, RequestStore } from '#shared/stores/requests/port.ts';
import type { Upstream } from '#shared/upstream/client.ts';

export interface FetchPorts {
  readonly requests: Pick<RequestStore, 'claim' | 'note' | 'pause' | 'fail' | 'complete'>;
  readonly payloads: Pick<PayloadStore, 'held' | 'restore' | 'begin' | 'record'>;
  readonly transfers: TransferStore;
  readonly catalog: Pick<CatalogStore, 'fileFacts'>;
  readonly upstream: Pick<Upstream, 'beginPayload' | 'getRange' | 'getPayload'>;
  readonly events: EventSink;
  readonly now: () => Date;
  /** Waits; rejects when the signal fires. Milliseconds. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** After so many deliveries of its message a request is given up. */
  readonly maxReceiveCount: number;
  readonly limits: FetchLimits;
}

/** How a worker takes a file. Memory: `partsInFlight` times `partBytes`, and what a stream holds. */
export interface FetchLimits {
  /** Of each part but the last, and the largest file that is fetched in one go. Bytes. */
  readonly partBytes: number;
  /** Parts on their way at the same time. */
  readonly partsInFlight: number;
  /** Before the deadline no part is begun any more. Milliseconds. */
  readonly lastPartMilliseconds: number;
  /** What a staged file is read back with at least, to know whether it can be proved in the time that is left. Bytes per second. */
  readonly proofBytesPerSecond: number;
  /**
   * A worker that copies parts says so often that it is alive, and is taken for dead after so long without a part. Longer than
   * a part of a slow origin takes. Milliseconds.
   */
  readonly leaseMilliseconds: number;
  /** Claims of a file in a row that add nothing to the store, before it is given up. */
  readonly maxFruitlessClaims: number;
  /** Of this worker. Bytes. @default - as fast as it goes */
  readonly bytesPerSecond?: number | undefined;
}

const mebibyte = 1024 * 1024;

/** 32 MiB: 16 GB are 477 parts of the 10,000 that S3 takes, and three of them fit four times into 512 MiB. */
export const defaultLimits: FetchLimits = {
  partBytes: 32 * mebibyte,
  partsInFlight: 3,
  lastPartMilliseconds: 60_000,
  proofBytesPerSecond: 40 * mebibyte,
  leaseMilliseconds: 120_000,
  maxFruitlessClaims: 6,
};

export interface FetchDelivery {
  readonly messageId: string;
  readonly receiveCount: number;
  /** When Lambda ends this process: the lease lasts as long. */
  readonly deadlineAt: Date;
  /** Fires a little before, to stop and clean up. */
  readonly signal: AbortSignal;
}

/** One delivery that works on one file. */
export interface FetchSession {
  readonly ports: FetchPorts;
  readonly claim: Claim;
  readonly delivery: FetchDelivery;
  /** What an earlier delivery left. */
  readonly transfer: PayloadTransfer | undefined;
  /** Bytes of the file that are in the store, once this delivery added some. */
  readonly gain: { bytes?: number };
}

/** The claim with a lease from now on: short while parts come, or until the delivery ends. */
export function renewed({ claim, delivery, ports }: FetchSession, lease: 'short' | 'whole'): Claim {
  const end = delivery.deadlineAt.getTime();
  const short = ports.now().getTime() + ports.limits.leaseMilliseconds;
  return { ...claim, leaseUntil: new Date(lease === 'short' ? Math.min(end, short) : end).toISOString() };
}
