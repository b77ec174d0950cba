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
