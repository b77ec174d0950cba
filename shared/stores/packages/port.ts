/** A file of a package by what its manifest says. */
export interface PackageFileId {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Where somebody may put one file, and nothing else. */
export interface UploadAddress {
  /** For PUT. */
  readonly url: string;
  /** To be sent as they are: the signature covers them. */
  readonly headers: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** Files of administrators' own packages: objects by SHA-256, which the store itself proves as they arrive. */
export interface PackageFileStore {
  /** Whether the object is there whole, with this length and digest. */
  has(file: PackageFileId): Promise<boolean>;
  /** An address that takes these bytes and no others, and never writes over what is there. */
  uploadAddress(file: PackageFileId): Promise<UploadAddress>;
}

/** The way of files out of it. */
export interface PackageFileCleaning {
  /** All that is there. Keys that are no digest are left out. */
  list(): AsyncIterable<PackageFileId>;
  remove(sha256: string): Promise<void>;
  /** Since when no signed manifest names a file, ISO 8601 by SHA-256. */
  unnamed(): Promise<ReadonlyMap<string, string>>;
  noteUnnamed(since: ReadonlyMap<string, string>): Promise<void>;
}
