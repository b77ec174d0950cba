import type { HostSummary, HostView } from '#shared/contract/operators/hosts.ts';
import type { ProblemCode } from '#shared/contract/problem.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';

/** Answers of the API that tests of commands are made of. */

/** ISO time so many seconds into a fixed day, as `at` of the tests' kit. */
const at = (seconds: number): string => new Date(Date.UTC(2026, 6, 14, 12, 0, seconds)).toISOString();

/** A refusal, as it travels. */
export function refusal(code: ProblemCode, detail: string): { readonly status: number; readonly body: unknown } {
  const body = new ProblemError(code, detail).toProblem();
  return { status: body.status, body };
}

/** When the snapshot of the fleet was made. */
export const snapshot = { asOf: at(0), ageSeconds: 90 };

const noUpdates = { OK: 0, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 };

export const hostSummaryOf = (machineId: string, more: Partial<HostSummary> = {}): HostSummary => ({
  machineId,
  hostname: `${machineId}.example`,
  os: 'Windows 11 Enterprise',
  osVersion: '10.0.26100.1742',
  agentVersion: '0.1.0',
  group: 'pilots',
  state: 'OK',
  counts: noUpdates,
  enrolledAt: at(0),
  lastSeenAt: at(5),
  reportedAt: at(4),
  cloned: false,
  ...more,
});

export const hostViewOf = (machineId: string, more: Partial<HostView> = {}): HostView => ({
  version: 2,
  summary: hostSummaryOf(machineId),
  keyThumbprint: 'k'.repeat(43),
  clones: [],
  last: {
    report: {
      version: 2,
      host: {
        machineId,
        hostname: `${machineId}.example`,
        os: 'Windows 11 Enterprise',
        osVersion: '10.0.26100.1742',
        architecture: 'amd64',
        agentVersion: '0.1.0',
      },
      indexSha256: 'a'.repeat(64),
      rulesRevision: 1,
      updates: [],
      needs: [],
    },
    hash: 'b'.repeat(64),
    scan: { at: at(3), milliseconds: 12 },
    refused: [],
  },
  ...more,
});

export const hostsPageOf = (hosts: readonly HostSummary[], more: object = {}) => ({
  version: 2,
  ...snapshot,
  total: hosts.length,
  hosts,
  unreadable: [],
  ...more,
});
