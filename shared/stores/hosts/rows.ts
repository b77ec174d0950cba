import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import type { HostFacts, HostReport } from '../../contract/agent/report.ts';
import {
  type HostRecord,
  hostItems,
  hostRecord,
  type ReportBody,
  type ReportRecord,
  reportBody,
  reportRecord,
} from '../../contract/host-records.ts';
import { summaryOf } from '../../contract/host-summary.ts';
import type { HostView } from '../../contract/operators/hosts.ts';
import { machineId, timestamp } from '../../contract/primitives.ts';
import { hostStateOf, type UpdateState } from '../../core/status/states.ts';
import type { Item } from '../dynamodb/batches.ts';
import { parseAll } from '../dynamodb/rows.ts';
import { StoreError } from '../store-error.ts';
import { hostsBinding } from './binding.ts';
import {
  clonePause,
  maxClones,
  maxRejectedBytes,
  maxRejectedReason,
  maxStoredReportBytes,
  rejectedDays,
} from './limits.ts';
import type { NewHost, StoredReport } from './port.ts';

/** Rows of the table `hosts`, from values and back. What others read of them is in shared/contract/host-records.ts. */

const { partitionKey, sortKey, timeToLive } = hostsBinding.table;

export const itemKey = (id: string, item: keyof typeof hostItems) => ({
  [partitionKey]: id,
  [sortKey]: hostItems[item],
});

/** A key is a partition of its own, so that it belongs to one machine at most. No machine id has a `#`. */
export const keyPartition = (thumbprint: string): string => `key#${thumbprint}`;

/** Which machine a key belongs to. */
export const keyRow = z.object({ version: z.literal(1), owner: machineId, at: timestamp });

/** A body that did not parse, for support. */
export const rejectedRow = z.object({
  version: z.literal(1),
  at: timestamp,
  reason: z.string(),
  /** Length of the whole, of which `body` may be the beginning. */
  bytes: z.int(),
  body: z.instanceof(Uint8Array),
});

/** How many files a host had fetched on a day. */
export const openingsRow = z.object({
  version: z.literal(1),
  day: z.iso.date(),
  count: z.int().check(z.nonnegative()),
});
export type OpeningsRow = z.infer<typeof openingsRow>;

/**
 * The count after some more were taken, as many as the bound leaves.
 *
 * @param before `undefined` when nothing was counted yet
 */
export function withOpenings(
  before: Pick<OpeningsRow, 'day' | 'count'> | undefined,
  { day, wanted, limit }: { readonly day: string; readonly wanted: number; readonly limit: number },
): { readonly taken: number; readonly after: Pick<OpeningsRow, 'day' | 'count'> } {
  const current = before === undefined || before.day < day ? { day, count: 0 } : before;
  const taken = Math.max(0, Math.min(wanted, limit - current.count));
  return { taken, after: { day: current.day, count: current.count + taken } };
}

const noCounts: Record<UpdateState, number> = { OK: 0, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 };

/**
 * Facts of a host as its row has them. DynamoDB refuses texts that are no Unicode, which JSON can carry: half a surrogate
 * pair becomes U+FFFD.
 */
export const factsOfRow = ({ hostname, os, osVersion, architecture, agentVersion }: HostFacts) => ({
  hostname: hostname.toWellFormed(),
  os: os.toWellFormed(),
  osVersion: osVersion.toWellFormed(),
  architecture,
  agentVersion: agentVersion.toWellFormed(),
});

/**
 * The row of a host that enrols.
 *
 * @param replaced row of the same machine with another key; its report stays, what was known of the key does not
 */
export function newRecord(
  { host, publicKey, thumbprint, tokenId, sequence, at }: NewHost,
  group: string,
  replaced: HostRecord | undefined,
): HostRecord {
  const {
    revokedAt: _,
    revocationReason: __,
    clones: ___,
    ...kept
  } = replaced ?? {
    state: 'UNKNOWN' as const,
    counts: noCounts,
    allowance: { left: 0, at: 0 },
    reportVersion: 0,
  };
  return {
    ...kept,
    ...factsOfRow(host),
    machineId: host.machineId,
    item: hostItems.host,
    version: 2,
    group,
    publicKey,
    thumbprint,
    tokenId,
    enrolledAt: at,
    sequence,
    lastSeenAt: at,
  };
}

