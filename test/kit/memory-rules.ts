import { noRules, type RulesDocument } from '#shared/contract/rules.ts';
import type { PageQuery } from '#shared/stores/page.ts';
import type { NewRules, RuleStore, RulesRevision } from '#shared/stores/rules/port.ts';
import { packBook, packSigned, unpackBook, unpackSigned } from '#shared/stores/rules/rows.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { pageOf } from './pages.ts';

/** The rules in memory, packed as the table has them, so that the same books are too large. */
export class MemoryRuleStore implements RuleStore {
  /** By revision, from 1. */
  readonly #written: (RulesRevision & { readonly body: Uint8Array })[] = [];

  /** By revision. */
  readonly #signed = new Map<number, Uint8Array>();

  async get() {
    return (await this.revision(this.#written.length)) ?? noRules;
  }

  async getIfNewer(revision: number) {
    return revision === this.#written.length ? undefined : this.get();
  }

  async put(
    { book, changedAt, changedBy, comment, signed }: NewRules,
    expectedRevision: number,
  ): Promise<RulesDocument> {
    const body = packBook(book);
    const signature = signed === undefined ? undefined : packSigned(signed);
    if (this.#written.length !== expectedRevision)
      throw new StoreError('conflict', `the rules in force are not revision ${expectedRevision} any more`);
    const about = { revision: expectedRevision + 1, changedAt, changedBy, ...(comment !== undefined && { comment }) };
    this.#written.push({ ...about, body });
    if (signature !== undefined) this.#signed.set(about.revision, signature);
    return this.get();
  }

  async revisions(query: PageQuery) {
    const rows = this.#written.map(({ body: _, ...row }) => row).toReversed();
    return pageOf(rows, query, ({ revision }) => String(revision), 'revisions');
  }

  async putSigned(revision: number, signed: string) {
    this.#signed.set(revision, packSigned(signed));
  }

  async signed(revision: number) {
    const body = this.#signed.get(revision);
    return body && unpackSigned({ revision, body });
  }

  async revision(revision: number) {
    if (revision === 0) return structuredClone(noRules);
    const row = this.#written[revision - 1];
    return row && unpackBook(row);
  }
}
