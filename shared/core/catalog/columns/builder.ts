import type { CatalogGap, InnerCab } from '../model.ts';
import type { CatalogColumns, FileColumns, UpdateColumns } from './columns.ts';
import { orderOf } from './digest-order.ts';
import { type Lists, release, uint8Column } from './growing.ts';
import type { HashKey } from './keyed-hash.ts';
import { BytePool, TextPool } from './pools.ts';
import { next, resized, SizedLists } from './sized.ts';

/** What the row of an update begins with; the lists follow. References as in {@link UpdateColumns}. */
interface RowHead {
  readonly revisionId: number;
  readonly guid: number;
  readonly revision: number;
  readonly flags: number;
  readonly cab: number;
  readonly created: number;
  readonly title: number;
  readonly classification: number;
}

/** How much there will be of it, as far as that is known: what is foreseen is written to where it stays. */
export interface Expected {
  /** Updates. */
  readonly rows?: number;
  readonly guids?: number;
  readonly files?: number;
  /** Values of all lists together. */
  readonly prerequisites?: number;
  readonly bundledBy?: number;
  readonly supersededBy?: number;
  readonly products?: number;
  readonly families?: number;
  readonly companies?: number;
  readonly payload?: number;
  readonly kbs?: number;
  readonly bulletins?: number;
  readonly cves?: number;
}

/**
 * Puts a catalogue together row by row, in the order of RevisionIds: {@link openUpdate}, pushes into the lists,
 * {@link closeUpdate}. The same rows give the same columns, wherever their parts came from.
 */
export class ColumnsBuilder {
  readonly guids: BytePool;
  readonly texts: TextPool;
  readonly prerequisites: SizedLists;
  readonly bundledBy: SizedLists;
  readonly supersededBy: SizedLists;
  readonly products: SizedLists;
  readonly families: SizedLists;
  readonly companies: SizedLists;
  readonly kbs: SizedLists;
  readonly bulletins: SizedLists;
  readonly cves: SizedLists;

  #rows = 0;
  #revisionId: Uint32Array;
  #guid: Uint32Array;
  #revision: Uint32Array;
  #flags: Uint16Array;
  #cab: Uint16Array;
  #created: Uint32Array;
  #title: Uint32Array;
  #classification: Uint32Array;
  readonly #payload: SizedLists;
  #payloadName: Uint32Array;
  #payloadSource: Uint8Array;

  readonly #sha1s: BytePool;
  readonly #sha256 = uint8Column();
  #files = 0;
  #known: Uint8Array;
  #size: Float64Array;
  #name: Uint32Array;
  #url: Uint32Array;

  /** @param key to be secret when the rows come from a stranger */
  constructor(key?: HashKey, expected: Expected = {}) {
    const { rows = 64, files = 64, payload = 64 } = expected;
    this.guids = new BytePool(16, key, expected.guids);
    this.texts = new TextPool(key);
    this.#sha1s = new BytePool(20, key, files);
    const lists = (values: number | undefined): SizedLists =>
      new SizedLists({ lists: rows, ...(values === undefined ? {} : { values }) });
    this.prerequisites = lists(expected.prerequisites);
    this.bundledBy = lists(expected.bundledBy);
    this.supersededBy = lists(expected.supersededBy);
    this.products = lists(expected.products);
    this.families = lists(expected.families);
    this.companies = lists(expected.companies);
    this.kbs = lists(expected.kbs);
    this.bulletins = lists(expected.bulletins);
    this.cves = lists(expected.cves);
    this.#payload = lists(payload);
    this.#payloadName = new Uint32Array(payload);
    this.#payloadSource = new Uint8Array(payload);
    this.#revisionId = new Uint32Array(rows);
    this.#guid = new Uint32Array(rows);
    this.#revision = new Uint32Array(rows);
    this.#flags = new Uint16Array(rows);
    this.#cab = new Uint16Array(rows);
    this.#created = new Uint32Array(rows);
    this.#title = new Uint32Array(rows);
    this.#classification = new Uint32Array(rows);
    this.#known = new Uint8Array(files);
    this.#size = new Float64Array(files);
    this.#name = new Uint32Array(files);
    this.#url = new Uint32Array(files);
  }

