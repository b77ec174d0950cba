import type { FetchPayloadMessage } from '../../contract/messages/fetch-payload.ts';
import type { PayloadTransfer } from '../../contract/payload-transfer.ts';
import type { FileRequest, FileRequestState } from '../../contract/requests.ts';
import type { Page } from '../page.ts';

/** Proof that a delivery may work on a file: the message it came with, and how often that message was received. */
export interface Claim {
  readonly messageId: string;
  /** 1 at the first delivery; grows with each redelivery of the same message. */
  readonly receiveCount: number;
  /** ISO 8601; after it anybody may take over. */
  readonly leaseUntil: string;
}

export interface NewRequest {
  readonly sha1: string;
  readonly name?: string | undefined;
  readonly size?: number | undefined;
  readonly requestedBy: string;
  readonly requestedAt: string;
  /** Also one that was given up a moment ago. @default false */
  readonly again?: boolean;
}

/** A request that this delivery works on. */
export type ClaimedRequest = FileRequest & {
  /** What an earlier delivery left of a large file. */
  readonly transfer?: PayloadTransfer;
  /** Claims in a row, this one among them, after which nothing was added to the store. */
  readonly fruitlessClaims: number;
};

/** Files that hosts asked for, one per SHA-1 however many hosts ask. */
export interface RequestStore {
  /**
   * Opens a request unless one is under way; a `done` or `failed` one is opened again (the file was removed, or the
   * reason to give up may have passed; a failed one only `retryFailedAfter` later).
   */
  open(request: NewRequest): Promise<'opened' | 'already' | 'failed-recently'>;
  get(sha1s: Iterable<string>): Promise<ReadonlyMap<string, FileRequest>>;
  list(query: {
    readonly state?: FileRequestState | undefined;
    readonly cursor?: string | undefined;
    readonly limit: number;
  }): Promise<Page<FileRequest>>;
  countByState(): Promise<Readonly<Record<FileRequestState, number>>>;
  /**
   * open → queued, or queued/fetching → queued again when its delivery got lost: queued before `lostBefore`, or under a
   * lease that lapsed before `at`. False when that is not so (any more). Times are ISO 8601.
   */
  markQueued(sha1: string, at: string, lostBefore: string): Promise<boolean>;
  /**
   * open or queued → fetching (a message can be faster than the sweep's own note that it sent it). A live lease is only
   * taken over by a redelivery of the same message (its worker is gone).
   * `false`: someone with an equal or better claim is on it, or there is nothing to do.
   */
  claim(sha1: string, claim: Claim, now: string): Promise<ClaimedRequest | false>;
  /**
   * Renews the lease of the claim and notes how far the fetch is: the transfer as it is now, or, with `undefined`, that there is none any more. With `progress`
   * something was added to the store, and the claim was not fruitless.
   *
   * @returns false when somebody else has the claim by now: whoever asks must stop
   */
  note(
    sha1: string,
    claim: Claim,
    state: { readonly transfer: PayloadTransfer | undefined; readonly progress?: FileRequest['progress'] },
  ): Promise<boolean>;
  /** fetching → open, with what there is of the file, for the next sweep: the time was over, or something is in the way for now. */
  pause(sha1: string, claim: Claim, why?: { readonly error: string }): Promise<void>;
  /** Notes why an attempt failed; with `final` the request becomes `failed`, else it is `queued` again for its redelivery. */
  fail(
    sha1: string,
    claim: Claim,
    failure: { readonly at: string; readonly error: string; readonly final: boolean },
  ): Promise<void>;
  /** → done, whatever the state was: the file is there. */
  complete(sha1: string, done: { readonly at: string; readonly sha256: string }): Promise<void>;
}

/** The queue between sweep and worker. */
export interface FetchQueue {
  /** Sends all; returns the SHA-1s that the queue took (a refused entry is left for the next sweep). */
  send(messages: readonly FetchPayloadMessage[]): Promise<readonly string[]>;
}
