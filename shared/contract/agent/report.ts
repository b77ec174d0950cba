import * as z from 'zod/mini';
import { updateStates } from '../../core/status/states.ts';
import { reportedPackage } from '../packages.ts';
import { identity, kbNumber, machineId, sha1, sha256, shortText, timestamp } from '../primitives.ts';
import { groupName } from './identity.ts';

export const hostFacts = z.object({
  machineId,
  hostname: shortText,
  /** Caption of the operating system, for people. */
  os: shortText,
  /** For instance `10.0.26100.1742`. */
  osVersion: shortText,
  architecture: z.enum(['amd64', 'x86', 'arm64']),
  agentVersion: shortText,
});
export type HostFacts = z.infer<typeof hostFacts>;

export const reportedUpdate = z.extend(identity, {
  kbs: z.array(kbNumber).check(z.maxLength(64)),
  title: z.optional(shortText),
  state: z.enum(updateStates),
  /** Why, in words: the rule, the missing file or the error. Never empty. */
  reason: shortText.check(z.minLength(1)),
  /** SHA-1 of the payload files that this host needs for it. */
  files: z.array(sha1).check(z.maxLength(64)),
});
export type ReportedUpdate = z.infer<typeof reportedUpdate>;

/** Bounds of a report. */
export const reportBounds = { updates: 2000, needs: 4000, packages: 200 } as const;

/** The members of a report, before what must hold between them. */
const reportMembers = z.object({
  version: z.literal(2),
  host: hostFacts,
  /** Index that the scan used; absent when there was no scan. */
  indexSha256: z.exactOptional(sha256),
  /** Why the host cannot use the index that the repository offers, for instance its signature. Never empty. */
  indexProblem: z.exactOptional(shortText.check(z.minLength(1))),
  /** Why the host refuses what the signed repository offers, and with which role; it goes on with what it has. Never empty. */
  trustProblem: z.exactOptional(shortText.check(z.minLength(1))),
  /** Group that the host is in by what is signed. Absent in reports of agents that read no signed repository. */
  group: z.exactOptional(groupName),
  /** Revision of the rules that judged. */
  rulesRevision: z.int().check(z.nonnegative()),
  /** By UpdateId and revision, each once. */
  updates: z.array(reportedUpdate).check(z.maxLength(reportBounds.updates)),
  /** SHA-1 of files that allowed updates need and the repository did not hold when the host asked; sorted. */
  needs: z.array(sha1).check(z.maxLength(reportBounds.needs)),
  /** Administrators' own packages that are for this host, by name and version, each once. Absent while there are none. */
  packages: z.exactOptional(z.array(reportedPackage).check(z.maxLength(reportBounds.packages))),
});

/**
 * One whole report of a host: how things stand there, not when that was found. Two scans that find the same give the same
 * report, and so the same hash (report-changes.ts). Names, sizes and addresses of files are not in it: a report is a demand
 * signal only. A host that has no index it may use reports just that: nothing was scanned, and no update is in it.
 */
export const hostReport = reportMembers.check(
  z.refine(
    ({ indexSha256, indexProblem, trustProblem }) =>
      indexSha256 !== undefined || indexProblem !== undefined || trustProblem !== undefined,
    'a report has indexSha256, or indexProblem or trustProblem that says why there was no scan',
  ),
);
export type HostReport = z.infer<typeof hostReport>;

/** When a machine was looked at, or when that was tried. */
export const scanMoment = z.object({ at: timestamp, milliseconds: z.int().check(z.nonnegative()) });
export type ScanMoment = z.infer<typeof scanMoment>;

/**
 * What leads from one report to the next. A member that is absent stays as it was; `null` takes an optional one away.
 */
export const reportChanges = z.object({
  host: z.optional(hostFacts),
  indexSha256: z.optional(z.nullable(sha256)),
  indexProblem: z.optional(z.nullable(shortText.check(z.minLength(1)))),
  trustProblem: z.optional(z.nullable(shortText.check(z.minLength(1)))),
  group: z.optional(z.nullable(groupName)),
  rulesRevision: z.optional(z.int().check(z.nonnegative())),
  updates: z.object({
    /** New, or different in anything. */
    set: z.array(reportedUpdate).check(z.maxLength(reportBounds.updates)),
    removed: z.array(identity).check(z.maxLength(reportBounds.updates)),
  }),
  needs: z.object({
    added: z.array(sha1).check(z.maxLength(reportBounds.needs)),
    removed: z.array(sha1).check(z.maxLength(reportBounds.needs)),
  }),
  /** All of them: there are few. */
  packages: z.optional(z.nullable(z.array(reportedPackage).check(z.maxLength(reportBounds.packages)))),
});
export type ReportChanges = z.infer<typeof reportChanges>;

/** A report as it travels: whole, or what changed since the report with the hash `base`. */
export const reportMessage = z.discriminatedUnion('kind', [
  z.object({ version: z.literal(2), kind: z.literal('whole'), scan: scanMoment, report: hostReport }),
  z.object({
    version: z.literal(2),
    kind: z.literal('changes'),
    scan: scanMoment,
    base: sha256,
    /** Hash of the report that results; another one is refused, and nothing is stored. */
    result: sha256,
    changes: reportChanges,
  }),
]);
export type ReportMessage = z.infer<typeof reportMessage>;

export const reportAnswer = z.object({
  version: z.literal(2),
  /** Hash of the report that is kept now. */
  hash: sha256,
  /** Files that are requested now, by this report or an earlier one. */
  requested: z.array(sha1),
  /**
   * Files that are not requested, each with the reason: their digest is not in the catalogue, or this host had as many
   * fetched today as one host may.
   */
  refused: z.array(z.object({ sha1, reason: z.string() })),
});
export type ReportAnswer = z.infer<typeof reportAnswer>;