/** What the row of a host has of its report. */
export function stateOfRow(report: HostReport): Pick<HostRecord, 'state' | 'counts'> {
  const counts = { ...noCounts };
  for (const { state } of report.updates) counts[state] += 1;
  const states = [...report.updates, ...(report.packages ?? [])].map(({ state }) => state);
  return { state: hostStateOf(states, report.indexProblem ?? report.trustProblem), counts };
}

/** @throws StoreError `refused` when it is too large to be kept */
export function packReport(id: string, body: ReportBody): Uint8Array {
  const packed = gzipSync(JSON.stringify(z.parse(reportBody, body)));
  if (packed.byteLength > maxStoredReportBytes)
    throw new StoreError(
      'refused',
      `the report of ${id} has ${packed.byteLength} bytes gzipped, at most ${maxStoredReportBytes} are stored`,
    );
  return packed;
}

/** @throws StoreError `corrupt` */
export function unpackReport({ machineId: id, body, ...record }: ReportRecord): StoredReport {
  const { hash, reportVersion, reportedAt, scan } = record;
  try {
    const { report, refused } = z.parse(reportBody, JSON.parse(gunzipSync(body).toString()));
    return { report, refused, hash, reportVersion, reportedAt, scan };
  } catch (cause) {
    throw new StoreError('corrupt', `the stored report of ${id} does not parse`, { cause });
  }
}

/** The clones on a row after one was seen; `undefined` when it is not to be noted. */
export function withClone(
  clones: NonNullable<HostRecord['clones']>,
  { machineId: clone, at }: { readonly machineId: string; readonly at: string },
): HostRecord['clones'] {
  const noted = clones.some(
    (one) => one.machineId === clone || Math.abs(Date.parse(at) - Date.parse(one.at)) < clonePause,
  );
  return noted ? undefined : [...clones, { machineId: clone, at }].slice(-maxClones);
}

/** What is kept of a body that did not parse. */
export function rejectedItem({ at, reason, body }: { at: string; reason: string; body: Uint8Array }) {
  return {
    version: 1 as const,
    at,
    reason: reason.slice(0, maxRejectedReason).toWellFormed(),
    bytes: body.byteLength,
    body: body.subarray(0, maxRejectedBytes),
    [timeToLive]: Math.floor(Date.parse(at) / 1000) + rejectedDays * 24 * 3600,
  };
}

/**
 * All of a host, for people, from the rows of its partition. What stands beside its own row and does not parse is named in
 * words: who the host is must be seen all the same.
 *
 * @throws StoreError `corrupt` for the host's own row
 */
export function viewOf(table: string, items: readonly Item[]): HostView | undefined {
  const read = <S extends z.ZodMiniType>(schema: S, item: string): z.output<S> | undefined =>
    parseAll(
      schema,
      partitionKey,
      table,
      items.filter((row) => row[sortKey] === item),
    )[0];
  const record = read(hostRecord, hostItems.host);
  if (record === undefined) return undefined;
  const unreadable: string[] = [];
  const unlessDamaged = <T>(name: string, parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      unreadable.push(`the ${name} report does not parse`);
      return undefined;
    }
  };
  const stored = unlessDamaged('stored', () => {
    const row = read(reportRecord, hostItems.report);
    return row && unpackReport(row);
  });
  const rejected = unlessDamaged('rejected', () => read(rejectedRow, hostItems.rejected));
  return { ...hostViewOf(record, stored, rejected), ...(unreadable.length > 0 && { unreadable }) };
}

/** All of a host, for people. */
export function hostViewOf(
  record: HostRecord,
  stored: StoredReport | undefined,
  rejected: Pick<z.infer<typeof rejectedRow>, 'at' | 'reason' | 'bytes'> | undefined,
): HostView {
  return {
    version: 2,
    summary: summaryOf(record),
    keyThumbprint: record.thumbprint,
    ...(record.revocationReason !== undefined && { revocationReason: record.revocationReason }),
    clones: record.clones ?? [],
    ...(record.received && { received: record.received }),
    ...(stored && {
      last: {
        report: stored.report,
        hash: stored.hash,
        // A later scan with the same result is noted on the host's row alone.
        scan: { ...stored.scan, at: record.scannedAt ?? stored.scan.at },
        refused: stored.refused,
      },
    }),
    ...(rejected && { rejected: { at: rejected.at, reason: rejected.reason, bytes: rejected.bytes } }),
  };
}
