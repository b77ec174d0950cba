import { packFlags } from '#shared/core/catalog/columns/columns.ts';
import { ListsColumn, NumberColumn } from '#shared/core/catalog/columns/growing.ts';
import type { DeploymentAction } from '#shared/core/catalog/model.ts';
import { IndexError } from './index-error.ts';
import { NumberTable } from './number-table.ts';
import type { Values } from './values.ts';

/** What the start tag of an `<Update>` says; references into the pools of {@link Values}. */
interface ListedHead {
  readonly revisionId: number;
  readonly guid: number;
  readonly revision: number;
  readonly action: DeploymentAction;
  readonly isBundle: boolean;
  readonly isLeaf: boolean;
  readonly created: number;
  /** Lower case, in `texts`. */
  readonly language: number;
}

const MAX_LANGUAGES = 100;

/** What package.xml says: the list of updates, one row each, and where their files are. */
export class PackageList {
  readonly values: Values;
  seen = false;
  packageId: string | undefined;
  createdAt: string | undefined;
  /** Rows by RevisionId. */
  readonly rows = new NumberTable();
  readonly revisionId = new NumberColumn();
  readonly guid = new NumberColumn();
  readonly revision = new NumberColumn();
  /** Action, bundle and leaf, as {@link packFlags} packs them. */
  readonly flags = new NumberColumn();
  readonly created = new NumberColumn();
  readonly language = new NumberColumn();
  /** In `guids`, plus one. */
  readonly classification = new NumberColumn();
  /** In `sha1s`. */
  readonly payload = new ListsColumn();
  /** As {@link UpdateColumns} has them. */
  readonly prerequisites = new ListsColumn();
  readonly bundledBy = new ListsColumn();
  readonly supersededBy = new ListsColumn();
  readonly products = new ListsColumn();
  readonly families = new ListsColumn();
  readonly companies = new ListsColumn();
  readonly #lists = [
    this.payload,
    this.prerequisites,
    this.bundledBy,
    this.supersededBy,
    this.products,
    this.families,
    this.companies,
  ];
  locations = 0;
  /** Numbers in `texts` of languages, as they are spelled. */
  readonly #languages = new Map<string, number>();
  /** Where the number of the open clause's ids stands. */
  #clause = 0;
  /** By number of the SHA-1: address, in `texts`, plus one. */
  readonly #location = new NumberColumn();

  constructor(values: Values) {
    this.values = values;
  }

  get count(): number {
    return this.revisionId.length;
  }

  add(update: ListedHead): void {
    if (this.rows.has(update.revisionId)) {
      throw new IndexError('bad-value', `RevisionId ${update.revisionId} is listed twice`);
    }
    this.finishUpdate();
    this.rows.set(update.revisionId, this.count);
    this.revisionId.push(update.revisionId);
    this.guid.push(update.guid);
    this.revision.push(update.revision);
    this.flags.push(packFlags({ action: update.action, isBundle: update.isBundle, isLeaf: update.isLeaf }));
    this.created.push(update.created);
    this.language.push(update.language);
    this.classification.push(0);
  }

  /** Number in `texts` of a language, which counts in lower case. */
  languageOf(spelled: string): number {
    const known = this.#languages.get(spelled);
    if (known !== undefined) return known;
    const number = this.values.texts.intern(spelled.toLowerCase());
    // There are some forty; more are not worth keeping.
    if (this.#languages.size < MAX_LANGUAGES) this.#languages.set(spelled, number);
    return number;
  }

  /** Begins a clause of the open update's prerequisites. */
  openClause(): void {
    this.#clause = this.prerequisites.length;
    this.prerequisites.push(0);
  }

  addToClause(guid: number): void {
    this.prerequisites.push(guid);
    this.prerequisites.increment(this.#clause);
  }

  classify(guid: number): void {
    const row = this.count - 1;
    if (this.classification.at(row) === 0) this.classification.set(row, guid + 1);
  }

  locate(sha1: number, url: number): void {
    while (this.#location.length <= sha1) this.#location.push(0);
    if (this.#location.at(sha1) !== 0) return;
    this.#location.set(sha1, url + 1);
    this.locations += 1;
  }

  /** Address of the file, in `texts`, plus one; 0 when package.xml gives none. */
  locationOf(sha1: number): number {
    return sha1 < this.#location.length ? this.#location.at(sha1) : 0;
  }

  /** Frees all but the locations. */
  freeUpdates(): void {
    for (const column of [
      this.rows,
      this.revisionId,
      this.guid,
      this.revision,
      this.flags,
      this.created,
      this.language,
      this.classification,
      ...this.#lists,
    ]) {
      column.free();
    }
  }

  freeLocations(): void {
    this.#location.free();
  }

  /** Ends the lists of the last update; to be called once more when all are read. */
  finishUpdate(): void {
    if (this.count === this.payload.count) return;
    for (const lists of this.#lists) {
      lists.close();
    }
  }
}
