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
  held(sha1s: Iterable<string>): Promise<ReadonlyMap<string, HeldPayload>>;
  /** Begins an upload. With a known SHA-256 the parts go straight to the final key, else to a staging key first. */
  begin(file: { readonly sha1: string; readonly sha256?: string | undefined }): Promise<PayloadUpload>;
  /** Records a completed upload; writing the same record again changes nothing. Last step: content first, pointer last. */
  record(payload: HeldPayload): Promise<void>;
  /** Records, the newest first. */
  list(query: PageQuery): Promise<Page<HeldPayload>>;
  /** How many files and bytes are held, for status. */
  totals(): Promise<{ readonly files: number; readonly bytes: number }>;
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
