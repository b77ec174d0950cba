import * as z from 'zod/mini';
import type { AuditRecord } from '#shared/contract/audit.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { AuditLog } from '#shared/stores/audit/port.ts';
import type { Caller } from './ports.ts';

export interface AuditPorts {
  readonly audit: Pick<AuditLog, 'append'>;
  readonly now: () => Date;
}

/** What is about to change. */
export interface Change extends Pick<AuditRecord, 'action' | 'target'> {
  /** As it is and as it will be; must be JSON, and must not hold a secret. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Longest reason that is kept of a change that failed. Characters. */
const maxReasonLength = 1000;

/**
 * Makes a change that the audit log knows of. The entry is written first: what cannot be written down is not done. A
 * change that then fails gets a second entry, which says so: so `change` is the write alone, and what is read for the answer
 * comes after it. A write whose answer was lost may have been made all the same, and nobody can tell: the second entry says
 * that the change ended in a failure, not that it was not made.
 *
 * @throws ProblemError `unavailable` when the entry could not be written; else what the change threw
 */
export async function audited<T>(
  { audit, now }: AuditPorts,
  { caller, from, requestId }: Caller,
  { action, target, before, after }: Change,
  change: () => Promise<T>,
): Promise<T> {
  const actor = { kind: 'person' as const, subject: caller.subject, name: caller.name, role: caller.role };
  const recordNow = () => ({ at: now().toISOString(), actor, action, target, from, requestId });
  const values = {
    ...(before !== undefined && { before: asJson(before) }),
    ...(after !== undefined && { after: asJson(after) }),
  };
  const { number } = await audit.append({ ...recordNow(), ...values }).catch((cause: unknown) => {
    throw new ProblemError('unavailable', 'the audit log could not be written, so nothing was changed', { cause });
  });
  try {
    return await change();
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).slice(0, maxReasonLength);
    await audit.append({ ...recordNow(), failed: { number, reason } }).catch((cause: unknown) => {
      const detail = `the change is not known to be made (${reason}), and the audit log could not be told so: entry ${number} stands`;
      throw new ProblemError('unavailable', detail, { cause: new AggregateError([error, cause], detail) });
    });
    throw error;
  }
}

/** Without members that are undefined, as it is stored. */
const asJson = (value: unknown) => z.parse(z.json(), JSON.parse(JSON.stringify(value)));
