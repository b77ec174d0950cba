import { packFlags } from '#shared/core/catalog/columns/columns.ts';
import { ListsColumn, NumberColumn } from '#shared/core/catalog/columns/growing.ts';
import type { CoreFacts } from './core-fragment.ts';
import type { ExtendedFacts, FileFacts } from './extended-fragment.ts';
import { FilePool } from './file-pool.ts';
import { IndexError } from './index-error.ts';
import { NumberTable } from './number-table.ts';
import type { Values } from './values.ts';

/**
 * Rows of facts by RevisionId, and by language where there are several. When two cabinets hold the same fragment, the one
 * that index.xml names for it counts.
 */
export class RowsByRevision {
  /** Number of the cabinet, by row. */
  readonly cab = new NumberColumn();
  readonly revisionId = new NumberColumn();
  readonly #language = new NumberColumn();
  /** By number of the language: rows by RevisionId. */
  readonly #rows: (NumberTable | undefined)[] = [];
  /** Rows whose fragment had a row already, of another cabinet. */
  readonly #doubles: number[] = [];
  /** Cabinets of the latest of those, by fragment. */
  readonly #lastCab = new Map<number, number>();

  /** @returns the new row, or -1 when the cabinet has the fragment already */
  add(revisionId: number, cab: number, language = 0): number {
    let rows = this.#rows[language];
    if (rows === undefined) {
      rows = new NumberTable();
      this.#rows[language] = rows;
    }
    const row = this.cab.length;
    const first = rows.get(revisionId);
    if (first === -1) rows.set(revisionId, row);
    else {
      const fragment = revisionId * 256 + language;
      // Cabinets are read one after the other, so one that has it twice was the first or the latest.
      if (this.cab.at(first) === cab || this.#lastCab.get(fragment) === cab) return -1;
      this.#lastCab.set(fragment, cab);
      this.#doubles.push(row);
    }
    this.cab.push(cab);
    this.revisionId.push(revisionId);
    this.#language.push(language);
    return row;
  }

  /** @returns the row, or -1 */
  get(revisionId: number, language = 0): number {
    return this.#rows[language]?.get(revisionId) ?? -1;
  }

  free(): void {
    for (const part of [this.cab, this.revisionId, this.#language, ...this.#rows]) part?.free();
  }

  /** To be called when all is read. `onDouble` is told of the cabinets that hold the same fragment. */
  settle(ownerOf: (revisionId: number) => number | undefined, onDouble: (cab: number) => void): void {
    for (const row of this.#doubles) {
      const revisionId = this.revisionId.at(row);
      const language = this.#language.at(row);
      const cab = this.cab.at(row);
      onDouble(cab);
      onDouble(this.cab.at(this.get(revisionId, language)));
      if (ownerOf(revisionId) === cab) this.#rows[language]?.set(revisionId, row);
    }
  }
}

/** What the core fragments say. */
export class CoreTable {
  readonly byRevision = new RowsByRevision();
  /** The type, and that the fragment is there, as {@link packFlags} packs them. */
  readonly flags = new NumberColumn();
  readonly guid = new NumberColumn();
  readonly revision = new NumberColumn();

  /** @returns whether it was added: a cabinet may have a fragment once */
  add(revisionId: number, cab: number, facts: Pick<CoreFacts, 'guid' | 'revision' | 'type'>): boolean {
    if (this.byRevision.add(revisionId, cab) === -1) return false;
    this.flags.push(packFlags({ type: facts.type, hasCore: true }));
    // Without an identity, one that nothing has.
    this.guid.push(facts.guid === -1 ? 0xffff_ffff : facts.guid);
    this.revision.push(facts.revision);
    return true;
  }

  free(): void {
    for (const column of [this.byRevision, this.flags, this.guid, this.revision]) column.free();
  }
}

/** What the extended fragments say. */
export class ExtendedTable {
  readonly byRevision = new RowsByRevision();
  readonly files: FilePool;
  /** Severity, reboot behaviour, and that the fragment is there, as {@link packFlags} packs them. */
  readonly flags = new NumberColumn();
  /** In `texts`, by row, as are the next two. */
  readonly kbs = new ListsColumn();
  readonly bulletins = new ListsColumn();
  readonly cves = new ListsColumn();
  /** For each file three numbers: SHA-1, name, 1 or (with its SHA-256) 3. */
  readonly described = new ListsColumn();

  constructor(values: Values) {
    this.files = new FilePool(values);
  }

  /** @returns whether it was added: a cabinet may have a fragment once */
  add(
    revisionId: number,
    cab: number,
    facts: Pick<ExtendedFacts, 'severity' | 'reboot' | 'kbs' | 'bulletins' | 'cves'> & {
      readonly files: readonly FileFacts[];
    },
  ): boolean {
    if (this.byRevision.add(revisionId, cab) === -1) return false;
    this.flags.push(packFlags({ severity: facts.severity, reboot: facts.reboot, hasExtended: true }));
    append(this.kbs, facts.kbs);
    append(this.bulletins, facts.bulletins);
    append(this.cves, facts.cves);
    for (const file of facts.files) {
      this.files.describe(file);
      this.described.push(file.sha1);
      this.described.push(file.name);
      this.described.push(file.sha256 === undefined ? 1 : 3);
    }
    this.described.close();
    return true;
  }

  /** Frees all but what is known of the files. */
  free(): void {
    for (const part of [this.byRevision, this.flags, this.kbs, this.bulletins, this.cves, this.described]) part.free();
  }

  /** `onCab` is told of the cabinets that describe a file of which another fragment says something else. */
  findContradicted(onCab: (cab: number) => void): void {
    if (!this.files.hasContradictions) return;
    for (let row = 0; row < this.flags.length; row++) {
      for (let at = this.described.start(row); at < this.described.end(row); at += 3) {
        if (this.files.isContradicted(this.described.value(at))) onCab(this.byRevision.cab.at(row));
      }
    }
  }
}

function append(lists: ListsColumn, values: readonly number[]): void {
  for (const value of values) lists.push(value);
  lists.close();
}

/** Language of the titles that count where there are several. */
export const english = 'en';
const ENGLISH = 0;

/** A real detail cabinet has 37 languages (HexMystic/patchmanagement, on the index of July 2026). */
const MAX_LANGUAGES = 200;

/** The titles, in all languages. */
export class TitleTable {
  readonly byRevision = new RowsByRevision();
  readonly #title = new NumberColumn();
  readonly #languages = new Map([[english, ENGLISH]]);
  /** Of updates that a cabinet has a fragment of in another language: in which cabinets that was seen. */
  readonly #others = new RowsByRevision();

  /**
   * @param title in `texts`
   * @returns whether it was added: a cabinet may have a fragment once
   * @throws IndexError `bad-layout` when there are too many languages
   */
  add(revisionId: number, cab: number, language: string, title: number): boolean {
    if (this.byRevision.add(revisionId, cab, this.#numberOf(language)) === -1) return false;
    this.#title.push(title);
    return true;
  }

  /** Notes that the cabinet has a fragment in another language than English, whether its title is kept or not. */
  noteOther(revisionId: number, cab: number): void {
    const row = this.byRevision.get(revisionId, ENGLISH);
    if (row !== -1 && this.byRevision.cab.at(row) === cab) return;
    // Once for each cabinet.
    this.#others.add(revisionId, cab);
  }

  hasEnglish(revisionId: number): boolean {
    return this.byRevision.get(revisionId, ENGLISH) !== -1;
  }

  /** The English title, or the one in the given language; its number in `texts`, and its cabinet's. */
  find(revisionId: number, language: string): { readonly title: number; readonly cab: number } | undefined {
    let row = this.byRevision.get(revisionId, ENGLISH);
    if (row === -1) row = this.byRevision.get(revisionId, this.#languages.get(language) ?? ENGLISH);
    return row === -1 ? undefined : { title: this.#title.at(row), cab: this.byRevision.cab.at(row) };
  }

  /** `onCab` is told of the cabinets that have a title in another language without the English one beside it. */
  findOthers(onCab: (cab: number) => void): void {
    for (let row = 0; row < this.#others.cab.length; row++) {
      const cab = this.#others.cab.at(row);
      const own = this.byRevision.get(this.#others.revisionId.at(row), ENGLISH);
      if (own === -1 || this.byRevision.cab.at(own) !== cab) onCab(cab);
    }
  }

  free(): void {
    for (const part of [this.byRevision, this.#title, this.#others]) part.free();
  }

  #numberOf(language: string): number {
    const known = this.#languages.get(language);
    if (known !== undefined) return known;
    const number = this.#languages.size;
    if (number === MAX_LANGUAGES) {
      throw new IndexError(
        'bad-layout',
        `titles are in more than ${MAX_LANGUAGES} languages, ${language} for instance`,
      );
    }
    this.#languages.set(language, number);
    return number;
  }
}
