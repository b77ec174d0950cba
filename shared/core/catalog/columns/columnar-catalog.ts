import type { Catalog, CatalogUpdate, Lookup, PayloadFile } from '../model.ts';
import { type CatalogColumns, unpackFlags } from './columns.ts';
import { type Lists, listEnd, listStart } from './growing.ts';
import { bytesOfHex } from './hex.ts';
import { guidOf, hexOf, textAt } from './pools.ts';

/** A catalogue whose updates and files are made from columns each time they are asked for. */
export class ColumnarCatalog implements Catalog {
  readonly columns: CatalogColumns;
  readonly updates: Lookup<number, CatalogUpdate>;
  readonly files: Lookup<string, PayloadFile>;
  readonly packageId?: string;
  readonly createdAt?: string;
  readonly gaps: Catalog['gaps'];
  readonly cabs: CatalogColumns['cabs'];

  constructor(columns: CatalogColumns) {
    this.columns = columns;
    this.updates = new UpdateLookup(columns);
    this.files = new FileLookup(columns);
    if (columns.packageId !== undefined) this.packageId = columns.packageId;
    if (columns.createdAt !== undefined) this.createdAt = columns.createdAt;
    this.gaps = columns.gaps;
    this.cabs = columns.cabs;
  }
}

/** GUIDs as texts. Products, classifications and detectoids come up again and again, so each text is made once. */
class Guids {
  readonly #bytes: Uint8Array;
  readonly #texts: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get(number: number): string {
    let text = this.#texts[number];
    if (text === undefined) {
      text = guidOf(this.#bytes, number * 16);
      this.#texts[number] = text;
    }
    return text;
  }
}

abstract class Rows<Key, Value> implements Lookup<Key, Value> {
  abstract readonly size: number;
  protected abstract rowOf(key: Key): number;
  protected abstract keyAt(row: number): Key;
  protected abstract valueAt(row: number): Value;

  get(key: Key): Value | undefined {
    const row = this.rowOf(key);
    return row === -1 ? undefined : this.valueAt(row);
  }

  has(key: Key): boolean {
    return this.rowOf(key) !== -1;
  }

  *keys(): Generator<Key, void, undefined> {
    for (let row = 0; row < this.size; row++) yield this.keyAt(row);
  }

  *values(): Generator<Value, void, undefined> {
    for (let row = 0; row < this.size; row++) yield this.valueAt(row);
  }

  *[Symbol.iterator](): Generator<readonly [Key, Value], void, undefined> {
    for (let row = 0; row < this.size; row++) yield [this.keyAt(row), this.valueAt(row)];
  }
}

class UpdateLookup extends Rows<number, CatalogUpdate> {
  readonly size: number;
  readonly #columns: CatalogColumns;
  readonly #guids: Guids;

  constructor(columns: CatalogColumns) {
    super();
    this.#columns = columns;
    this.size = columns.updates.revisionId.length;
    this.#guids = new Guids(columns.guids);
  }

  protected rowOf(revisionId: number): number {
    return findRow(this.size, (row) => (this.#columns.updates.revisionId[row] as number) - revisionId);
  }

  protected keyAt(row: number): number {
    return this.#columns.updates.revisionId[row] as number;
  }

  protected valueAt(row: number): CatalogUpdate {
    const { updates, texts, files } = this.#columns;
    const guids = this.#guids;
    const flags = unpackFlags(updates.flags[row] as number);
    const title = updates.title[row] as number;
    const classification = updates.classification[row] as number;
    const textList = (lists: Lists): string[] => listOf(lists, row, (number) => textAt(texts, number));
    const guidList = (lists: Lists): string[] => listOf(lists, row, (number) => guids.get(number));
    return {
      updateId: guids.get(updates.guid[row] as number),
      revision: updates.revision[row] as number,
      revisionId: updates.revisionId[row] as number,
      type: flags.type,
      action: flags.action,
      isBundle: flags.isBundle,
      isLeaf: flags.isLeaf,
      createdAt: textAt(texts, updates.created[row] as number),
      prerequisites: this.#clausesOf(row),
      bundledBy: listOf(updates.bundledBy, row, (id) => id),
      supersededBy: listOf(updates.supersededBy, row, (id) => id),
      categories: {
        ...(classification === 0 ? {} : { classification: guids.get(classification - 1) }),
        products: guidList(updates.products),
        families: guidList(updates.families),
        companies: guidList(updates.companies),
      },
      payload: listOf(updates.payload, row, (file) => hexOf(files.sha1, file * 20, 20)),
      ...(title === 0 ? {} : { title: textAt(texts, title - 1) }),
      kbs: textList(updates.kbs),
      ...(flags.severity === undefined ? {} : { severity: flags.severity }),
      bulletins: textList(updates.bulletins),
      cves: textList(updates.cves),
      ...(flags.reboot === undefined ? {} : { reboot: flags.reboot }),
    };
  }

  #clausesOf(row: number): string[][] {
    const { prerequisites } = this.#columns.updates;
    const clauses: string[][] = [];
    const end = listEnd(prerequisites, row);
    for (let at = listStart(prerequisites, row); at < end; ) {
      const clause: string[] = [];
      const until = at + 1 + (prerequisites.values[at] as number);
      for (at += 1; at < until; at++) clause.push(this.#guids.get(prerequisites.values[at] as number));
      clauses.push(clause);
    }
    return clauses;
  }
}

class FileLookup extends Rows<string, PayloadFile> {
  readonly size: number;
  readonly #columns: CatalogColumns;
  readonly #wanted = new Uint8Array(20);

  constructor(columns: CatalogColumns) {
    super();
    this.#columns = columns;
    this.size = columns.files.known.length;
  }

  protected rowOf(sha1: string): number {
    if (!bytesOfHex(sha1, this.#wanted, 20)) return -1;
    const { sha1: all } = this.#columns.files;
    return findRow(this.size, (row) => {
      for (let i = 0; i < 20; i++) {
        const difference = (all[row * 20 + i] as number) - (this.#wanted[i] as number);
        if (difference !== 0) return difference;
      }
      return 0;
    });
  }

  protected keyAt(row: number): string {
    return hexOf(this.#columns.files.sha1, row * 20, 20);
  }

  protected valueAt(row: number): PayloadFile {
    const { files, texts } = this.#columns;
    const known = files.known[row] as number;
    const name = files.name[row] as number;
    const url = files.url[row] as number;
    return {
      sha1: this.keyAt(row),
      ...((known & 1) === 0 ? {} : { sha256: hexOf(files.sha256, row * 32, 32) }),
      ...(name === 0 ? {} : { name: textAt(texts, name - 1) }),
      ...((known & 2) === 0 ? {} : { size: files.size[row] as number }),
      ...(url === 0 ? {} : { url: textAt(texts, url - 1) }),
    };
  }
}

/** Row whose key is the wanted one, by bisection, or -1. `compare` is negative for rows before it. */
function findRow(rows: number, compare: (row: number) => number): number {
  let low = 0;
  let high = rows - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compare(middle);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function listOf<T>(lists: Lists, row: number, value: (number: number) => T): T[] {
  const list: T[] = [];
  const end = listEnd(lists, row);
  for (let at = listStart(lists, row); at < end; at++) list.push(value(lists.values[at] as number));
  return list;
}
