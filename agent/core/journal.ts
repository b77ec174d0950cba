import type { UpdateIdentity } from '#shared/core/catalog/model.ts';
import type { HostScan } from '#shared/core/catalog/scan.ts';
import { addReceived, monthOf, type ReceivedBytes, type ReceivedInMonth } from '#shared/core/fleet/received.ts';
import type { PackageRecord } from '#shared/core/packages/judge.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import type { HandledCommand } from './commands.ts';

/** What is known of the attempts to install one revision of an update. It is written before an attempt begins. */
export interface InstallRecord extends UpdateIdentity {
  /** Attempts begun. */
  readonly attempts: number;
  /** Begin or end of the last one, ISO 8601. */
  readonly at: string;
  /** `running`: the attempt has not ended, or the agent died in it. */
  readonly outcome: 'running' | 'installed' | 'failed';
  /** Why it failed, in words. */
  readonly error?: string;
}

/** The last attempt to download a file failed. */
interface DownloadRecord {
  readonly sha1: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly at: string;
  readonly error: string;
  /** True: this host had no room for it. No source is to blame. */
  readonly noRoom?: true;
}

/** A payload in the data folder, with the digest that was proved. */
export interface StoredFile {
  readonly sha1: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What must survive a crash besides the files themselves. */
export interface Journal {
  readonly version: 1;
  readonly installs: readonly InstallRecord[];
  readonly downloads: readonly DownloadRecord[];
  readonly stored: readonly StoredFile[];
  /** Commands of operators, in the order in which they were taken on. */
  readonly commands: readonly HandledCommand[];
  /** What came over the network in the month of the last download. */
  readonly received?: ReceivedInMonth;
  /** Attempts to install administrators' own packages, one record for each name. */
  readonly packages: readonly PackageRecord[];
  /** Files of packages whose last download failed, and why. */
  readonly packageDownloads: readonly { readonly sha256: string; readonly error: string }[];
}

export const emptyJournal: Journal = {
  version: 1,
  installs: [],
  downloads: [],
  stored: [],
  commands: [],
  packages: [],
  packageDownloads: [],
};

const same = (a: UpdateIdentity, b: UpdateIdentity): boolean => a.updateId === b.updateId && a.revision === b.revision;

export const installRecordOf = (journal: Journal, update: UpdateIdentity): InstallRecord | undefined =>
  journal.installs.find((record) => same(record, update));

/** Notes that an attempt begins. A new revision of an update starts to count anew. */
export function beginInstall(journal: Journal, update: UpdateIdentity, at: string): Journal {
  const attempts = (installRecordOf(journal, update)?.attempts ?? 0) + 1;
  const { updateId, revision } = update;
  return {
    ...journal,
    installs: [
      ...journal.installs.filter((record) => record.updateId !== updateId),
      { updateId, revision, attempts, at, outcome: 'running' },
    ],
  };
}

/** Notes how the attempt ended; `error` undefined means that the installer said it succeeded. */
export function endInstall(journal: Journal, update: UpdateIdentity, at: string, error: string | undefined): Journal {
  return {
    ...journal,
    installs: journal.installs.map((record) =>
      same(record, update)
        ? {
            updateId: record.updateId,
            revision: record.revision,
            attempts: record.attempts,
            at,
            ...(error === undefined ? { outcome: 'installed' as const } : { outcome: 'failed' as const, error }),
          }
        : record,
    ),
  };
}

/** Takes an attempt back that never reached the installer. */
export function cancelInstall(journal: Journal, update: UpdateIdentity, before: Journal): Journal {
  const earlier = installRecordOf(before, update);
  const others = journal.installs.filter((record) => !same(record, update));
  return { ...journal, installs: earlier === undefined ? others : [...others, earlier] };
}

export function noteStored(journal: Journal, file: StoredFile): Journal {
  return {
    ...journal,
    downloads: journal.downloads.filter((record) => record.sha1 !== file.sha1),
    stored: [
      ...journal.stored.filter((stored) => stored.sha1 !== file.sha1),
      { sha1: file.sha1, sha256: file.sha256, size: file.size },
    ],
  };
}

/** @param failure `noRoom`: this host had no room for it */
export function noteDownloadFailure(
  journal: Journal,
  sha1: string,
  failure: { readonly at: string; readonly error: string; readonly noRoom?: boolean },
): Journal {
  const attempts = (journal.downloads.find((record) => record.sha1 === sha1)?.attempts ?? 0) + 1;
  const { at, error, noRoom } = failure;
  return {
    ...journal,
    downloads: [
      ...journal.downloads.filter((record) => record.sha1 !== sha1),
      { sha1, attempts, at, error, ...(noRoom === true && { noRoom }) },
    ],
  };
}

/** Counts bytes of a download that ended well. @param at ISO 8601 */
export const noteReceived = (journal: Journal, kind: keyof ReceivedBytes, bytes: number, at: string): Journal =>
  bytes === 0 ? journal : { ...journal, received: addReceived(journal.received, monthOf(new Date(at)), kind, bytes) };

export function noteRemoved(journal: Journal, sha1: string): Journal {
  return { ...journal, stored: journal.stored.filter((stored) => stored.sha1 !== sha1) };
}

/**
 * Drops what a scan made pointless: records of updates that this host does not need any more (they are installed, or do
 * not apply) and failures of files that no needed update has. Success is what the scan says, not what the installer said.
 *
 * Once a servicing stack update is in, other updates have their attempts back: they may have failed for the lack of it
 * (0x800f0823), as long as it was forbidden or its files could not be had.
 */
export function settle(journal: Journal, scan: HostScan): Journal {
  const files = new Set(scan.needed.flatMap((update) => update.files.map((file) => file.sha1)));
  const hasNewStack = scan.installed.some(
    (update) => isServicingStack(update) && installRecordOf(journal, update) !== undefined,
  );
  return {
    ...journal,
    installs: hasNewStack
      ? []
      : journal.installs.filter((record) => scan.needed.some((update) => same(record, update))),
    downloads: journal.downloads.filter((record) => files.has(record.sha1)),
  };
}

/** Forgets how often installations were tried, so that those given up are tried again. */
export const forgetAttempts = (journal: Journal): Journal => ({ ...journal, installs: [], packages: [] });

/** Keeps to what is really on the disk: somebody may have emptied the folder. */
export const keepStored = (journal: Journal, onDisk: ReadonlySet<string>): Journal => ({
  ...journal,
  stored: journal.stored.filter((file) => onDisk.has(file.sha1)),
});
