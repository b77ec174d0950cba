import type { IndexCopy, UnfinishedPublication } from '../../contract/index-copy.ts';
import type { IndexPointer } from '../../contract/index-pointer.ts';
import type { IndexRefusal, SyncRun } from '../../contract/operators/index-sync.ts';
import type { Catalog, PayloadFile } from '../../core/catalog/model.ts';
import type { StoredPublication } from '../../core/catalog/old-publications.ts';
import type { StoredUnit } from '../../core/catalog/unit-facts.ts';

/** An upload of an index part by part, which any process can go on with. */
export interface IndexUpload {
  /** Bytes of each part that is there, by its number from 1; `undefined` when the upload was completed or aborted. */
  parts(): Promise<ReadonlyMap<number, number> | undefined>;
  /** Stores one part; again, and the later one counts. Parts but the last have 5 MiB or more. */
  put(part: number, bytes: Uint8Array): Promise<void>;
  /**
   * Makes the parts 1 to `parts` the staging object.
   * @throws StoreError `conflict` when other parts are there, or they do not have `length` bytes together
   */
  complete(whole: { readonly parts: number; readonly length: number }): Promise<void>;
  /** Forgets what was uploaded. Does nothing to an upload that is completed or aborted. */
  abort(): Promise<void>;
}

/**
 * The index files of the repository and the pointer to the current one. What is on its way lies under a staging key,
 * where nobody sees it: in parts that are uploaded one by one, or in one stream.
 */
export interface IndexStore {
  /** The current pointer with the tag that {@link moveCurrent} must present; `undefined` before the first publication. */
  current(): Promise<{ readonly pointer: IndexPointer; readonly tag: string } | undefined>;
  /** Begins an upload in parts to the staging key of this copy. @returns its upload id */
  beginUpload(copyId: string): Promise<string>;
  /** The upload that {@link beginUpload} began, perhaps in another process. */
  upload(copyId: string, uploadId: string): IndexUpload;
  /** Streams into the staging key of this copy; nothing stays when the stream fails. @returns bytes */
  stage(copyId: string, body: AsyncIterable<Uint8Array>): Promise<number>;
  /** Bytes under the staging key; `undefined` when nothing is there. */
  stagedBytes(copyId: string): Promise<number | undefined>;
  /** @throws StoreError `not-found` */
  openStaged(copyId: string): Promise<AsyncIterable<Uint8Array>>;
  /** Moves staged bytes to their digest's key. @throws StoreError `not-found` */
  promote(staged: StagedIndex): Promise<void>;
  /** Moves staged bytes to where refused ones are kept, which nobody is served from. @throws StoreError `not-found` */
  keepAside(staged: StagedIndex): Promise<void>;
  /** Drops the staging object, if there is one; other keys are not touched. */
  drop(copyId: string): Promise<void>;
  /** Is an index with these bytes already in the repository? */
  has(sha256: string): Promise<boolean>;
  /** @throws StoreError `not-found` */
  open(sha256: string): Promise<AsyncIterable<Uint8Array>>;
  /** Publications of which bytes or catalogue are stored, in any order. */
  publications(): Promise<readonly StoredPublication[]>;
  /** Deletes bytes and catalogue of a publication; nothing may refer to it any more. */
  dropPublication(sha256: string): Promise<void>;
  /** Conditional write of the pointer. `tag` undefined: there must be none yet. @throws StoreError `conflict` */
  moveCurrent(pointer: IndexPointer, tag: string | undefined): Promise<void>;
}

/** Bytes under a staging key, and what they turned out to be. */
export interface StagedIndex {
  readonly copyId: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** How {@link CatalogStore.putFacts} finds out what to write. */
export interface PutFactsOptions {
  /** Catalogue of the current publication; `undefined` when there is none, or it is lost. */
  readonly previous: Catalog | undefined;
  /** When units that left the index are said to have left it, ISO 8601. */
  readonly at: string;
  /**
   * True: a run may have died while it wrote, so each fact is compared with what is kept instead of with `previous`.
   *
   * @default - only when there is no `previous`
   */
  readonly compareWithTable?: boolean;
  /** Told as the work goes on; at the latest each thousand facts. */
  readonly onProgress?: (progress: FactsWritten) => void;
}

/** How many facts were written because they are new or differ from what is kept. */
export interface FactsWritten {
  readonly files: number;
  /** Units, those that left the index and were marked among them. */
  readonly units: number;
  /** Lists of the units of a KB. */
  readonly kbs: number;
}

/** A part of the units of a KB, the newest first. */
interface UnitsPage {
  readonly units: readonly StoredUnit[];
  /** UpdateIds of units that do not parse. */
  readonly unreadable: readonly string[];
  /** How many units the KB has. */
  readonly total: number;
  /** Opaque; absent on the last page. */
  readonly next?: string;
}

/**
 * What the current and past publications say. Facts of a publication are written before it becomes current, and what
 * they replace is not kept: for a moment they may be ahead of the pointer.
 */
export interface CatalogStore {
  /** Facts by SHA-1 (hex); digests that no publication named are not in the map. */
  fileFacts(sha1s: Iterable<string>): Promise<ReadonlyMap<string, PayloadFile>>;
  /** One unit by UpdateId; `undefined` when no publication had it. @throws StoreError `corrupt` */
  unitFacts(updateId: string): Promise<StoredUnit | undefined>;
  /** Units by UpdateId; those that no publication had are not in the map, and rows that do not parse are named beside it. */
  unitsById(
    updateIds: Iterable<string>,
  ): Promise<{ readonly units: ReadonlyMap<string, StoredUnit>; readonly unreadable: readonly string[] }>;
  /**
   * Units of a KB number (digits); none when no publication had it.
   *
   * @throws StoreError `refused` when the cursor is not one that this list gave out
   */
  unitsOfKb(kb: string, page: { readonly cursor?: string | undefined; readonly limit: number }): Promise<UnitsPage>;
  /**
   * Makes the facts that are kept those of this catalogue, writing only what is new or differs. What the catalogue
   * leaves out stays. May be repeated: a second time it writes nothing.
   */
  putFacts(catalog: Catalog, options: PutFactsOptions): Promise<FactsWritten>;
  /** Stores the whole catalogue of a publication; the same bytes when repeated. */
  putSnapshot(indexSha256: string, catalog: Catalog): Promise<void>;
  getSnapshot(indexSha256: string): Promise<Catalog | undefined>;
}

/** What happened to publications and to runs that somebody asked for, and what one run leaves to the next. */
export interface SyncJournal {
  refusal(): Promise<IndexRefusal | undefined>;
  putRefusal(refusal: IndexRefusal): Promise<void>;
  clearRefusal(): Promise<void>;
  /** The copy that is under way. */
  copy(): Promise<IndexCopy | undefined>;
  /**
   * Writes it over the one with the revision `known`; `undefined`: there must be none.
   * @throws StoreError `conflict` when another run was faster
   */
  putCopy(copy: IndexCopy, known: number | undefined): Promise<void>;
  /** @throws StoreError `conflict` when it is not the one with the revision `known` */
  clearCopy(known: number): Promise<void>;
  /** The publication whose facts began to be written and whose pointer did not move yet. */
  unfinished(): Promise<UnfinishedPublication | undefined>;
  putUnfinished(publication: UnfinishedPublication): Promise<void>;
  clearUnfinished(): Promise<void>;
  /** Notes a start, a progress or an end. The first end stays: what is noted after it is dropped. */
  putRun(run: SyncRun): Promise<void>;
  run(runId: string): Promise<SyncRun | undefined>;
}
