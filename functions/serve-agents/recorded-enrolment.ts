import * as z from 'zod/mini';
import type { AuditEntry, AuditRecord } from '#shared/contract/audit.ts';
import type { HostRecord } from '#shared/contract/host-records.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Enrolled, EnrolmentChange } from '#shared/stores/hosts/port.ts';
import type { AgentPorts } from './ports.ts';

/** Where a request came from. */
export type CallOrigin = Pick<AuditRecord, 'from' | 'requestId'>;

/** Longest reason that is kept of an enrolment that failed. Characters. */
const maxReasonLength = 1000;

/**
 * Makes an enrolment that the audit log knows of: its entry is written when the token was found good, and before the host
 * is. One that then does not come about gets a second entry, which takes the first one back. A write whose answer was lost may
 * have been made all the same: the host's row says whether it was.
 *
 * @throws ProblemError `unavailable` when the entry could not be written; nothing is changed then
 */
export async function recordedEnrolment(
  { audit, hosts, now }: Pick<AgentPorts, 'audit' | 'hosts' | 'now'>,
  { from, requestId }: CallOrigin,
  enrol: (beforeWrite: (change: EnrolmentChange) => Promise<void>) => Promise<Enrolled>,
): Promise<Enrolled> {
  let entry: AuditEntry | undefined;
  let wanted: HostRecord | undefined;
  const record = async ({ before, after }: EnrolmentChange): Promise<void> => {
    wanted = after;
    const { machineId, tokenId } = after;
    const change = {
      at: now().toISOString(),
      actor: { kind: 'host' as const, machineId, tokenId },
      action: 'host.enrol',
      target: machineId,
      ...(before !== undefined && { before: identityOf(before) }),
      after: identityOf(after),
      from,
      requestId,
    };
    entry = await audit.append(change).catch((cause: unknown) => {
      throw new ProblemError('unavailable', 'the audit log could not be written, so nobody was enrolled', { cause });
    });
  };
  const takeBack = async (why: string): Promise<void> => {
    if (entry === undefined) return;
    const { number, actor, action, target } = entry;
    const failed = { number, reason: why.slice(0, maxReasonLength) };
    await audit.append({ at: now().toISOString(), actor, action, target, from, requestId, failed });
  };
  const cameAbout = async (): Promise<boolean> =>
    wanted !== undefined && (await hosts.find(wanted.machineId))?.thumbprint === wanted.thumbprint;

  let enrolled: Enrolled;
  try {
    enrolled = await enrol(record);
  } catch (error) {
    if (!(await cameAbout())) await takeBack(error instanceof Error ? error.message : String(error));
    throw error;
  }
  if (enrolled.outcome !== 'enrolled') await takeBack(`something else came first: ${enrolled.outcome}`);
  return enrolled;
}

/** What of a host an enrolment decides. */
const identityOf = ({ group, hostname, os, thumbprint, tokenId }: HostRecord) =>
  z.parse(z.json(), { group, hostname, os, thumbprint, tokenId });
