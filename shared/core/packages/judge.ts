import type { UpdateState } from '../status/states.ts';
import { detectionInWords, isAtLeast } from './detect.ts';
import { type Architecture, type ExitCodes, type PackageManifest, packageRef } from './model.ts';

/** What of a machine prerequisites ask about. */
export interface PackageFacts {
  readonly architecture: Architecture;
  /** Version of Windows. */
  readonly windows: string;
  readonly edition?: string;
  readonly language?: string;
  readonly freeBytes: number;
  /** When the machine started, ISO 8601; absent where nobody knows. */
  readonly bootedAt?: string;
}

/** What is known of the attempts to install one version of a package. It is written before an attempt begins. */
export interface PackageRecord {
  readonly name: string;
  readonly packageVersion: string;
  /** Attempts begun. */
  readonly attempts: number;
  /** Begin or end of the last one, ISO 8601. */
  readonly at: string;
  /** `running`: the attempt has not ended, or the agent died in it. The others as {@link ExitCodes} has them. */
  readonly outcome: 'running' | 'success' | 'restart' | 'notNeeded' | 'failed';
  /** How it ended, in words. */
  readonly detail?: string;
}

/** What a package is judged by, besides itself. */
export interface PackageKnowledge {
  readonly facts: PackageFacts;
  /** What the host found by the detection rule. */
  readonly detected: boolean;
  readonly record: PackageRecord | undefined;
  /** Packages that are installed, as `name/version`. */
  readonly installed: ReadonlySet<string>;
  readonly now: Date;
  /** How long packages wait after they were built, by the rules of the host. Seconds. */
  readonly delaySeconds: number;
  /** Why nothing is installed on this host, whatever is assigned. */
  readonly switchedOff: string | undefined;
  readonly maxAttempts: number;
  /** SHA-256 of files that are on the disk. */
  readonly stored: ReadonlySet<string>;
  /** Why the last download of a file failed, by SHA-256. */
  readonly downloadFailures: ReadonlyMap<string, string>;
}

export interface JudgedPackage {
  readonly manifest: PackageManifest;
  readonly state: UpdateState;
  /** Never empty. */
  readonly reason: string;
  /** Its files are to be downloaded, and its command is to be run. */
  readonly wanted: boolean;
  /** When this changes by itself, ISO 8601. */
  readonly until?: string;
}

/** State of a package on a host, and why. */
export function judgePackage(manifest: PackageManifest, knowledge: PackageKnowledge): JudgedPackage {
  const not = (state: UpdateState, reason: string): JudgedPackage => ({ manifest, state, reason, wanted: false });
  const { record } = knowledge;
  if (knowledge.detected) return not('OK', `installed: ${detectionInWords(manifest.detection)}`);
  if (record?.outcome === 'notNeeded') return not('OK', `not needed here: ${record.detail}`);
  const lack = lackOf(manifest, knowledge);
  if (lack !== undefined) return not('DISCARDED', lack);
  if (knowledge.switchedOff !== undefined) return not('DISCARDED', knowledge.switchedOff);
  const delayed = delayOf(manifest, knowledge);
  if (delayed !== undefined)
    return { ...not('DISCARDED', `delayed until ${delayed}, counted from ${manifest.publishedAt}`), until: delayed };
  return attemptOf(manifest, knowledge) ?? pendingOf(manifest, knowledge);
}

function pendingOf(manifest: PackageManifest, { stored, downloadFailures, record }: PackageKnowledge): JudgedPackage {
  const missing = manifest.files.filter(({ sha256 }) => !stored.has(sha256));
  const failed = missing.find(({ sha256 }) => downloadFailures.has(sha256));
  if (failed !== undefined) {
    const reason = `download of ${failed.name} failed: ${downloadFailures.get(failed.sha256)}`;
    return { manifest, state: 'ERROR', reason, wanted: true };
  }
  const before =
    record?.outcome === 'running' ? '; the agent was stopped in the middle of an installation and will repeat it' : '';
  const where =
    manifest.files.length === 0
      ? 'it has no files to download'
      : missing.length === 0
        ? 'all its files are downloaded'
        : 'its files are in the repository';
  return { manifest, state: 'PENDING', reason: `${where}${before}`, wanted: true };
}

