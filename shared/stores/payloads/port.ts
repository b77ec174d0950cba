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
