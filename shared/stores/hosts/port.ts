import type { HostFacts, HostReport, ScanMoment } from '../../contract/agent/report.ts';
import type { HostRecord, ReportBody } from '../../contract/host-records.ts';
import type { HostView } from '../../contract/operators/hosts.ts';

/** What a request of a host leaves on its row, whatever it asked for. */
export interface Seen {
  /** Of the key that signed the request; nothing is written when the machine has another one by now. */
  readonly thumbprint: string;
  /** Of the request; nothing is written unless it is greater than the stored one. */
  readonly sequence: number;
  /**
   * The stored sequence number that the allowance was reckoned from. Nothing is written when it is another by now: of many
   * requests at once, each would take the same one out of the allowance.
   */
  readonly after: number;
  readonly at: string;
  readonly allowance: HostRecord['allowance'];
  /** Until when it is asked to check in often; what is stored stays when it is absent. */
  readonly livelyUntil?: string;
  /** What the host says that it received. */
  readonly received?: HostRecord['received'];
}

/** What is told of a report that is kept already. */
export interface Unchanged {
  /** The host was scanned again then, with the same result. */
  readonly scannedAt: string;
  /** When it came once more; absent when only its hash did. */
  readonly reportedAt?: string;
}

/** A host that wants to come in with a key of its own. */
export interface NewHost {
  readonly host: HostFacts;
  readonly publicKey: HostRecord['publicKey'];
  readonly thumbprint: string;
  readonly tokenId: string;
  /** SHA-256 (hex) of the token's secret; compared where the token is kept. */
  readonly secretSha256: string;
  readonly sequence: number;
  readonly at: string;
  /**
   * Told once, after the token was found good and before anything is written. When it throws, nothing is.
   *
   * @default - nobody is told
   */
  readonly beforeWrite?: (change: EnrolmentChange) => Promise<void>;
}

/** What an enrolment is about to write; `before` is what the machine was when a new key takes the place of its old one. */
export interface EnrolmentChange {
  readonly before?: HostRecord;
  readonly after: HostRecord;
}

/**
 * How an enrolment ended. `enrolled`: a use of the token was spent. `already`: this key has this machine; nothing was
 * spent. `cloned`: the key is another machine's, on whose row this is noted; `noted` is false when it was noted before, or
 * when that machine has a newer key by now. `taken`: the machine has another key, and the token may not replace it.
 * `bad-token`: unknown, wrong secret, ended, revoked or used up.
 */
export type Enrolled =
  | { readonly outcome: 'enrolled' | 'already'; readonly record: HostRecord }
  | { readonly outcome: 'cloned'; readonly owner: string; readonly noted: boolean }
  | { readonly outcome: 'taken' }
  | { readonly outcome: 'bad-token'; readonly reason: string };

/** The last good report of a host, unpacked. */
export interface StoredReport extends ReportBody {
  readonly hash: string;
  readonly reportVersion: number;
  readonly reportedAt: string;
  readonly scan: ScanMoment;
}

/** Identity, state and last good report of each host. */
export interface HostStore {
  /** Live; `undefined` for a machine that was never enrolled. */
  find(machineId: string): Promise<HostRecord | undefined>;
  /**
   * One transaction with the use of the token; repeating it changes nothing.
   *
   * @throws StoreError `conflict` when so many enrol with the same token that it did not get its turn
   */
  enrol(host: NewHost): Promise<Enrolled>;
  /** False: another request came first, or the key was revoked or replaced meanwhile. */
  seen(machineId: string, seen: Seen, unchanged?: Unchanged): Promise<boolean>;
  report(machineId: string): Promise<StoredReport | undefined>;
  /**
   * Stores a report in place of the one of version `replaces`, with what the request leaves on the row. `lost`:
   * another request or report came first, or the key was revoked or replaced; nothing is changed then.
   *
   * @throws StoreError `refused` when it is too large to be kept
   */
  putReport(
    machineId: string,
    seen: Seen,
    stored: {
      readonly replaces: number;
      readonly report: HostReport;
      readonly hash: string;
      readonly scan: ScanMoment;
      readonly refused: ReportBody['refused'];
    },
  ): Promise<'stored' | 'lost'>;
  /** Keeps what did not parse for support, one per host, cut to a bound; the last good report stays. */
  keepRejected(
    machineId: string,
    rejected: { readonly at: string; readonly reason: string; readonly body: Uint8Array },
  ): Promise<void>;
  /**
   * Notes that another machine used the key of this one.
   *
   * @returns false when that was noted before, or another one less than a minute ago
   */
  noteClone(machineId: string, clone: { readonly machineId: string; readonly at: string }): Promise<boolean>;
  /** The machine that a key was enrolled for, though it may have a newer one by now. */
  ownerOf(thumbprint: string): Promise<string | undefined>;
  /**
   * Counts files that a host is about to have fetched, up to a bound in a day. Counted before they are, so that many
   * requests at once stay below it together.
   *
   * @param day of UTC, `YYYY-MM-DD`; one that is before the day that is counted counts as that
   * @returns how many of the wanted it may have
   * @throws StoreError `conflict` when others of the same host came between in each try
   */
  takeOpenings(
    machineId: string,
    asked: { readonly day: string; readonly wanted: number; readonly limit: number },
  ): Promise<number>;
  /** Takes back from the count what came to nothing; at another day, or more than was counted, changes nothing. */
  returnOpenings(machineId: string, unused: { readonly day: string; readonly count: number }): Promise<void>;
  /** All of one host, for people. */
  view(machineId: string): Promise<HostView | undefined>;
  /**
   * Lets the key in no more; again, and the first time and the first reason stay.
   *
   * @returns false for a machine that is not known
   */
  revoke(machineId: string, at: string, reason?: string): Promise<boolean>;
}
