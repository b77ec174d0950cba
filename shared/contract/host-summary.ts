import type { HostRecord } from './host-records.ts';
import type { HostSummary } from './operators/hosts.ts';

/** The line of a host in the list of hosts, from its row. */
export function summaryOf(record: HostRecord): HostSummary {
  const { machineId, hostname, os, osVersion, agentVersion, group, state, counts, enrolledAt, lastSeenAt } = record;
  return {
    machineId,
    hostname,
    os,
    osVersion,
    agentVersion,
    group,
    state,
    counts,
    enrolledAt,
    lastSeenAt,
    ...(record.reportedAt !== undefined && { reportedAt: record.reportedAt }),
    ...(record.revokedAt !== undefined && { revokedAt: record.revokedAt }),
    cloned: (record.clones ?? []).length > 0,
  };
}
