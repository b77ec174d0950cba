import type { CleaningRun, FileAmount } from '../../contract/operators/cleaning.ts';
import type { Page, PageQuery } from '../page.ts';

/** A payload file in the repository. */
export interface HeldPayload {
  readonly sha1: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly name?: string;
  /** ISO 8601. */
  readonly heldAt: string;
}

/** One upload that becomes visible only by {@link complete}, after the caller has proved the bytes. */
export interface PayloadUpload {
  /** Appends a copy; resolves when the writer may send more, so that memory stays bounded whatever the size of the file. */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes the bytes an object under the digest's key. */
  complete(sha256: string): Promise<void>;
  /** Forgets everything written. Safe to call twice and after a failure. */
  abort(): Promise<void>;
}

/** Files held in the repository: objects by SHA-256, the record of each by SHA-1. */
export interface PayloadStore {
  /** Retired files are not held. */
  held(sha1s: Iterable<string>): Promise<ReadonlyMap<string, HeldPayload>>;
  /** Since when a file is retired, ISO 8601; `undefined` when it is held, its bytes are being removed, or nothing is known of it. */
  retiredAt(sha1: string): Promise<string | undefined>;
  /** Begins an upload. With a known SHA-256 the parts go straight to the final key, else to a staging key first. */
  begin(file: { readonly sha1: string; readonly sha256?: string | undefined }): Promise<PayloadUpload>;
  /** Records a completed upload; writing the same record again changes nothing. Last step: content first, pointer last. */
  record(payload: HeldPayload): Promise<void>;
  /**
   * Makes a retired file held again, because somebody asks for it: its proved bytes are still there. To be called before a
   * file is uploaded: from then on no removal that began before can take the new bytes away.
   *
   * @param at ISO 8601, now
   * @returns `undefined` when it is not retired, or its bytes may be gone: then it must be uploaded
   * @throws StoreError `conflict` while its bytes are being removed; to be tried again later
   */
  restore(sha1: string, at: string): Promise<HeldPayload | undefined>;
  /** Records, the newest first. */
  list(query: PageQuery): Promise<Page<HeldPayload>>;
  /** How many files and bytes are held, for status. */
  totals(): Promise<FileAmount>;
  /** What was fetched in a month of UTC, `2026-11`, whatever became of it since. */
  fetchedIn(month: string): Promise<FileAmount>;
}

/** Parts of one upload that any process can go on with. */
export interface PartedUpload {
  /** Bytes of each part by its number; `undefined` when there is no such upload (any more). */
  parts(): Promise<ReadonlyMap<number, number> | undefined>;
  put(part: number, bytes: Uint8Array): Promise<void>;
  /** Makes the staged file of the parts 1 to `parts`. @throws StoreError `conflict` when others are there */
  complete(whole: { readonly parts: number; readonly length: number }): Promise<void>;
  /** Forgets it; one that is gone is forgotten already. */
  abort(): Promise<void>;
}

/** Where large files are put together, out of sight, before they are proved. There is one staged file for a SHA-1. */
export interface TransferStore {
  /** @returns id of a new upload */
  beginUpload(sha1: string): Promise<string>;
  upload(sha1: string, uploadId: string): PartedUpload;
  /** Length of the staged file; `undefined` when there is none. Bytes. */
  stagedBytes(sha1: string): Promise<number | undefined>;
  /** The staged file, to be proved. @throws StoreError `not-found` */
  openStaged(sha1: string): Promise<AsyncIterable<Uint8Array>>;
  /**
   * Makes the staged file, whose bytes are proved, the object under its digest's key. It stays staged, so that a crash before
   * its record is written costs no second download.
   *
   * @throws StoreError `not-found`
   */
  publishStaged(sha1: string, file: { readonly sha256: string; readonly bytes: number }): Promise<void>;
  dropStaged(sha1: string): Promise<void>;
}

/** A record as the cleaning sees it. Times are ISO 8601. */
export type CleanablePayload =
  | (HeldPayload & { readonly state: 'held'; readonly unneededSince?: string })
  | (HeldPayload & {
      readonly state: 'retired';
      readonly retiredAt: string;
      /** Somebody began to remove its bytes then. */
      readonly removingSince?: string;
    });

/**
 * The way of files out of the repository: held, retired, gone. Each step is taken only from where the record was read, so
 * that of two who act at once one finds that there is nothing to do; and the totals move with it.
 */
export interface PayloadCleaning {
  /** Records in one state, page by page. */
  list(state: CleanablePayload['state'], query: PageQuery): Promise<Page<CleanablePayload>>;
  /** Notes since when nobody needs them, unless that is noted already. */
  markUnneeded(sha1s: readonly string[], since: string): Promise<void>;
  clearUnneeded(sha1s: readonly string[]): Promise<void>;
  /** From now on they are not held. @returns those that were as they were read */
  retire(files: readonly CleanablePayload[], at: string): Promise<readonly CleanablePayload[]>;
  /** Held again. @returns those that were as they were read */
  restore(files: readonly CleanablePayload[]): Promise<readonly CleanablePayload[]>;
  /**
   * Deletes the bytes of retired files; the records stay until {@link forget}, and say that a removal began.
   *
   * @returns those whose bytes are gone, as they are recorded now; not those that somebody asked for meanwhile
   */
  remove(files: readonly CleanablePayload[], at: string): Promise<readonly CleanablePayload[]>;
  /** Drops the records of removed files. @returns those that were as they were read */
  forget(files: readonly CleanablePayload[]): Promise<readonly CleanablePayload[]>;
  /** Retired files, whose bytes are still stored, and all that was ever removed; held files are counted by the store. */
  totals(): Promise<{ readonly retired: FileAmount; readonly removed: FileAmount }>;
  /** Hosts that the last cleaning counted; `undefined` before the first. */
  hosts(): Promise<number | undefined>;
  noteHosts(hosts: number, at: string): Promise<void>;
}

/** Cleanings that somebody asked for. */
export interface CleaningJournal {
  /** Notes a start or an end. The first end stays: what is noted after it is dropped. */
  putRun(run: CleaningRun): Promise<void>;
  run(runId: string): Promise<CleaningRun | undefined>;
}
