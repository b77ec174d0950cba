import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { PayloadFile, UpdateIdentity } from '#shared/core/catalog/model.ts';
import type { HostScan, NeededUpdate, ScannedUpdate } from '#shared/core/catalog/scan.ts';
import { judge } from '#shared/core/rules/judge.ts';
import type { Verdict } from '#shared/core/rules/model.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import { switchedOffInWords } from '#shared/core/rules/words.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import { comesDirectly, type DirectPolicy, mayComeDirectly, sourceFailure } from './direct.ts';
import { ageFrom, type FirstPublications } from './first-published.ts';
import { installRecordOf, type Journal } from './journal.ts';
import type { CompiledRules } from './settings.ts';

/** A needed update with what the rules say of it and of what replaces it. */
export interface JudgedUpdate {
  readonly update: NeededUpdate;
  readonly verdict: Verdict;
  /** The newest update that replaces it and is installed, or needed and allowed. */
  readonly replacedBy?: ScannedUpdate;
  /** Why nothing is installed on this host, whatever is allowed. */
  readonly switchedOff?: string;
  /** Allowed, not replaced and not switched off: its files are asked for, downloaded and installed. */
  readonly wanted: boolean;
}

/** What updates are judged by. */
export interface Judgement {
  readonly compiled: CompiledRules;
  readonly now: Date;
  readonly firstPublished: FirstPublications;
}

/**
 * Judges every needed update. An update is replaced by one that is installed, or needed and allowed: what is forbidden,
 * held or delayed replaces nothing. One that is replaced is not wanted, however it is judged itself.
 */
export function judgeScan(scan: HostScan, { compiled, now, firstPublished }: Judgement): readonly JudgedUpdate[] {
  const verdicts = scan.needed.map((update) =>
    judge(compiled.rules, { ...update, firstPublishedAt: ageFrom(update, firstPublished) }, now),
  );
  const replacing = new Map<string, ScannedUpdate>();
  // Both lists run from old to new, and what is installed stands first: the last one found is the newest to come.
  for (const update of scan.installed) replacing.set(update.updateId, update);
  scan.needed.forEach((update, at) => {
    if (verdicts[at]?.allowed === true) replacing.set(update.updateId, update);
  });
  const candidates = [...replacing.values()];
  const switchedOff = switchedOffInWords(compiled.rules.settings);
  return scan.needed.flatMap((update, at) => {
    const verdict = verdicts[at];
    if (verdict === undefined) return [];
    const names = new Set(update.supersededBy);
    const replacedBy = candidates.findLast((one) => names.has(one.updateId));
    return {
      update,
      verdict,
      wanted: verdict.allowed && replacedBy === undefined && switchedOff === undefined,
      ...(replacedBy !== undefined && { replacedBy }),
      ...(switchedOff !== undefined && { switchedOff }),
    };
  });
}

/** When the first verdict changes by itself, because a delay or a rule ends. ISO 8601; undefined when none does. */
export const nextChangeOf = (judged: readonly JudgedUpdate[]): string | undefined =>
  earliest(judged.map(({ verdict: { until } }) => until));

/** The first of some times, ISO 8601; undefined when there is none. */
export const earliest = (times: readonly (string | undefined)[]): string | undefined =>
  times
    .flatMap((time) => time ?? [])
    .toSorted((a, b) => Date.parse(a) - Date.parse(b))
    .at(0);

/** Files of all wanted updates, each once, in the order of the updates. */
export function wantedFiles(judged: readonly JudgedUpdate[]): readonly PayloadFile[] {
  const files = new Map<string, PayloadFile>();
  for (const { update, wanted } of judged) if (wanted) for (const file of update.files) files.set(file.sha1, file);
  return [...files.values()];
}

/** What is known about files when states are decided. */
export interface Knowledge {
  /** The broker's answers by SHA-1; a digest that was not asked for is not in it. */
  readonly statuses: ReadonlyMap<string, FileStatus>;
  readonly journal: Journal;
  readonly direct: DirectPolicy;
  /** Attempts after which an update is left alone until its next revision, or until somebody asks. */
  readonly maxInstallAttempts: number;
}

/** State of one update and the reason in words. */
export interface AssessedUpdate extends UpdateIdentity {
  readonly kbs: readonly string[];
  readonly title?: string;
  readonly state: UpdateState;
  readonly reason: string;
  /** SHA-1 of the files that this host needs for it. */
  readonly files: readonly string[];
}

