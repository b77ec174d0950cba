import * as z from 'zod/mini';
import { updateStates } from '../../core/status/states.ts';
import { identity, kbNumber, machineId, sha1, sha256, shortText, timestamp } from '../primitives.ts';

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

const reportedUpdate = z.extend(identity, {
  kbs: z.array(kbNumber).check(z.maxLength(64)),
  title: z.optional(shortText),
  state: z.enum(updateStates),
  /** Why, in words: the rule, the missing file or the error. Never empty. */
  reason: shortText.check(z.minLength(1)),
  /** SHA-1 of the payload files that this host needs for it. */
  files: z.array(sha1).check(z.maxLength(64)),
});
export type ReportedUpdate = z.infer<typeof reportedUpdate>;

/**
 * One whole report of a host. Names, sizes and addresses of files are not in it: a report is a demand signal only.
 * A host that has no index it may use reports just that: nothing was scanned, and no update is in it.
 */
export const hostReport = z
  .object({
    version: z.literal(1),
    host: hostFacts,
    /** Index that the scan used; absent when there was no scan. */
    indexSha256: z.exactOptional(sha256),
    /** Why the host cannot use the index that the repository offers, for instance its signature. Never empty. */
    indexProblem: z.exactOptional(shortText.check(z.minLength(1))),
    /** Revision of the rules that judged. */
    rulesRevision: z.int().check(z.nonnegative()),
    /** Or when it was tried. */
    scannedAt: timestamp,
    scanMilliseconds: z.int().check(z.nonnegative()),
    updates: z.array(reportedUpdate).check(z.maxLength(2000)),
    /** SHA-1 of files that allowed updates need and the repository did not hold when the host asked. */
    needs: z.array(sha1).check(z.maxLength(4000)),
  })
  .check(
    z.refine(
      ({ indexSha256, indexProblem }) => indexSha256 !== undefined || indexProblem !== undefined,
      'a report has indexSha256, or indexProblem that says why there was no scan',
    ),
  );
export type HostReport = z.infer<typeof hostReport>;

export const reportAnswer = z.object({
  version: z.literal(1),
  /** Files that are requested now, by this report or an earlier one. */
  requested: z.array(sha1),
  /** Files that are never requested, each with the reason: their digest is not in the catalogue. */
  refused: z.array(z.object({ sha1, reason: z.string() })),
});
export type ReportAnswer = z.infer<typeof reportAnswer>;
