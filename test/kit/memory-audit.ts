/** The audit log in memory; it passes the same contract suites as the AWS adapters. */
import * as z from 'zod/mini';
import {
  type AuditAnchor,
  type AuditEntry,
  type AuditRecord,
  auditAnchor,
  auditRecord,
} from '#shared/contract/audit.ts';
import { chainStart, nextAuditEntry } from '#shared/contract/audit-chain.ts';
import type { AuditAnchorStore, AuditLog } from '#shared/stores/audit/port.ts';
import type { PageQuery } from '#shared/stores/page.ts';
import { pageOf } from './pages.ts';
import { sha256 } from './values.ts';

export class MemoryAuditLog implements AuditLog {
  readonly entries: AuditEntry[] = [];
  /** Called before an entry is added; a test throws from it to have a log that cannot be written. */
  beforeAppend: (record: AuditRecord) => void = () => {};

  async append(record: AuditRecord) {
    this.beforeAppend(record);
    const parsed = z.parse(auditRecord, JSON.parse(JSON.stringify(record)));
    const entry = nextAuditEntry(parsed, this.entries.at(-1) ?? chainStart, sha256);
    this.entries.push(entry);
    return structuredClone(entry);
  }

  async list(query: Parameters<AuditLog['list']>[0]) {
    const { from, order = 'ascending' } = query;
    const rows = this.entries.filter(
      ({ number }) => from === undefined || (order === 'ascending' ? number >= from : number <= from),
    );
    const sorted = order === 'ascending' ? rows : rows.toReversed();
    return pageOf(structuredClone(sorted), query, ({ number }) => String(number), `audit ${order}`);
  }

  async head() {
    return structuredClone(this.entries.at(-1));
  }
}

export class MemoryAuditAnchorStore implements AuditAnchorStore {
  readonly anchors = new Map<string, AuditAnchor>();

  async put(anchor: AuditAnchor) {
    if (this.anchors.has(anchor.date)) return false;
    this.anchors.set(anchor.date, z.parse(auditAnchor, anchor));
    return true;
  }

  async list(query: PageQuery) {
    const rows = [...this.anchors.values()].toSorted((a, b) => (a.date < b.date ? -1 : 1));
    return pageOf(structuredClone(rows), query, ({ date }) => date, 'anchors');
  }
}
