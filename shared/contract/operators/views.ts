import * as z from 'zod/mini';
import { hostStates, updateStates } from '../../core/status/states.ts';
import { hostReport } from '../agent/report.ts';
import { byteCount, machineId, sha1, timestamp } from '../primitives.ts';
import { fileRequest } from '../requests.ts';
import { indexView } from './index-sync.ts';

const updateCounts = z.record(z.enum(updateStates), z.int());

/** One line of the list of hosts. */
export const hostSummary = z.object({
  machineId,
  hostname: z.string(),
  os: z.string(),
  state: z.enum(hostStates),
  counts: updateCounts,
  reportedAt: timestamp,
});
export type HostSummary = z.infer<typeof hostSummary>;

/** The last good report of a host and what was refused of it. */
export const hostView = z.object({
  version: z.literal(1),
  summary: hostSummary,
  report: hostReport,
  refused: z.array(z.object({ sha1, reason: z.string() })),
});
export type HostView = z.infer<typeof hostView>;

export const hostsPage = z.object({
  version: z.literal(1),
  hosts: z.array(hostSummary),
  /** Rows in the store that could not be parsed: named, never dropped in silence. */
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});
export const requestsPage = z.object({
  version: z.literal(1),
  requests: z.array(fileRequest),
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});

export const sweepResult = z.object({
  version: z.literal(1),
  /** Requests put on the queue by this sweep. */
  queued: z.int(),
  /** Of these, requests whose earlier delivery got lost (lease or queue time lapsed). */
  requeued: z.int(),
});
export type SweepResult = z.infer<typeof sweepResult>;

export const statusView = z.object({
  version: z.literal(1),
  index: indexView,
  hosts: z.object({ total: z.int(), byState: z.record(z.enum(hostStates), z.int()) }),
  requests: z.object({ byState: z.record(z.enum(['open', 'queued', 'fetching', 'done', 'failed']), z.int()) }),
  payloads: z.object({ files: z.int(), bytes: byteCount }),
});
export type StatusView = z.infer<typeof statusView>;
