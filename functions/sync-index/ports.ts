import type { TrustPolicy } from '#shared/authenticode/index.ts';
import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { SyncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import type { IndexRefusal } from '#shared/contract/operators/index-sync.ts';
import type { Invocation } from '#shared/lambda/invocation.ts';
import type { CatalogStore, IndexStore, SyncJournal } from '#shared/stores/catalog/port.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { PublishQueue } from '#shared/stores/repository/port.ts';
import type { Upstream } from '#shared/upstream/client.ts';
import type { RunProgress } from './progress.ts';

export interface SyncPorts {
  readonly upstream: Pick<Upstream, 'getIndex' | 'getRange'>;
  readonly index: IndexStore;
  readonly catalog: CatalogStore;
  readonly journal: SyncJournal;
  readonly events: EventSink;
  readonly publisher: PublishQueue;
  /** Starts another invocation of this function and does not wait for it. */
  readonly goOn: (event: SyncIndexEvent) => Promise<void>;
  /** Address of the index at Microsoft. */
  readonly indexUrl: string;
  /** Whose signature an index must have. */
  readonly trust: TrustPolicy;
  /** By how much a publication may be smaller than the current one. */
  readonly maxShrinkPercent: number;
  /**
   * Take in also the index of an .msu, which knows one package: Microsoft has signed thousands of those, and published,
   * one would tell each host that it needs nothing else.
   * @default false
   */
  readonly allowSinglePackage?: boolean;
  /**
   * How many publications stay stored, the current one among them; 1 or more.
   * @default 3
   */
  readonly keepPublications?: number;
  /** @default decoderVersion */
  readonly decoderVersion?: number;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** A name that no other copy has. */
  readonly newCopyId: () => string;
  /** @default defaultLimits */
  readonly limits?: SyncLimits;
}

/** Where a run stops by itself. Arguments so that tests need neither hours nor gigabytes. */
export interface SyncLimits {
  /** Of each part but the last. S3 takes 5 MiB and more, and 10,000 parts at most. Bytes. */
  readonly partBytes: number;
  /** Parts that are fetched and stored at the same time; each is in memory as a whole. */
  readonly partsInFlight: number;
  /** Before the end of the invocation no further part is begun, so that those in flight arrive. Milliseconds. */
  readonly lastPartMilliseconds: number;
  /** An invocation that copied reads the index too if so much time is left; else another one does. Milliseconds. */
  readonly readingMilliseconds: number;
  /**
   * Invocations that may follow from one, each started by the one before. Lambda itself ends a chain of invocations of one event after
   * 16 (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html). Beyond it the schedule goes on.
   */
  readonly maxContinuations: number;
  /** Times that a copy is begun again in one invocation because the origin changed the file under it. */
  readonly maxRestarts: number;
  /** Runs that may begin to read an index and die over it. */
  readonly maxReadings: number;
  /** A copy that is older is begun again; the bucket drops unfinished uploads after a day. Milliseconds. */
  readonly maxCopyAgeMilliseconds: number;
  /** Between two notes of a run's progress. Milliseconds. */
  readonly progressMilliseconds: number;
}

export const defaultLimits: SyncLimits = {
  // 1.3 GB are 78 parts.
  partBytes: 16 * 1024 * 1024,
  partsInFlight: 4,
  lastPartMilliseconds: 60_000,
  readingMilliseconds: 14 * 60_000,
  maxContinuations: 10,
  maxRestarts: 3,
  maxReadings: 3,
  maxCopyAgeMilliseconds: 24 * 3600_000,
  progressMilliseconds: 2_000,
};

/** What stood when the run began. */
interface Standing {
  readonly current: { readonly pointer: IndexPointer; readonly tag: string } | undefined;
  readonly refusal: IndexRefusal | undefined;
}

/** One run: what it may use, and who waits for its end. */
export interface SyncSession {
  readonly ports: SyncPorts;
  readonly limits: SyncLimits;
  readonly event: SyncIndexEvent;
  readonly invocation: Pick<Invocation, 'deadlineAt' | 'signal'>;
  readonly standing: Standing;
  /** A person asked: a refused index is looked at again, for the decoder may have been mended since. */
  readonly again: boolean;
  readonly progress: RunProgress;
}
