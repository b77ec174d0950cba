import { gzipSync } from 'node:zlib';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import type { HostRecord } from '#shared/contract/host-records.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import type { RowChange } from '#shared/lambda/stream-handler.ts';
import type { RawRow } from '#shared/stores/fleet/port.ts';
import { at, guid, hostFactsOf, hostKeyOf, reportOf, sha256 } from './values.ts';

/** Rows of the table of hosts, as the store of hosts writes them. */

export const hostRowOf = (machineId: string, more: Partial<HostRecord> = {}): HostRecord => ({
  ...hostFactsOf(machineId),
  machineId,
  item: 'host',
  version: 2,
  group: 'default',
  state: 'OK',
  counts: { OK: 0, PENDING: 0, MISSING: 0, DISCARDED: 0, ERROR: 0, SUPERSEDED: 0 },
  ...hostKeyOf(machineId),
  tokenId: 'token',
  enrolledAt: at(0),
  sequence: 1,
  lastSeenAt: at(0),
  allowance: { left: 1, at: 0 },
  reportVersion: 0,
  ...more,
});

export const reportRowOf = (
  machineId: string,
  reportVersion: number,
  states: Readonly<Record<number, UpdateState>>,
): RawRow => {
  const updates = Object.entries(states).map(
    ([n, state]): ReportedUpdate => ({
      updateId: guid(Number(n)),
      revision: 1,
      kbs: ['5000001'],
      state,
      reason: 'because',
      files: [],
    }),
  );
  const body = gzipSync(JSON.stringify({ report: reportOf(machineId, { updates }), refused: [] }));
  return {
    machineId,
    item: 'report',
    version: 2,
    reportVersion,
    hash: sha256(`${machineId} ${reportVersion}`),
    reportedAt: at(reportVersion),
    scan: { at: at(0), milliseconds: 1 },
    body: new Uint8Array(body),
  };
};

/** The change that wrote a row. */
export const changeTo = (row: RawRow, seconds = 0): RowChange => ({
  at: Date.parse(at(seconds)),
  keys: { machineId: row.machineId, item: row.item },
  row,
});
