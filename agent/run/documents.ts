import * as z from 'zod/mini';
import { reportAnswer } from '#shared/contract/agent/report.ts';
import { indexPointer } from '#shared/contract/index-pointer.ts';
import { byteCount, guid, kbNumber, sha1, sha256, timestamp } from '#shared/contract/primitives.ts';
import { hostStates, updateStates } from '#shared/core/status/states.ts';

/** What a cycle consists of, in its order. `scan` includes the judgement by the rules. */
export const phases = ['pull', 'rules', 'scan', 'lookup', 'report', 'download', 'install'] as const;
export type Phase = (typeof phases)[number];

/** `index.json`: the pointer to the index in the data folder. Written after the bytes are in place and checked. */
export const indexDocument = z.object({
  version: z.literal(1),
  etag: z.optional(z.string()),
  pointer: indexPointer,
  /** Who signed the index, in words. Absent: this was not checked yet. */
  signature: z.exactOptional(z.string()),
});

const identity = { updateId: guid, revision: z.int() };

/** `journal.json`, see agent/core/journal.ts. */
export const journalDocument = z.object({
  version: z.literal(1),
  installs: z.array(
    z.object({
      ...identity,
      attempts: z.int(),
      at: timestamp,
      outcome: z.enum(['running', 'installed', 'failed']),
      error: z.exactOptional(z.string()),
    }),
  ),
  downloads: z.array(z.object({ sha1, attempts: z.int(), at: timestamp, error: z.string() })),
  stored: z.array(z.object({ sha1, sha256, size: byteCount })),
});

/** Something that went wrong in a cycle; the cycle went on as far as it could without it. */
const cycleProblem = z.object({
  phase: z.enum(phases),
  /** Code of AgentError. */
  code: z.string(),
  message: z.string(),
  /** Worth trying again soon. */
  retryable: z.boolean(),
  retryAfterSeconds: z.exactOptional(z.number()),
});
export type CycleProblem = z.infer<typeof cycleProblem>;

const downloadResult = z.discriminatedUnion('outcome', [
  z.object({
    sha1,
    outcome: z.literal('downloaded'),
    bytesReceived: byteCount,
    /** Bytes of an earlier attempt that were used. */
    bytesResumed: byteCount,
  }),
  z.object({ sha1, outcome: z.literal('failed'), code: z.string(), reason: z.string() }),
]);
export type DownloadResult = z.infer<typeof downloadResult>;

const installResult = z.discriminatedUnion('outcome', [
  z.object({ ...identity, outcome: z.literal('installed'), rebootRequired: z.boolean() }),
  z.object({ ...identity, outcome: z.literal('failed'), reason: z.string(), hresult: z.exactOptional(z.string()) }),
]);
export type InstallResult = z.infer<typeof installResult>;

/** What one cycle did and found, as data; also `last-cycle.json`. */
export const cycleResult = z.object({
  version: z.literal(1),
  startedAt: timestamp,
  endedAt: timestamp,
  phases: z.array(z.enum(phases)),
  /** Index that was scanned. `bytesReceived` is 0 when the one in the data folder was still current. */
  index: z.exactOptional(z.object({ sha256, bytes: byteCount, publishedAt: timestamp, bytesReceived: byteCount })),
  rulesRevision: z.exactOptional(z.int()),
  /** Absent when there was no scan, unless that is because of an index that cannot be used. */
  state: z.exactOptional(z.enum(hostStates)),
  /** After the installations, if there were any. */
  updates: z.array(
    z.object({
      ...identity,
      kbs: z.array(kbNumber),
      title: z.exactOptional(z.string()),
      state: z.enum(updateStates),
      reason: z.string(),
      files: z.array(sha1),
    }),
  ),
  needs: z.array(sha1),
  /** The broker's answers to the reports of this cycle, none to two. */
  reports: z.array(reportAnswer),
  downloads: z.array(downloadResult),
  installs: z.array(installResult),
  /** Payloads removed from the data folder because no wanted update needs them any more. */
  removed: z.array(sha1),
  problems: z.array(cycleProblem),
});
export type CycleResult = z.infer<typeof cycleResult>;
