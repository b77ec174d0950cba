import type { AuditAnchor } from '#shared/contract/audit.ts';
import { chainStart } from '#shared/contract/audit-chain.ts';
import type { AuditAnchorStore, AuditLog } from '#shared/stores/audit/port.ts';

export interface AnchorPorts {
  readonly audit: Pick<AuditLog, 'head'>;
  readonly anchors: Pick<AuditAnchorStore, 'put'>;
  readonly now: () => Date;
}

/** What a run came to. `already`: this day had its anchor before, which stays. */
export interface AnchorReport {
  readonly outcome: 'anchored' | 'already';
  readonly anchor: AuditAnchor;
}

/**
 * Keeps the head of the audit log as the anchor of this day (UTC). From then on the entries up to it cannot be changed
 * without its being seen, by whomever.
 */
export async function anchorAudit({ audit, anchors, now }: AnchorPorts): Promise<AnchorReport> {
  const at = now().toISOString();
  const { number, hash } = (await audit.head()) ?? chainStart;
  const anchor: AuditAnchor = { version: 1, date: at.slice(0, 10), number, hash, at };
  return { outcome: (await anchors.put(anchor)) ? 'anchored' : 'already', anchor };
}
