import type { IndexPointer } from '../../contract/index-pointer.ts';
import type { IndexRefusal, SyncRun } from '../../contract/operators/index-sync.ts';
import type { Catalog, PayloadFile } from '../../core/catalog/model.ts';

/** Bytes that lie under a staging key: whole, hashed, not yet visible to anybody. */
export interface StagedIndex {
  readonly runId: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** The index files of the repository and the pointer to the current one. */
export interface IndexStore {
  /** The current pointer with the tag that {@link moveCurrent} must present; `undefined` before the first publication. */
  current(): Promise<{ readonly pointer: IndexPointer; readonly tag: string } | undefined>;
  /** Streams into the staging key of this run while hashing; nothing stays when the stream fails. */
  stage(runId: string, body: AsyncIterable<Uint8Array>): Promise<StagedIndex>;
  /** Is an index with these bytes already in the repository? */
  has(sha256: string): Promise<boolean>;
  /** Copies staged bytes to their digest's key and drops the staging object. */
  promote(staged: StagedIndex): Promise<void>;
  /** Drops the staging object; the digest's key is not touched. */
  drop(staged: StagedIndex): Promise<void>;
  /** @throws StoreError `not-found` */
  open(sha256: string): Promise<AsyncIterable<Uint8Array>>;
  /** Conditional write of the pointer. `tag` undefined: there must be none yet. @throws StoreError `conflict` */
  moveCurrent(pointer: IndexPointer, tag: string | undefined): Promise<void>;
}

/** What the current and past publications say. */
export interface CatalogStore {
  /** Facts by SHA-1 (hex); digests that no publication named are not in the map. */
  fileFacts(sha1s: Iterable<string>): Promise<ReadonlyMap<string, PayloadFile>>;
  /** Writes the facts given (the caller passes only new or changed ones). */
  putFileFacts(facts: Iterable<PayloadFile>): Promise<void>;
  /** Stores the whole catalogue of a publication; the same bytes when repeated. */
  putSnapshot(indexSha256: string, catalog: Catalog): Promise<void>;
  getSnapshot(indexSha256: string): Promise<Catalog | undefined>;
}

/** What happened to publications and to runs that somebody asked for. */
export interface SyncJournal {
  refusal(): Promise<IndexRefusal | undefined>;
  putRefusal(refusal: IndexRefusal): Promise<void>;
  clearRefusal(): Promise<void>;
  putRun(run: SyncRun): Promise<void>;
  run(runId: string): Promise<SyncRun | undefined>;
}
