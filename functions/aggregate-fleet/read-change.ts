import { gunzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { fleetBeat, fleetBeats } from '#shared/contract/fleet-snapshot.ts';
import { type HostRecord, hostItems, hostRecord, reportBody, reportRecord } from '#shared/contract/host-records.ts';
import type { FleetChange, HostRow, ReportRow } from '#shared/core/fleet/model.ts';
import type { RowChange } from '#shared/lambda/stream-handler.ts';
import type { RawRow } from '#shared/stores/fleet/port.ts';

/** A beat that came through the stream. */
export interface Beat {
  readonly kind: 'beat';
  readonly number: number;
  readonly at: number;
}

/** Bytes of an unpacked report at most: more than any that is stored, and no more than the function has room for. */
const maxReportBytes = 64 * 1024 * 1024;

/** What a change of the table says of the fleet; `undefined` for rows that are nothing of it. Never throws. */
export function readChange({ at, keys, row }: RowChange): FleetChange | Beat | undefined {
  if (row !== undefined) return readRow(row);
  const { machineId, item } = keyOf(keys);
  if (item !== hostItems.host && item !== hostItems.report) return undefined;
  return { kind: 'removed', machineId, item, at };
}

/** The same of a row as it is read from the table. */
export function readRow(row: RawRow): FleetChange | Beat | undefined {
  const { machineId, item } = keyOf(row);
  switch (item) {
    case hostItems.key:
    case hostItems.rejected:
    case hostItems.openings:
      return undefined;
    case hostItems.beat: {
      const parsed = z.safeParse(fleetBeat, row);
      const number = Number(machineId.slice(fleetBeats.keyPrefix.length));
      if (!parsed.success || !(number >= 0 && number < fleetBeats.count)) break;
      return { kind: 'beat', number, at: Date.parse(parsed.data.at) };
    }
    case hostItems.host: {
      const parsed = z.safeParse(hostRecord, row);
      if (!parsed.success) break;
      return { kind: 'host', host: hostRow(parsed.data) };
    }
    case hostItems.report: {
      const report = reportRow(row);
      if (report === undefined) break;
      return { kind: 'report', report };
    }
  }
  return { kind: 'unreadable', machineId, item };
}

const keyOf = (row: RawRow): { readonly machineId: string; readonly item: string } => ({
  machineId: String(row.machineId),
  item: String(row.item),
});

function hostRow(record: HostRecord): HostRow {
  const { machineId, hostname, os, osVersion, agentVersion, group, state, sequence, reportedAt, revokedAt } = record;
  const { received } = record;
  return {
    machineId,
    hostname,
    os,
    osVersion,
    agentVersion,
    group,
    state,
    enrolledAt: Date.parse(record.enrolledAt),
    lastSeenAt: Date.parse(record.lastSeenAt),
    ...(reportedAt !== undefined && { reportedAt: Date.parse(reportedAt) }),
    ...(revokedAt !== undefined && { revokedAt: Date.parse(revokedAt) }),
    clones: record.clones?.length ?? 0,
    sequence,
    ...(received !== undefined && { received }),
  };
}

function reportRow(row: RawRow): ReportRow | undefined {
  const parsed = z.safeParse(reportRecord, row);
  if (!parsed.success) return undefined;
  const { machineId, reportVersion, reportedAt, body } = parsed.data;
  let json: unknown;
  try {
    json = JSON.parse(gunzipSync(body, { maxOutputLength: maxReportBytes }).toString());
  } catch {
    // Named as unreadable, like a row that parses and is of another shape.
    return undefined;
  }
  const unpacked = z.safeParse(reportBody, json);
  if (!unpacked.success) return undefined;
  const updates = unpacked.data.report.updates.map(({ updateId, revision, kbs, title, state }) => ({
    updateId,
    revision,
    kbs,
    ...(title !== undefined && { title }),
    state,
  }));
  return { machineId, reportVersion, reportedAt: Date.parse(reportedAt), updates };
}
