import * as z from 'zod/mini';
import { groupName, keyThumbprint } from '#shared/contract/agent/identity.ts';
import { hostReport, reportAnswer } from '#shared/contract/agent/report.ts';
import { commandId, commandOutcome, commandVerb } from '#shared/contract/commands.ts';
import { packageManifest, reportedPackage } from '#shared/contract/packages.ts';
import { byteCount, guid, kbNumber, machineId, sha1, sha256, timestamp } from '#shared/contract/primitives.ts';
import { hostRules } from '#shared/contract/rules.ts';
import { hostStates, updateStates } from '#shared/core/status/states.ts';
import { phases } from '../core/phases.ts';

/** `identity.json`: what the enrolment gave. Without it there is no host; the key is beside it (ports/identity.ts). */
export const identityDocument = z.object({
  version: z.literal(1),
  /** Address of the broker's API that the host enrolled at. */
  server: z.string(),
  /** How the broker wants to be named in proofs. */
  audience: z.string(),
  group: groupName,
  repositoryUrl: z.string(),
  /** The machine at enrolment. Proofs name the machine of now, so that a copy shows itself. */
  machineId,
  /** Of the key that was enrolled. */
  thumbprint: keyThumbprint,
  enrolledAt: timestamp,
  /** Digest of the repository's first root.json, when the token carried one. */
  rootSha256: z.exactOptional(sha256),
  /** Sequence numbers up to this one may have been used. */
  sequence: z.int().check(z.nonnegative()),
});
export type IdentityDocument = z.infer<typeof identityDocument>;

/** `accepted-report.json`: the last report that the broker took, which the next changes are made from. */
export const acceptedReportDocument = z.object({
  version: z.literal(1),
  hash: sha256,
  /** When the machine was last scanned with this same result. */
  scannedAt: timestamp,
  report: hostReport,
});
export type AcceptedReport = z.infer<typeof acceptedReportDocument>;

/** `rules.json`: the signed rules that count on this host, and what proved them. Versions 1 and 2 did not say that. */
export const rulesDocument = z.extend(hostRules, {
  version: z.literal(3),
  /** The pinned root that they were proved with. */
  rootSha256: sha256,
  /** The enrolment that they were read for. */
  enrolment: z.object({ machineId, group: groupName }),
  /** The group that the host is in by them. */
  group: groupName,
});
export type StoredRules = z.infer<typeof rulesDocument>;

/** `packages.json`: the signed packages that are for this host, and what proved them. */
export const packagesDocument = z.object({
  version: z.literal(1),
  rootSha256: sha256,
  enrolment: z.object({ machineId, group: groupName }),
  /** Of the role `custom`; an older one is not believed any more. */
  customVersion: z.int(),
  manifests: z.array(packageManifest),
});
export type StoredPackages = z.infer<typeof packagesDocument>;

/** `index.json`: the index in the data folder. Written after the bytes are in place and checked. */
export const indexDocument = z.object({
  version: z.literal(1),
  pointer: z.object({ sha256, bytes: byteCount, publishedAt: timestamp }),
  /** Who signed the index, in words. Absent: this was not checked yet. */
  signature: z.exactOptional(z.string()),
});

/** `first-published.json`: the broker's answers about updates that are needed here (core/first-published.ts). */
export const firstPublishedDocument = z.object({
  version: z.literal(1),
  updates: z.array(z.object({ updateId: guid, firstPublishedAt: timestamp })),
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
  downloads: z.array(
    z.object({ sha1, attempts: z.int(), at: timestamp, error: z.string(), noRoom: z.exactOptional(z.literal(true)) }),
  ),
  stored: z.array(z.object({ sha1, sha256, size: byteCount })),
  /** Absent in what older agents wrote. */
  commands: z._default(
    z.array(
      z.object({
        commandId,
        verb: commandVerb,
        expiresAt: timestamp,
        state: z.enum(['begun', 'ended', 'acknowledged']),
        outcome: z.exactOptional(commandOutcome),
      }),
    ),
    [],
  ),
  packages: z._default(
    z.array(
      z.object({
        name: z.string(),
        packageVersion: z.string(),
        attempts: z.int(),
        at: timestamp,
        outcome: z.enum(['running', 'success', 'restart', 'notNeeded', 'failed']),
        detail: z.exactOptional(z.string()),
      }),
    ),
    [],
  ),
  packageDownloads: z._default(z.array(z.object({ sha256, error: z.string() })), []),
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
    /** Who gave it. Older agents had the repository only. */
    source: z._default(z.enum(['repository', 'microsoft']), 'repository'),
  }),
  z.object({ sha1, outcome: z.literal('failed'), code: z.string(), reason: z.string() }),
]);
export type DownloadResult = z.infer<typeof downloadResult>;

const installResult = z.discriminatedUnion('outcome', [
  z.object({ ...identity, outcome: z.literal('installed'), rebootRequired: z.boolean() }),
  z.object({ ...identity, outcome: z.literal('failed'), reason: z.string(), hresult: z.exactOptional(z.string()) }),
]);
export type InstallResult = z.infer<typeof installResult>;

const packageRun = z.object({
  name: z.string(),
  packageVersion: z.string(),
  outcome: z.enum(['installed', 'failed']),
  /** How the command ended, in words. */
  detail: z.string(),
});
export type PackageRun = z.infer<typeof packageRun>;

/** States of a host, and the one that it alone knows by its name: the broker hears of what did not find room. */
const localStates = [...hostStates, 'DISK_SPACE_ERROR'] as const;

/** What one cycle did and found, as data; also `last-cycle.json`. */
export const cycleResult = z.object({
  version: z.literal(2),
  startedAt: timestamp,
  endedAt: timestamp,
  /** With those that commands asked for. */
  phases: z.array(z.enum(phases)),
  /** The broker's wish for the next check-in; absent when it was not asked. */
  pollSeconds: z.exactOptional(z.number()),
  /** Index that was scanned. `bytesReceived` is 0 when the one in the data folder was still current. */
  index: z.exactOptional(z.object({ sha256, bytes: byteCount, publishedAt: timestamp, bytesReceived: byteCount })),
  rulesRevision: z.exactOptional(z.int()),
  /** When a rule or a delay ends and changes a verdict; absent when none does, or nothing was judged. */
  nextChangeAt: z.exactOptional(timestamp),
  /** Absent when there was no scan, unless that is because of an index that cannot be used. */
  state: z.exactOptional(z.enum(localStates)),
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
  /** Administrators' own packages, with how it stands. Older agents knew of none. */
  packages: z._default(z.array(reportedPackage), []),
  /** Packages whose command ran, or was to run. */
  packageRuns: z._default(z.array(packageRun), []),
  needs: z.array(sha1),
  /** The broker's answers to the reports of this cycle, none to two. */
  reports: z.array(reportAnswer),
  downloads: z.array(downloadResult),
  installs: z.array(installResult),
  /** Commands of operators that this cycle took on, with how they ended. */
  commands: z.array(z.object({ commandId, verb: commandVerb, outcome: z.enum(['done', 'failed']) })),
  /** Payloads removed from the data folder because no wanted update needs them any more. */
  removed: z.array(sha1),
  problems: z.array(cycleProblem),
});
export type CycleResult = z.infer<typeof cycleResult>;
