import type { HostReport } from '../../contract/agent/report.ts';
import type { HostSummary } from '../../contract/operators/views.ts';
import { hostStateOf, type UpdateState } from '../../core/status/states.ts';

/** The line of a host in the list of hosts, from its report. `reportedAt` is when the broker received it. */
export function summaryOf(report: HostReport, receivedAt: string): HostSummary {
  const counts: Record<UpdateState, number> = { OK: 0, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 };
  for (const { state } of report.updates) counts[state] += 1;
  return {
    machineId: report.host.machineId,
    hostname: report.host.hostname,
    os: report.host.os,
    state: hostStateOf(
      report.updates.map(({ state }) => state),
      report.indexProblem,
    ),
    counts,
    reportedAt: receivedAt,
  };
}

/**
 * Milliseconds since 1970 that order the reports of one host: when it scanned. A host whose clock is ahead cannot lock
 * out its own later reports, because the scan counts as no later than its arrival.
 */
export function reportOrder(report: HostReport, receivedAt: string): number {
  return Math.min(Date.parse(report.scannedAt), Date.parse(receivedAt));
}