/** States of all updates that a host needs or has, with reasons. */
export function assess(
  judged: readonly JudgedUpdate[],
  installed: readonly ScannedUpdate[],
  knowledge: Knowledge,
): readonly AssessedUpdate[] {
  const stack = judged.find((one) => goesFirst(one, knowledge))?.update;
  return [
    ...judged.map((one) => ({
      ...identify(one.update),
      ...stateOf(one, knowledge, stack),
      files: one.update.files.map((file) => file.sha1),
    })),
    ...installed.map((update) => ({
      ...identify(update),
      state: 'OK' as const,
      reason: 'installed',
      files: [],
    })),
  ];
}

const identify = ({ updateId, revision, kbs, title }: ScannedUpdate) => ({
  updateId,
  revision,
  kbs,
  ...(title === undefined ? {} : { title }),
});

/** How people call an update: its KB numbers and title, as far as it has them. */
export function nameOf(update: ScannedUpdate): string {
  const kbs = update.kbs.map((kb) => `KB${kb}`).join(', ');
  if (kbs === '') return update.title ?? update.updateId;
  return update.title === undefined ? kbs : `${kbs} (${update.title})`;
}

interface StateAndReason {
  readonly state: UpdateState;
  readonly reason: string;
}

/** @param stack servicing stack update that goes first */
function stateOf(
  { update, verdict, replacedBy, switchedOff }: JudgedUpdate,
  knowledge: Knowledge,
  stack: NeededUpdate | undefined,
): StateAndReason {
  if (replacedBy !== undefined) return { state: 'SUPERSEDED', reason: `by ${nameOf(replacedBy)}` };
  if (!verdict.allowed) return { state: 'DISCARDED', reason: verdict.reason };
  if (switchedOff !== undefined) return { state: 'DISCARDED', reason: `${switchedOff}; otherwise ${verdict.reason}` };
  const trouble =
    installationTrouble(update, knowledge) ?? missingFiles(update, knowledge) ?? downloadTrouble(update, knowledge);
  if (trouble !== undefined) return trouble;
  const waits =
    stack === undefined || isServicingStack(update) ? '' : `; ${nameOf(stack)} is installed first, and alone`;
  return { state: 'PENDING', reason: `${pendingReason(update, knowledge)}${waits}` };
}

/** Attempts are used up: the update is left alone. */
export const isGivenUp = (update: NeededUpdate, knowledge: Knowledge): boolean =>
  (installRecordOf(knowledge.journal, update)?.attempts ?? 0) >= knowledge.maxInstallAttempts;

/** A servicing stack update that can be installed as far as is known; one that cannot holds up nothing. */
const goesFirst = ({ update, wanted }: JudgedUpdate, knowledge: Knowledge): boolean =>
  wanted &&
  isServicingStack(update) &&
  !isGivenUp(update, knowledge) &&
  missingFiles(update, knowledge) === undefined &&
  downloadTrouble(update, knowledge) === undefined;

function installationTrouble(update: NeededUpdate, knowledge: Knowledge): StateAndReason | undefined {
  const record = installRecordOf(knowledge.journal, update);
  if (record === undefined) return undefined;
  const max = knowledge.maxInstallAttempts;
  const count = `attempt ${record.attempts} of ${max}`;
  const end = record.attempts >= max ? `${count}; given up until its next revision` : count;
  switch (record.outcome) {
    case 'failed':
      return { state: 'ERROR', reason: `${record.error ?? 'installation failed'} (${end})` };
    case 'installed':
      return {
        state: 'ERROR',
        reason: `the installer reported success at ${record.at}, but the update is still needed (${end})`,
      };
    case 'running':
      return record.attempts >= max
        ? { state: 'ERROR', reason: `the agent was stopped in the middle of each installation (${end})` }
        : undefined;
  }
}

const count = (some: number, all: number): string => `${some} of ${all} ${all === 1 ? 'file' : 'files'}`;
const allOf = (all: number): string => (all === 1 ? 'its file is' : `all ${all} files are`);
const isOrAre = (some: number): string => (some === 1 ? 'is' : 'are');