/** What an earlier attempt says; undefined when it says nothing against another one now. */
function attemptOf(
  manifest: PackageManifest,
  { record, maxAttempts, facts }: PackageKnowledge,
): JudgedPackage | undefined {
  if (record === undefined || record.outcome === 'notNeeded') return undefined;
  const givenUp = record.attempts >= maxAttempts;
  const count = `attempt ${record.attempts} of ${maxAttempts}${givenUp ? '; given up until its next version' : ''}`;
  const error = (reason: string): JudgedPackage => ({
    manifest,
    state: 'ERROR',
    reason: `${reason} (${count})`,
    wanted: !givenUp,
  });
  switch (record.outcome) {
    case 'running':
      return givenUp ? error('the agent was stopped in the middle of each installation') : undefined;
    case 'failed':
      return error(record.detail ?? 'the command failed');
    case 'restart': {
      const { bootedAt } = facts;
      if (bootedAt !== undefined && Date.parse(bootedAt) > Date.parse(record.at))
        return error(`the host was restarted at ${bootedAt}, and it is not true that ${words(manifest)}`);
      const reason = `done but for a restart: ${record.detail}`;
      return { manifest, state: 'PENDING', reason, wanted: false };
    }
    case 'success':
      return error(`the command reported success at ${record.at}, but it is not true that ${words(manifest)}`);
  }
}

const words = ({ detection }: PackageManifest): string => detectionInWords(detection);

/** The first prerequisite that does not hold, in words. */
function lackOf({ prerequisites, files }: PackageManifest, knowledge: PackageKnowledge): string | undefined {
  const { facts, installed, stored } = knowledge;
  const { architectures, windowsAtLeast, windowsBelow, editions, languages, packages } = prerequisites;
  if (architectures !== undefined && !architectures.includes(facts.architecture))
    return `it is for ${architectures.join(', ')}, and this host is ${facts.architecture}`;
  if (windowsAtLeast !== undefined && !isAtLeast(facts.windows, windowsAtLeast))
    return `it needs Windows ${windowsAtLeast} or later, and this host has ${facts.windows}`;
  if (windowsBelow !== undefined && isAtLeast(facts.windows, windowsBelow))
    return `it is for Windows before ${windowsBelow}, and this host has ${facts.windows}`;
  if (editions !== undefined && !hasName(editions, facts.edition))
    return `it is for edition ${editions.join(', ')}, and this host has ${facts.edition ?? 'one that is not known'}`;
  if (languages !== undefined && !hasName(languages, facts.language))
    return `it is for language ${languages.join(', ')}, and this host has ${facts.language ?? 'one that is not known'}`;
  const missing = packages?.find((ref) => !installed.has(ref));
  if (missing !== undefined) return `it needs the package ${missing}, which is not installed here`;
  const allHere = files.every(({ sha256 }) => stored.has(sha256));
  const { freeBytes } = prerequisites;
  // What it downloaded is part of what it asked for.
  if (freeBytes !== undefined && !allHere && facts.freeBytes < freeBytes)
    return `it needs ${freeBytes} free bytes on the disk, and this host has ${facts.freeBytes}`;
  return undefined;
}

const hasName = (names: readonly string[], name: string | undefined): boolean =>
  names.some((one) => one.toLowerCase() === name?.toLowerCase());

/** Until when the rules of the host hold it back, ISO 8601. */
function delayOf({ publishedAt }: PackageManifest, { delaySeconds, now }: PackageKnowledge): string | undefined {
  const end = Date.parse(publishedAt) + delaySeconds * 1000;
  return end > now.getTime() ? new Date(end).toISOString() : undefined;
}

/**
 * What an exit code means by the table of a package. Windows has 32 bits, which some write with a sign: -2145124329 is
 * 0x80240017.
 */
export function meaningOf(code: number, { success, restart, notNeeded }: ExitCodes): PackageRecord['outcome'] {
  const isIn = (codes: readonly number[]): boolean => codes.some((one) => one >>> 0 === code >>> 0);
  if (isIn(success)) return 'success';
  if (isIn(restart)) return 'restart';
  return isIn(notNeeded) ? 'notNeeded' : 'failed';
}

/** The packages of a list in an order in which each comes after those that it needs; cycles stay as they are. */
export function inOrderOfNeeds(manifests: readonly PackageManifest[]): readonly PackageManifest[] {
  const byRef = new Map(manifests.map((manifest) => [packageRef(manifest), manifest]));
  const ordered = new Map<string, PackageManifest>();
  const seen = new Set<string>();
  const add = (ref: string): void => {
    const manifest = byRef.get(ref);
    if (manifest === undefined || seen.has(ref)) return;
    seen.add(ref);
    for (const needed of manifest.prerequisites.packages ?? []) add(needed);
    ordered.set(ref, manifest);
  };
  for (const ref of byRef.keys()) add(ref);
  return [...ordered.values()];
}
