import * as z from 'zod/mini';
import { hostStates, updateStates } from '../../core/status/states.ts';
import { receivedInMonth } from '../agent/check-in.ts';
import { groupName } from '../agent/identity.ts';
import { hostReport, scanMoment } from '../agent/report.ts';
import { guid, kbNumber, machineId, sha1, sha256, shortText, storedText, timestamp } from '../primitives.ts';

/** Updates by their state on hosts, or hosts by the state of an update. */
const updateCounts = z.record(z.enum(updateStates), z.int());
const hostCounts = z.record(z.enum(hostStates), z.int());

/** One line of the list of hosts. */
export const hostSummary = z.object({
  machineId,
  hostname: z.string(),
  os: z.string(),
  osVersion: z.string(),
  agentVersion: z.string(),
  group: groupName,
  state: z.enum(hostStates),
  counts: updateCounts,
  enrolledAt: timestamp,
  /** When it last checked in. */
  lastSeenAt: timestamp,
  /** When its last report arrived; absent before the first. */
  reportedAt: z.optional(timestamp),
  /** When its key was revoked. */
  revokedAt: z.optional(timestamp),
  /** True: its key came from another machine too. */
  cloned: z.boolean(),
});
export type HostSummary = z.infer<typeof hostSummary>;

/** What came from a host and did not parse; its last good report stays. */
const rejectedReport = z.object({ at: timestamp, reason: z.string(), bytes: z.int() });

/** Another machine that used the key of this host. */
const cloneSeen = z.object({ machineId, at: timestamp });

/** All that is known of one host, read live. */
export const hostView = z.object({
  version: z.literal(2),
  summary: hostSummary,
  keyThumbprint: z.string(),
  /** Why the key was revoked, in the words of who did it. */
  revocationReason: z.optional(z.string()),
  clones: z.array(cloneSeen),
  /** What it received in the month of its last download, as it counts it. */
  received: z.exactOptional(receivedInMonth),
  /** The last good report, its hash, when the machine was looked at, and what was refused of it. */
  last: z.optional(
    z.object({
      report: hostReport,
      hash: sha256,
      scan: scanMoment,
      refused: z.array(z.object({ sha1, reason: z.string() })),
    }),
  ),
  rejected: z.optional(rejectedReport),
  /** What is kept of the host and does not parse, in words; it is absent above. */
  unreadable: z.optional(z.array(z.string())),
});
export type HostView = z.infer<typeof hostView>;

/**
 * Lists of the fleet come from a snapshot: the moment that it stands for, and how long ago that is. Before the first change
 * came through, that is the beginning of 1970.
 */
const fromSnapshot = { asOf: timestamp, ageSeconds: z.number().check(z.nonnegative()) };

/** What a list of hosts can be ordered by. */
export const hostSorts = ['machineId', 'hostname', 'group', 'os', 'state', 'lastSeenAt', 'reportedAt'] as const;
/** Directions of the lists that can be turned around. */
export const listOrders = ['ascending', 'descending'] as const;

export const hostsPage = z.object({
  version: z.literal(2),
  ...fromSnapshot,
  /** Hosts that the filter matches, over all pages. */
  total: z.int(),
  hosts: z.array(hostSummary),
  /** Rows that the snapshot could not be made of: named, never dropped in silence. */
  unreadable: z.array(z.string()),
  next: z.optional(z.string()),
});
export type HostsPage = z.infer<typeof hostsPage>;

/** One update as hosts reported it, and how many have it in which state. */
const reportedUpdateCounts = z.object({
  updateId: guid,
  revision: z.int(),
  kbs: z.array(kbNumber),
  title: z.optional(shortText),
  hosts: updateCounts,
});

export const reportedUpdatesPage = z.object({
  version: z.literal(1),
  ...fromSnapshot,
  total: z.int(),
  /** Those that most hosts lack first. */
  updates: z.array(reportedUpdateCounts),
  next: z.optional(z.string()),
});

const groupSummary = z.object({ group: groupName, hosts: z.int(), byState: hostCounts });

export const groupsView = z.object({ version: z.literal(1), ...fromSnapshot, groups: z.array(groupSummary) });
export const groupView = z.object({
  version: z.literal(1),
  ...fromSnapshot,
  group: groupSummary,
  /** Updates by their state on the hosts of the group. */
  updates: updateCounts,
});

/** Why a key is revoked, for people. */
export const revocation = z.object({ version: z.literal(1), reason: z.optional(storedText) });

export const fleetCounts = z.object({ ...fromSnapshot, total: z.int(), byState: hostCounts });
