import { ListsColumn, uint8Column, uint16Column, uint32Column } from '#shared/core/catalog/columns/growing.ts';
import type { RebootBehavior, Severity, UpdateType } from '#shared/core/catalog/model.ts';
import type { CoreFacts } from './core-fragment.ts';
import type { ExtendedFacts, FileFacts } from './extended-fragment.ts';
import { FilePool } from './file-pool.ts';
import { NumberTable } from './number-table.ts';
import type { Values } from './values.ts';

/** Rows of facts by RevisionId. When two cabinets hold the same fragment, the one that index.xml names for it counts. */
export class RowsByRevision {
  readonly rows = new NumberTable();
  /** Number of the cabinet, by row. */
  readonly cab = uint16Column();
  readonly revisionId = uint32Column();
  /** Rows whose RevisionId had a row already. */
  readonly doubles: number[] = [];

  /** @returns the new row */
  add(revisionId: number, cab: number): number {
    const row = this.cab.length;
    this.cab.push(cab);
    this.revisionId.push(revisionId);
    if (this.rows.has(revisionId)) this.doubles.push(row);
    else this.rows.set(revisionId, row);
    return row;
  }

  /** @returns the row, or -1 */
  get(revisionId: number): number {
    return this.rows.get(revisionId);
  }

  free(): void {
    this.rows.free();
    this.cab.free();
    this.revisionId.free();
  }

  /** To be called when all is read. `onDouble` is told of the cabinets that hold the same fragment. */
  settle(ownerOf: (revisionId: number) => number | undefined, onDouble: (cab: number) => void): void {
    for (const row of this.doubles) {
      const revisionId = this.revisionId.at(row);
      onDouble(this.cab.at(row));
      onDouble(this.cab.at(this.get(revisionId)));
      if (ownerOf(revisionId) === this.cab.at(row)) this.rows.set(revisionId, row);
    }
  }
}

const types: readonly UpdateType[] = ['unknown', 'software', 'category', 'detectoid'];
const severities: readonly (Severity | undefined)[] = [undefined, 'Critical', 'Important', 'Moderate', 'Low'];
const reboots: readonly (RebootBehavior | undefined)[] = [undefined, 'never', 'can', 'always'];

/** What the core fragments say. */
export class CoreTable {
  readonly byRevision = new RowsByRevision();
  readonly #type = uint8Column();
  readonly guid = uint32Column();
  readonly revision = uint32Column();

  add(revisionId: number, cab: number, facts: Pick<CoreFacts, 'guid' | 'revision' | 'type'>): void {
    this.byRevision.add(revisionId, cab);
    this.#type.push(types.indexOf(facts.type));
    // Without an identity, one that nothing has.
    this.guid.push(facts.guid === -1 ? 0xffff_ffff : facts.guid);
    this.revision.push(facts.revision);
  }

  typeAt(row: number): UpdateType {
    return types[this.#type.at(row)] ?? 'unknown';
  }

  free(): void {
    for (const column of [this.byRevision, this.#type, this.guid, this.revision]) column.free();
  }
}

/** What the extended fragments say. */
export class ExtendedTable {
  readonly byRevision = new RowsByRevision();
  readonly files: FilePool;
  readonly #severity = uint8Column();
  readonly #reboot = uint8Column();
  readonly #kbs = new ListsColumn();
  readonly #bulletins = new ListsColumn();
  readonly #cves = new ListsColumn();
  /** For each file three numbers: SHA-1, name, 1 or (with its SHA-256) 3. */
  readonly #files = new ListsColumn();

  constructor(values: Values) {
    this.files = new FilePool(values);
  }

  add(
    revisionId: number,
    cab: number,
    facts: Pick<ExtendedFacts, 'severity' | 'reboot' | 'kbs' | 'bulletins' | 'cves'> & {
      readonly files: readonly FileFacts[];
    },
  ): void {
    this.byRevision.add(revisionId, cab);
    this.#severity.push(severities.indexOf(facts.severity));
    this.#reboot.push(reboots.indexOf(facts.reboot));
    append(this.#kbs, facts.kbs);
    append(this.#bulletins, facts.bulletins);
    append(this.#cves, facts.cves);
    for (const file of facts.files) {
      this.files.describe(file);
      this.#files.push(file.sha1);
      this.#files.push(file.name);
      this.#files.push(file.sha256 === undefined ? 1 : 3);
    }
    this.#files.close();
  }

  /** Frees all but what is known of the files. */
  free(): void {
    for (const part of [this.byRevision, this.#severity, this.#reboot, this.#kbs, this.#bulletins, this.#cves]) {
      part.free();
    }
    this.#files.free();
  }

  severityAt(row: number): Severity | undefined {
    return severities[this.#severity.at(row)];
  }

  rebootAt(row: number): RebootBehavior | undefined {
    return reboots[this.#reboot.at(row)];
  }

  kbsAt(row: number): Uint32Array {
    return this.#kbs.at(row);
  }

  bulletinsAt(row: number): Uint32Array {
    return this.#bulletins.at(row);
  }

  cvesAt(row: number): Uint32Array {
    return this.#cves.at(row);
  }

  /** Three numbers for each file: SHA-1, name, 1 or (with its SHA-256) 3. */
  filesAt(row: number): Uint32Array {
    return this.#files.at(row);
  }
}

function append(lists: ListsColumn, values: readonly number[]): void {
  for (const value of values) lists.push(value);
  lists.close();
}

/** The titles, by language. */
export class TitleTable {
  readonly #byLanguage = new Map<string, { readonly byRevision: RowsByRevision; readonly title: TitleColumn }>();

  /** @param title in `texts` */
  add(revisionId: number, cab: number, language: string, title: number): void {
    let table = this.#byLanguage.get(language);
    if (table === undefined) {
      table = { byRevision: new RowsByRevision(), title: uint32Column() };
      this.#byLanguage.set(language, table);
    }
    table.byRevision.add(revisionId, cab);
    table.title.push(title);
  }

  has(revisionId: number, language: string): boolean {
    return this.#byLanguage.get(language)?.byRevision.rows.has(revisionId) ?? false;
  }

  find(revisionId: number, language: string): { readonly title: number; readonly cab: number } | undefined {
    const table = this.#byLanguage.get(language);
    const row = table?.byRevision.get(revisionId) ?? -1;
    return table === undefined || row === -1
      ? undefined
      : { title: table.title.at(row), cab: table.byRevision.cab.at(row) };
  }

  free(): void {
    for (const { byRevision, title } of this.#byLanguage.values()) {
      byRevision.free();
      title.free();
    }
  }

  tables(): RowsByRevision[] {
    return [...this.#byLanguage.values()].map(({ byRevision }) => byRevision);
  }
}

type TitleColumn = ReturnType<typeof uint32Column>;
