import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { HostFacts, HostReport } from '#shared/contract/agent/report.ts';
import type { JudgedPackage } from '#shared/core/packages/judge.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import type { AssessedUpdate, JudgedUpdate, Knowledge } from './assess.ts';
import { wantedFiles } from './assess.ts';
import { passesBroker } from './direct.ts';

/** Bounds of the contract (shared/contract/agent/report.ts). What is longer is cut here, so that a report always fits. */
const most = { updates: 2000, needs: 4000, packages: 200, kbs: 64, files: 64, text: 1024 } as const;

export interface ReportInput {
  readonly host: HostFacts;
  /** Of the index that was scanned. @default nothing was scanned */
  readonly indexSha256?: string | undefined;
  /** Why the index that the repository offers cannot be used. @default it can */
  readonly indexProblem?: string | undefined;
  /** Why what the signed repository offers is refused. @default it is not */
  readonly trustProblem?: string | undefined;
  /** Group by the signed rules. */
  readonly group?: string | undefined;
  readonly rulesRevision: number;
  readonly updates: readonly AssessedUpdate[];
  readonly needs: readonly string[];
  /** Undefined: it is not known how it stands with them. */
  readonly packages: readonly JudgedPackage[] | undefined;
}

/** What matters most stands first, and so is never cut off. */
const rank: Record<UpdateState, number> = { ERROR: 0, PENDING: 1, MISSING: 2, DISCARDED: 3, OK: 4, SUPERSEDED: 5 };

const shorten = (text: string): string => (text.length <= most.text ? text : `${text.slice(0, most.text - 1)}…`);

/** Builds a report within the bounds of the contract; its order is made by who sends it. */
export function buildReport(input: ReportInput): HostReport {
  const updates = input.updates.toSorted((a, b) => rank[a.state] - rank[b.state]).slice(0, most.updates);
  return {
    version: 2,
    host: input.host,
    ...(input.indexSha256 === undefined ? {} : { indexSha256: input.indexSha256 }),
    ...(input.indexProblem === undefined ? {} : { indexProblem: shorten(input.indexProblem) }),
    ...(input.trustProblem === undefined ? {} : { trustProblem: shorten(input.trustProblem) }),
    ...(input.group === undefined ? {} : { group: input.group }),
    rulesRevision: input.rulesRevision,
    updates: updates.map(({ updateId, revision, kbs, title, state, reason, files }) => ({
      updateId,
      revision,
      kbs: kbs.slice(0, most.kbs),
      ...(title === undefined ? {} : { title: shorten(title) }),
      state,
      reason: shorten(reason),
      files: files.slice(0, most.files),
    })),
    needs: input.needs.slice(0, most.needs),
    ...(input.packages !== undefined && input.packages.length > 0 && { packages: reportedPackages(input.packages) }),
  };
}

/** Packages as they are reported and shown. */
export const reportedPackages = (judged: readonly JudgedPackage[]): NonNullable<HostReport['packages']> =>
  judged
    .toSorted((a, b) => rank[a.state] - rank[b.state])
    .slice(0, most.packages)
    .map(({ manifest: { name, packageVersion }, state, reason }) => ({
      name,
      packageVersion,
      state,
      reason: shorten(reason),
    }));

/** Files of wanted updates that are neither here nor held by the repository, and that the broker is to fetch. */
export function neededFiles(judged: readonly JudgedUpdate[], knowledge: Knowledge): readonly string[] {
  const stored = new Set(knowledge.journal.stored.map((file) => file.sha1));
  return wantedFiles(judged)
    .filter((file) => !stored.has(file.sha1) && knowledge.statuses.get(file.sha1)?.state !== 'held')
    .filter((file) => !passesBroker(file, knowledge))
    .map((file) => file.sha1);
}

/**
 * Whether a report is worth sending though nothing changed: the broker does not (or no longer) fetch a file that is needed.
 * What its catalogue does not know it would refuse again.
 */
export const asksAgain = (needs: readonly string[], statuses: ReadonlyMap<string, FileStatus>): boolean =>
  needs.some((sha1) => ['absent', 'failed'].includes(statuses.get(sha1)?.state ?? ''));
