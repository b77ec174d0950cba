import type { AuditAnchor, AuditEntry, AuditRecord } from '../../contract/audit.ts';
import type { Page, PageQuery } from '../page.ts';

/** The audit log: entries are added at its end, and nothing else. */
export interface AuditLog {
  /** Adds an entry. Whoever is slower than another gets the next number: none is lost, and no number is used twice. */
  append(record: AuditRecord): Promise<AuditEntry>;
  /**
   * @param query `order` by number, ascending by default; `from`: the number that the list begins with, by default the
   *   first of that order
   */
  list(
    query: PageQuery & { readonly from?: number; readonly order?: 'ascending' | 'descending' },
  ): Promise<Page<AuditEntry>>;
  /** The last entry. */
  head(): Promise<AuditEntry | undefined>;
}

/** Heads of the chain, kept where nobody can change or delete them. */
export interface AuditAnchorStore {
  /** Stores the anchor of a day once; a later one of the same day is left out. @returns false then */
  put(anchor: AuditAnchor): Promise<boolean>;
  /** The oldest first. */
  list(query: PageQuery): Promise<Page<AuditAnchor>>;
}
