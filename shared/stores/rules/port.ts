import type { RuleBook, RulesDocument } from '../../contract/rules.ts';
import type { Page, PageQuery } from '../page.ts';

/** A book that takes the place of the one in force. */
export interface NewRules {
  readonly book: RuleBook;
  readonly changedAt: string;
  /** For people: who changed it. */
  readonly changedBy: string;
  /** For people: why. */
  readonly comment?: string | undefined;
  /** Metadata of the role `rules` for this book and its revision, signed by an administrator. */
  readonly signed?: string | undefined;
}

/** One change of the rules. */
export interface RulesRevision {
  readonly revision: number;
  readonly changedAt: string;
  readonly changedBy: string;
  readonly comment?: string | undefined;
}

/** The rules, and all that they ever were: no revision is changed or deleted. */
export interface RuleStore {
  /** The rules in force; `noRules` before anybody wrote some. @throws StoreError `corrupt` */
  get(): Promise<RulesDocument>;
  /**
   * The rules in force, unless they are still of this revision: then `undefined`, for one small read. For those who keep
   * rules in memory. A revision that is lower, as after a restore of the table, is another one too.
   *
   * @throws StoreError `corrupt`
   */
  getIfNewer(revision: number): Promise<RulesDocument | undefined>;
  /**
   * Writes revision n + 1, all of it or nothing.
   *
   * @throws StoreError `conflict` when the stored revision is not `expectedRevision`; `refused` when the book is too large
   */
  put(rules: NewRules, expectedRevision: number): Promise<RulesDocument>;
  /** All changes, the newest first. @throws StoreError `refused` when the cursor is not one that this list gave out */
  revisions(query: PageQuery): Promise<Page<RulesRevision>>;
  /**
   * Keeps what an administrator signed for a revision that was written before the repository had a root; another signature
   * takes its place.
   *
   * @throws StoreError `refused` when it is too large
   */
  putSigned(revision: number, signed: string): Promise<void>;
  /** Signed metadata of the role `rules` for a revision; `undefined` when there is none. @throws StoreError `corrupt` */
  signed(revision: number): Promise<string | undefined>;
  /** The rules as they were; 0 is `noRules`, `undefined` is a revision that never was. @throws StoreError `corrupt` */
  revision(revision: number): Promise<RulesDocument | undefined>;
}