function missingFiles(update: NeededUpdate, knowledge: Knowledge): StateAndReason | undefined {
  const { files } = update;
  const missing = files.filter(
    (file) => !isStored(file, knowledge) && !isHeld(file, knowledge) && !comesDirectly(file, knowledge),
  );
  if (missing.length === 0) return undefined;
  const unasked = missing.filter((file) => statusOf(file, knowledge) === 'unasked');
  const first =
    unasked.length === missing.length
      ? `the broker could not be asked about ${count(missing.length, files.length)}`
      : `${count(missing.length, files.length)} ${isOrAre(missing.length)} not in the repository yet`;
  return { state: 'MISSING', reason: [first, ...details(missing, knowledge)].join('; ') };
}

/** What the broker said about missing files, each different thing once. */
function details(missing: readonly PayloadFile[], { statuses, direct, journal }: Knowledge): string[] {
  const said = new Set<string>();
  for (const file of missing) {
    const status = statuses.get(file.sha1);
    const name = file.name ?? file.sha1;
    // Reporting is requesting: told the same before and after, so that the first report does not make a second one.
    if (status?.state === 'absent') said.add('requested');
    else if (status?.state === 'requested') {
      said.add(status.reason === undefined ? 'requested' : `requested, last attempt: ${status.reason}`);
    } else if (status?.state === 'failed') said.add(`${name} could not be fetched: ${status.reason}`);
    else if (status?.state === 'unknown') said.add(`the broker's catalogue does not know ${name} (SHA-1 ${file.sha1})`);
    const failure = mayComeDirectly(file, direct) ? sourceFailure(journal, file.sha1) : undefined;
    if (failure !== undefined) said.add(`${name} did not come directly either: ${failure}`);
  }
  return [...said];
}

function downloadTrouble(update: NeededUpdate, knowledge: Knowledge): StateAndReason | undefined {
  for (const file of update.files) {
    if (isStored(file, knowledge)) continue;
    const conflict = conflictOf(file, knowledge.statuses.get(file.sha1));
    if (conflict !== undefined && !comesDirectly(file, knowledge))
      return { state: 'ERROR', reason: `download refused: ${conflict}` };
    const record = knowledge.journal.downloads.find((one) => one.sha1 === file.sha1);
    if (record !== undefined) {
      return {
        state: 'ERROR',
        reason: `download of ${file.name ?? file.sha1} failed: ${record.error} (attempt ${record.attempts})`,
      };
    }
  }
  return undefined;
}

function pendingReason(update: NeededUpdate, knowledge: Knowledge): string {
  const { files } = update;
  const where =
    files.length === 0
      ? 'it has no files to download'
      : files.every((file) => isStored(file, knowledge))
        ? `${allOf(files.length)} downloaded`
        : files.every((file) => isStored(file, knowledge) || isHeld(file, knowledge))
          ? `${allOf(files.length)} in the repository`
          : `${allOf(files.length)} to be had without the broker, from Microsoft itself`;
  const record = installRecordOf(knowledge.journal, update);
  return record?.outcome === 'running'
    ? `${where}; the agent was stopped in the middle of an installation and will repeat it`
    : where;
}

const isStored = (file: PayloadFile, { journal }: Knowledge): boolean =>
  journal.stored.some((stored) => stored.sha1 === file.sha1);

const isHeld = (file: PayloadFile, knowledge: Knowledge): boolean => statusOf(file, knowledge) === 'held';

const statusOf = (file: PayloadFile, { statuses }: Knowledge): FileStatus['state'] | 'unasked' =>
  statuses.get(file.sha1)?.state ?? 'unasked';

/**
 * Where the broker's facts about a held file contradict the index. The index is Microsoft's word, so such a file is
 * never downloaded. Undefined when they agree or the index is silent (old files have no SHA-256 there).
 */
export function conflictOf(file: PayloadFile, status: FileStatus | undefined): string | undefined {
  if (status?.state !== 'held') return undefined;
  if (file.sha256 !== undefined && file.sha256 !== status.sha256) {
    return `the repository offers ${file.name ?? file.sha1} with SHA-256 ${status.sha256}, the index says ${file.sha256}`;
  }
  if (file.size !== undefined && file.size !== status.size) {
    return `the repository offers ${file.name ?? file.sha1} with ${status.size} bytes, the index says ${file.size}`;
  }
  return undefined;
}
