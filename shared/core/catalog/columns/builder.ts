import type { CatalogGap, InnerCab } from '../model.ts';
import type { CatalogColumns, FileColumns, UpdateColumns } from './columns.ts';
import { float64Column, type Lists, ListsColumn, uint8Column, uint16Column, uint32Column } from './growing.ts';
import type { HashKey } from './keyed-hash.ts';
import { BytePool, TextPool } from './pools.ts';

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

/**
 * Puts a catalogue together row by row, in the order of RevisionIds: {@link openUpdate}, pushes into the lists,
 * {@link closeUpdate}. The same rows give the same columns, wherever their parts came from.
 */
export class ColumnsBuilder {
  readonly guids: BytePool;
  readonly texts: TextPool;
  readonly prerequisites = new ListsColumn();
  readonly bundledBy = new ListsColumn();
  readonly supersededBy = new ListsColumn();
  readonly products = new ListsColumn();
  readonly families = new ListsColumn();
  readonly companies = new ListsColumn();
  readonly kbs = new ListsColumn();
  readonly bulletins = new ListsColumn();
  readonly cves = new ListsColumn();

  readonly #revisionId = uint32Column();
  readonly #guid = uint32Column();
  readonly #revision = uint32Column();
  readonly #flags = uint16Column();
  readonly #cab = uint16Column();
  readonly #created = uint32Column();
  readonly #title = uint32Column();
  readonly #classification = uint32Column();
  readonly #payload = new ListsColumn();
  readonly #payloadName = uint32Column();
  readonly #payloadSource = uint8Column();

  readonly #sha1s: BytePool;
  readonly #sha256 = uint8Column();
  readonly #known = uint8Column();
  readonly #size = float64Column();
  readonly #name = uint32Column();
  readonly #url = uint32Column();

  /** @param key to be secret when the rows come from a stranger */
  constructor(key?: HashKey) {
    this.guids = new BytePool(16, key);
    this.texts = new TextPool(key);
    this.#sha1s = new BytePool(20, key);
  }

  openUpdate(head: RowHead): void {
    const last = this.#revisionId.length === 0 ? -1 : this.#revisionId.at(this.#revisionId.length - 1);
    if (head.revisionId <= last) throw new RangeError(`RevisionId ${head.revisionId} after ${last}: not ascending`);
    this.#revisionId.push(head.revisionId);
    this.#guid.push(head.guid);
    this.#revision.push(head.revision);
    this.#flags.push(head.flags);
    this.#cab.push(head.cab);
    this.#created.push(head.created);
    this.#title.push(head.title);
    this.#classification.push(head.classification);
  }

  /** Adds a file to the payload of the open update. `name` and `source` as in `payloadName` and `payloadSource`. */
  pushPayload(file: number, name: number, source: number): void {
    this.#payload.push(file);
    this.#payloadName.push(name);
    this.#payloadSource.push(source);
  }

  closeUpdate(): void {
    for (const lists of [
      this.prerequisites,
      this.bundledBy,
      this.supersededBy,
      this.products,
      this.families,
      this.companies,
      this.#payload,
      this.kbs,
      this.bulletins,
      this.cves,
    ]) {
      lists.close();
    }
  }

  get fileCount(): number {
    return this.#known.length;
  }

  /** Number of the file with this SHA-1 while the catalogue is put together; the finished columns are sorted. */
  file(sha1: Uint8Array, from = 0): number {
    const number = this.#sha1s.intern(sha1, from);
    if (number === this.#known.length) {
      this.#known.push(0);
      this.#sha256.append(noDigest);
      this.#size.push(0);
      this.#name.push(0);
      this.#url.push(0);
    }
    return number;
  }

  /** Sets what is known of a file; `sha256` are 32 bytes. */
  describeFile(
    file: number,
    facts: { readonly sha256?: Uint8Array; readonly size?: number; readonly name: number; readonly url: number },
  ): void {
    this.#known.set(file, (facts.sha256 === undefined ? 0 : 1) | (facts.size === undefined ? 0 : 2));
    if (facts.sha256 !== undefined) {
      for (let i = 0; i < 32; i++) this.#sha256.set(file * 32 + i, facts.sha256[i] as number);
    }
    this.#size.set(file, facts.size ?? 0);
    this.#name.set(file, facts.name);
    this.#url.set(file, facts.url);
  }

  finish(about: {
    readonly packageId?: string;
    readonly createdAt?: string;
    readonly gaps: readonly CatalogGap[];
    readonly cabs: readonly InnerCab[];
  }): CatalogColumns {
    const { files, places } = this.#sortedFiles();
    const payload = this.#payload.take();
    for (const [at, file] of payload.values.entries()) payload.values[at] = places[file] as number;
    return {
      ...about,
      guids: this.guids.take(),
      texts: this.texts.take(),
      updates: this.#updates(payload),
      files,
    };
  }

  #updates(payload: Lists): UpdateColumns {
    return {
      revisionId: this.#revisionId.take(),
      guid: this.#guid.take(),
      revision: this.#revision.take(),
      flags: this.#flags.take(),
      cab: this.#cab.take(),
      created: this.#created.take(),
      title: this.#title.take(),
      classification: this.#classification.take(),
      prerequisites: this.prerequisites.take(),
      bundledBy: this.bundledBy.take(),
      supersededBy: this.supersededBy.take(),
      products: this.products.take(),
      families: this.families.take(),
      companies: this.companies.take(),
      payload,
      payloadName: this.#payloadName.take(),
      payloadSource: this.#payloadSource.take(),
      kbs: this.kbs.take(),
      bulletins: this.bulletins.take(),
      cves: this.cves.take(),
    };
  }

  /** Files by their SHA-1, and for each number so far its row; frees what they are made of. */
  #sortedFiles(): { files: FileColumns; places: Uint32Array } {
    const count = this.fileCount;
    const sha1s = this.#sha1s.view();
    const order = Uint32Array.from({ length: count }, (_, number) => number).sort((a, b) => {
      for (let i = 0; i < 20; i++) {
        const difference = (sha1s[a * 20 + i] as number) - (sha1s[b * 20 + i] as number);
        if (difference !== 0) return difference;
      }
      return 0;
    });
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
      files.sha1.set(sha1s.subarray(number * 20, number * 20 + 20), row * 20);
      files.sha256.set(sha256s.subarray(number * 32, number * 32 + 32), row * 32);
      files.known[row] = this.#known.at(number);
      files.size[row] = this.#size.at(number);
      files.name[row] = this.#name.at(number);
      files.url[row] = this.#url.at(number);
    }
    for (const part of [this.#sha1s, this.#sha256, this.#known, this.#size, this.#name, this.#url]) part.free();
    return { files, places };
  }
}

const noDigest = new Uint8Array(32);
