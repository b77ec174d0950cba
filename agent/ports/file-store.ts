/** Place of a big file in the data folder. */
export type Slot =
  | { readonly kind: 'index'; readonly sha256: string }
  | { readonly kind: 'payload'; readonly sha1: string }
  /** A file of an administrator's own package. */
  | { readonly kind: 'package'; readonly sha256: string };

/** What a file must be. Bytes; digests in lower-case hex. */
export interface Expected {
  readonly bytes: number;
  readonly sha256: string;
  readonly sha1?: string;
}

/** The answer that bytes came from. */
export interface Origin {
  /** Who gave it; ETags of different sources say nothing of each other. */
  readonly source: string;
  /** Strong. */
  readonly etag: string;
}

/** A file that is being downloaded. One writer at a time. Every call throws AgentError (`disk`, `no-space`, `damaged`). */
export interface PartFile {
  /** Bytes that are there. */
  readonly bytes: number;
  /** Where the last of these bytes came from; undefined when that cannot be told again after a crash. */
  readonly origin: Origin | undefined;
  /** Drops all bytes; those to come are from this answer. */
  restart(origin: Origin | undefined): Promise<void>;
  /** Keeps the bytes; those to come are from this answer of another source, which has the same object. */
  goOn(origin: Origin | undefined): Promise<void>;
  /** After `no-space` the file is closed; what is there can be resumed when there is room. */
  append(chunk: Uint8Array): Promise<void>;
  /**
   * Proves length and digests, flushes to the disk and renames to the final name, in this order.
   *
   * @throws AgentError `damaged`; the bytes stay until {@link restart}
   */
  commit(expected: Expected): Promise<void>;
  /** Lets go of the file; what is there can be resumed later, also after a crash. */
  close(): Promise<void>;
}

/** Big files of the agent: indexes and payloads. A file that has its final name was proved when it got it. */
export interface FileStore {
  /** Opens what an earlier attempt left, hashing it again so that the digests cover every byte; or an empty file. */
  openPart(slot: Slot): Promise<PartFile>;
  has(slot: Slot): Promise<boolean>;
  /** Reads the whole file and proves it again. False when it is missing or is not what is expected. */
  verify(slot: Slot, expected: Expected): Promise<boolean>;
  /** Hands out the bytes of a file that has its final name, in chunks that are overwritten afterwards. */
  read(slot: Slot, onChunk: (chunk: Uint8Array) => void): Promise<void>;
  /** Absolute path of the final name, whether or not it is there. */
  pathOf(slot: Slot): string;
  /** Removes the file and what is left of a download of it. */
  remove(slot: Slot): Promise<void>;
  /** Slots of one kind that have a file or the beginning of one, with the bytes that are there. */
  list(
    kind: Slot['kind'],
  ): Promise<readonly { readonly slot: Slot; readonly whole: boolean; readonly bytes: number }[]>;
  /** Bytes that are free on the disk. */
  freeBytes(): Promise<number>;
}