  openUpdate(head: RowHead): void {
    const row = this.#rows;
    const last = row === 0 ? -1 : (this.#revisionId[row - 1] as number);
    if (head.revisionId <= last) throw new RangeError(`RevisionId ${head.revisionId} after ${last}: not ascending`);
    if (row === this.#revisionId.length) this.#resizeRows(next(row));
    this.#revisionId[row] = head.revisionId;
    this.#guid[row] = head.guid;
    this.#revision[row] = head.revision;
    this.#flags[row] = head.flags;
    this.#cab[row] = head.cab;
    this.#created[row] = head.created;
    this.#title[row] = head.title;
    this.#classification[row] = head.classification;
    this.#rows += 1;
  }

  /** Adds a file to the payload of the open update. `name` and `source` as in `payloadName` and `payloadSource`. */
  pushPayload(file: number, name: number, source: number): void {
    const at = this.#payload.length;
    if (at === this.#payloadName.length) {
      this.#payloadName = resized(this.#payloadName, next(at), Uint32Array);
      this.#payloadSource = resized(this.#payloadSource, next(at), Uint8Array);
    }
    this.#payload.push(file);
    this.#payloadName[at] = name;
    this.#payloadSource[at] = source;
  }

  closeUpdate(): void {
    this.prerequisites.close();
    this.bundledBy.close();
    this.supersededBy.close();
    this.products.close();
    this.families.close();
    this.companies.close();
    this.#payload.close();
    this.kbs.close();
    this.bulletins.close();
    this.cves.close();
  }

  get fileCount(): number {
    return this.#files;
  }

  /** Number of the file with this SHA-1 while the catalogue is put together; the finished columns are sorted. */
  file(sha1: Uint8Array, from = 0): number {
    const number = this.#sha1s.intern(sha1, from);
    if (number === this.#files) this.#addFile();
    return number;
  }

  /** The same for a SHA-1 that was not given before. With it {@link file} finds none of them. */
  newFile(sha1: Uint8Array, from: number): number {
    this.#addFile();
    return this.#sha1s.push(sha1, from);
  }

  /** Sets what is known of a file; `sha256` are 32 bytes. */
  describeFile(
    file: number,
    facts: {
      readonly sha256?: Uint8Array | undefined;
      readonly size?: number | undefined;
      readonly name: number;
      readonly url: number;
    },
  ): void {
    const { sha256, size } = facts;
    this.#known[file] = (sha256 === undefined ? 0 : 1) | (size === undefined ? 0 : 2);
    if (sha256 !== undefined) this.#sha256.raw.set(sha256, file * 32);
    this.#size[file] = size ?? 0;
    this.#name[file] = facts.name;
    this.#url[file] = facts.url;
  }

  finish(about: {
    readonly packageId?: string;
    readonly createdAt?: string;
    readonly gaps: readonly CatalogGap[];
    readonly cabs: readonly InnerCab[];
  }): CatalogColumns {
    const { files, places } = this.#sortedFiles();
    const payload = this.#payload.take();
    const { values } = payload;
    for (let at = 0; at < values.length; at++) values[at] = places[values[at] as number] as number;
    this.#resizeRows(this.#rows);
    this.#payloadName = resized(this.#payloadName, values.length, Uint32Array);
    this.#payloadSource = resized(this.#payloadSource, values.length, Uint8Array);
    return {
      ...about,
      guids: this.guids.take(),
      texts: this.texts.take(),
      updates: this.#updates(payload),
      files,
    };
  }

  #resizeRows(rows: number): void {
    this.#revisionId = resized(this.#revisionId, rows, Uint32Array);
    this.#guid = resized(this.#guid, rows, Uint32Array);
    this.#revision = resized(this.#revision, rows, Uint32Array);
    this.#flags = resized(this.#flags, rows, Uint16Array);
    this.#cab = resized(this.#cab, rows, Uint16Array);
    this.#created = resized(this.#created, rows, Uint32Array);
    this.#title = resized(this.#title, rows, Uint32Array);
    this.#classification = resized(this.#classification, rows, Uint32Array);
  }

  #addFile(): void {
    const number = this.#files;
    if (number === this.#known.length) {
      this.#known = resized(this.#known, next(number), Uint8Array);
      this.#size = resized(this.#size, next(number), Float64Array);
      this.#name = resized(this.#name, next(number), Uint32Array);
      this.#url = resized(this.#url, next(number), Uint32Array);
    }
    this.#sha256.append(noDigest);
    this.#files += 1;
  }

  #updates(payload: Lists): UpdateColumns {
    return {
      revisionId: this.#revisionId,
      guid: this.#guid,
      revision: this.#revision,
      flags: this.#flags,
      cab: this.#cab,
      created: this.#created,
      title: this.#title,
      classification: this.#classification,
      prerequisites: this.prerequisites.take(),
      bundledBy: this.bundledBy.take(),
      supersededBy: this.supersededBy.take(),
      products: this.products.take(),
      families: this.families.take(),
      companies: this.companies.take(),
      payload,
      payloadName: this.#payloadName,
      payloadSource: this.#payloadSource,
      kbs: this.kbs.take(),
      bulletins: this.bulletins.take(),
      cves: this.cves.take(),
    };
  }

  /** Files by their SHA-1, and for each number so far its row; frees what they are made of. */
  #sortedFiles(): { files: FileColumns; places: Uint32Array } {
    const count = this.fileCount;
    const sha1s = this.#sha1s.view();
    const order = orderOf(sha1s, count);
    const places = new Uint32Array(count);
    const files: FileColumns = {
      sha1: new Uint8Array(count * 20),
      sha256: new Uint8Array(count * 32),
      known: new Uint8Array(count),
      size: new Float64Array(count),
      name: new Uint32Array(count),
      url: new Uint32Array(count),
    };
    const sha256s = this.#sha256.view();
    for (let row = 0; row < count; row++) {
      const number = order[row] as number;
      places[number] = row;
      for (let i = 0; i < 20; i++) files.sha1[row * 20 + i] = sha1s[number * 20 + i] as number;
      for (let i = 0; i < 32; i++) files.sha256[row * 32 + i] = sha256s[number * 32 + i] as number;
      files.known[row] = this.#known[number] as number;
      files.size[row] = this.#size[number] as number;
      files.name[row] = this.#name[number] as number;
      files.url[row] = this.#url[number] as number;
    }
    this.#sha1s.free();
    this.#sha256.free();
    for (const values of [this.#known, this.#size, this.#name, this.#url]) release(values);
    this.#files = 0;
    return { files, places };
  }
}

const noDigest = new Uint8Array(32);
