import type { HostState, UpdateState } from '../status/states.ts';
import type { ReceivedInMonth } from './received.ts';

/** What a row of a host says, as far as the snapshot of the fleet keeps it. Times are milliseconds since 1970. */
export interface HostRow {
  readonly machineId: string;
  readonly hostname: string;
  readonly os: string;
  readonly osVersion: string;
  readonly agentVersion: string;
  readonly group: string;
  readonly state: HostState;
  readonly enrolledAt: number;
  readonly lastSeenAt: number;
  readonly reportedAt?: number;
  readonly revokedAt?: number;
  /** Other machines that used its key. */
  readonly clones: number;
  /** Of the last request that was accepted. */
  readonly sequence: number;
  /** What it received in the month of its last download. */
  readonly received?: ReceivedInMonth;
}

/** One update in its identity, with what people call it. */
export interface UpdateName {
  readonly updateId: string;
  readonly revision: number;
  readonly kbs: readonly string[];
  readonly title?: string;
}

/** An update on a host. */
export interface UpdateOnHost extends UpdateName {
  readonly state: UpdateState;
}

/** The last good report of a host. */
export interface ReportRow {
  readonly machineId: string;
  /** Grows with each report of a host. */
  readonly reportVersion: number;
  readonly reportedAt: number;
  readonly updates: readonly UpdateOnHost[];
}

/** One row of the table of hosts as it stands after a change. */
export type FleetChange =
  | { readonly kind: 'host'; readonly host: HostRow }
  | { readonly kind: 'report'; readonly report: ReportRow }
  /** The row is gone. `at` is when, to the second below. */
  | { readonly kind: 'removed'; readonly machineId: string; readonly item: 'host' | 'report'; readonly at: number }
  /** The row does not parse. */
  | { readonly kind: 'unreadable'; readonly machineId: string; readonly item: string };

export const machineOf = (change: FleetChange): string => {
  switch (change.kind) {
    case 'host':
      return change.host.machineId;
    case 'report':
      return change.report.machineId;
    default:
      return change.machineId;
  }
};

/** A host that came into the state ERROR. */
export interface FailingHost {
  readonly machineId: string;
  readonly hostname: string;
  readonly group: string;
  /** When the broker last saw it. */
  readonly at: number;
}

/** A host in the lists. */
export interface FleetHost extends HostRow {
  /** Of the updates of its last report. */
  readonly counts: Readonly<Record<UpdateState, number>>;
}

/**
 * Says which of two rows of one host is the later one: below 0 when `a` is older, 0 when they are of the same time.
 *
 * An enrolment begins the numbers of a host anew. A revocation and a noted clone leave them as they are, and are never
 * taken back before the next enrolment.
 */
export function compareHostRows(a: HostRow, b: HostRow): number {
  return (
    a.enrolledAt - b.enrolledAt ||
    a.sequence - b.sequence ||
    Number(a.revokedAt !== undefined) - Number(b.revokedAt !== undefined) ||
    a.clones - b.clones
  );
}

/**
 * The partition of a machine: FNV-1a over the code units of its id, so that whoever reads the snapshot comes to the same
 * number.
 */
export function partitionOf(machineId: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < machineId.length; index++) {
    hash = Math.imul(hash ^ machineId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

/** Hosts of one partition above which the snapshot is divided further. */
const hostsPerPartition = 12_500;

/**
 * How many partitions a fleet of so many hosts has: few objects while it is small, because each touched one costs a
 * write, and more when one would take long to write.
 */
export function partitionsFor(hosts: number, maximum: number): number {
  let partitions = 1;
  while (partitions * 2 <= maximum && hosts > partitions * hostsPerPartition) partitions *= 2;
  return partitions;
}
