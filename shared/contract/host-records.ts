/**
 * Rows of the table `hosts`. Its stream carries them to the function that counts the fleet, so they are shapes that cross a
 * process. The row `host` is written at each check-in and stays below 1 KB, one write unit; the report lies beside it in a
 * row of its own, which is written when it changes.
 */
import * as z from 'zod/mini';
import { hostStates, updateStates } from '../core/status/states.ts';
import { receivedInMonth } from './agent/check-in.ts';
import { groupName, hostPublicKey, keyThumbprint } from './agent/identity.ts';
import { hostFacts, hostReport, scanMoment } from './agent/report.ts';
import { machineId, sha1, sha256, shortText, timestamp } from './primitives.ts';

/** Sort key of each row of a machine; `beat` is that of rows that say how far the stream was read (fleet-snapshot.ts). */
export const hostItems = {
  host: 'host',
  report: 'report',
  rejected: 'rejected',
  openings: 'openings',
  key: 'key',
  beat: 'beat',
} as const;

const { hostname, os, osVersion, architecture, agentVersion } = hostFacts.shape;

/** Identity and state of one host. */
export const hostRecord = z.object({
  machineId,
  item: z.literal(hostItems.host),
  version: z.literal(2),
  group: groupName,
  hostname,
  os,
  osVersion,
  architecture,
  agentVersion,
  state: z.enum(hostStates),
  /** Of the last good report; all 0 before the first. */
  counts: z.record(z.enum(updateStates), z.int()),
  publicKey: hostPublicKey,
  thumbprint: keyThumbprint,
  /** The token that it was enrolled with. */
  tokenId: z.string(),
  enrolledAt: timestamp,
  /** Of the last request that was accepted. */
  sequence: z.int().check(z.nonnegative()),
  lastSeenAt: timestamp,
  /** Requests that it may still make at once, and when that was so: milliseconds since 1970. */
  allowance: z.object({ left: z.number(), at: z.int() }),
  /** 0 before the first report; grows by one with each that is stored. */
  reportVersion: z.int().check(z.nonnegative()),
  reportHash: z.optional(sha256),
  reportedAt: z.optional(timestamp),
  /** When it was last scanned with the result that is stored. */
  scannedAt: z.optional(timestamp),
  revokedAt: z.optional(timestamp),
  /** In the words of the person who revoked the key. */
  revocationReason: z.optional(shortText),
  /** Until then it is asked to check in often, because commands are going on. */
  livelyUntil: z.optional(timestamp),
  /** What it received, as it said at its last check-in. */
  received: z.exactOptional(receivedInMonth),
  /** Machines that used its key, the latest ten. */
  clones: z.optional(z.array(z.object({ machineId, at: timestamp })).check(z.maxLength(10))),
});
export type HostRecord = z.infer<typeof hostRecord>;

/** The last good report of a host. `body` is {@link reportBody} as gzipped JSON. */
export const reportRecord = z.object({
  machineId,
  item: z.literal(hostItems.report),
  version: z.literal(2),
  reportVersion: z.int().check(z.positive()),
  hash: sha256,
  reportedAt: timestamp,
  scan: scanMoment,
  body: z.instanceof(Uint8Array),
});
export type ReportRecord = z.infer<typeof reportRecord>;

export const reportBody = z.object({
  report: hostReport,
  refused: z.array(z.object({ sha1, reason: z.string() })),
});
export type ReportBody = z.infer<typeof reportBody>;
