import type { CleanPayloadsEvent } from '#shared/contract/messages/clean-payloads.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import type { CleaningOutcome } from '#shared/contract/operators/cleaning.ts';
import {
  type CleaningStep,
  type CleaningTimes,
  type FileStanding,
  stepOf,
  whyNotClean,
} from '#shared/core/payloads/cleaning.ts';
import type { CleanablePayload, PayloadCleaning } from '#shared/stores/payloads/port.ts';
import { neededFiles } from './needed-files.ts';
import { cleanPackageFiles } from './package-files.ts';
import type { CleanPorts } from './ports.ts';
import { Tally } from './tally.ts';

export interface CleaningReport {
  readonly result: CleaningOutcome;
  /** Records that do not parse. */
  readonly unreadable: number;
}

/** Files that are looked at, and written, together. */
const pageSize = 250;
/** Events sent at a time. */
const eventsAtOnce = 25;

/**
 * One cleaning: looks at each file of the repository and takes the next step on its way out, if one is due. The step that is
 * due follows from the record and from who needs the file now, so that a run that died is made up for by the next one.
 * A run that somebody asked for is told its end.
 */
export async function cleanPayloads(
  ports: CleanPorts,
  event: CleanPayloadsEvent,
  signal: AbortSignal,
): Promise<CleaningReport> {
  const tally = new Tally();
  try {
    const result = await clean(ports, event.runId === undefined ? {} : event, { tally, signal });
    await end(ports, event, result);
    return { result, unreadable: tally.unreadable };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await end(ports, event, { outcome: 'failed', reason }).catch((noteError: unknown) => {
      throw new AggregateError([error, noteError], `${reason} (and it could not be noted on the run)`);
    });
    throw error;
  }
}

async function end(
  { journal, now }: CleanPorts,
  { runId }: CleanPayloadsEvent,
  result: CleaningOutcome,
): Promise<void> {
  const run = runId === undefined ? undefined : await journal.run(runId);
  if (run !== undefined) await journal.putRun({ ...run, state: 'ended', endedAt: now().toISOString(), result });
}

interface Work {
  readonly tally: Tally;
  /** Fires shortly before the time is over. */
  readonly signal: AbortSignal;
}

async function clean(
  ports: CleanPorts,
  { dryRun = false, graceSeconds, fewerHosts = false }: CleanPayloadsEvent,
  { tally, signal }: Work,
): Promise<CleaningOutcome> {
  const { cleaning, settings } = ports;
  const needed = await neededFiles(ports);
  const now = ports.now().getTime();
  const reason = whyNotClean({ ...needed, hostsBefore: await cleaning.hosts() }, now, fewerHosts);
  if (reason !== undefined) return { outcome: 'stopped', reason };
  if (!dryRun) await cleaning.noteHosts(needed.hosts, new Date(now).toISOString());
  const times = { now, grace: (graceSeconds ?? settings.graceSeconds) * 1000, pause: settings.pauseSeconds * 1000 };
  const packages = await cleanPackageFiles(ports, { now, grace: times.grace, dryRun });
  // Retired ones first: what is retired below is no business of this run any more.
  for (const state of ['retired', 'held'] as const) {
    let cursor: string | undefined;
    do {
      if (signal.aborted)
        return {
          outcome: 'cleaned',
          dryRun,
          finished: false,
          hosts: needed.hosts,
          ...tally.result(),
          ...(packages && { packages }),
        };
      const page = await cleaning.list(state, { cursor, limit: pageSize });
      tally.addUnreadable(page.unreadable);
      const steps = Map.groupBy(page.items, (file) => stepOf(standingOf(file), needed.files.has(file.sha1), times));
      for (const [step, files] of steps) tally.add(step, dryRun ? files : await take(ports, step, files, times));
      cursor = page.next;
    } while (cursor !== undefined);
  }
  return {
    outcome: 'cleaned',
    dryRun,
    finished: true,
    hosts: needed.hosts,
    ...tally.result(),
    ...(packages && { packages }),
  };
}

function standingOf(file: CleanablePayload): FileStanding {
  if (file.state === 'retired')
    return { state: 'retired', retiredAt: Date.parse(file.retiredAt), removing: file.removingSince !== undefined };
  if (file.unneededSince === undefined) return { state: 'held' };
  return { state: 'held', unneededSince: Date.parse(file.unneededSince) };
}

/** What each step writes. @returns files that it was taken for; others were changed by somebody else meanwhile */
const writes: Readonly<
  Record<
    Exclude<CleaningStep, 'remove'>,
    (cleaning: PayloadCleaning, files: readonly CleanablePayload[], at: string) => Promise<readonly CleanablePayload[]>
  >
> = {
  keep: async (_, files) => files,
  wait: async (_, files) => files,
  pause: async (_, files) => files,
  async mark(cleaning, files, at) {
    await cleaning.markUnneeded(sha1sOf(files), at);
    return files;
  },
  async clear(cleaning, files) {
    await cleaning.clearUnneeded(sha1sOf(files));
    return files;
  },
  retire: (cleaning, files, at) => cleaning.retire(files, at),
  restore: (cleaning, files) => cleaning.restore(files),
};

const sha1sOf = (files: readonly CleanablePayload[]): readonly string[] => files.map(({ sha1 }) => sha1);

function take(
  ports: CleanPorts,
  step: CleaningStep,
  files: readonly CleanablePayload[],
  { now }: CleaningTimes,
): Promise<readonly CleanablePayload[]> {
  return step === 'remove' ? remove(ports, files) : writes[step](ports.cleaning, files, new Date(now).toISOString());
}

/**
 * Bytes first, then the event, and the record last: while it is there it says that the bytes may be gone, and whoever dies in
 * between leaves something that the next run finds.
 */
async function remove({ cleaning, events, now }: CleanPorts, files: readonly CleanablePayload[]) {
  // The time of the removal itself: how long others keep away is counted from it.
  const removed = await cleaning.remove(files, now().toISOString());
  for (let start = 0; start < removed.length; start += eventsAtOnce) {
    const told = removed
      .slice(start, start + eventsAtOnce)
      .map(({ sha1, sha256, size, name }) =>
        events.publish('FileRemoved', { version: 1, sha1, sha256, size, ...(name !== undefined && { name }) }),
      );
    await Promise.all(told);
  }
  return cleaning.forget(removed);
}

/** Metrics of a cleaning. A dry run did nothing. */
export function measureCleaning({ result, unreadable }: CleaningReport): Measurements {
  const rows = { UnreadableRows: unreadable };
  if (result.outcome !== 'cleaned') return { CleaningStopped: 1, ...rows };
  if (result.dryRun) return {};
  const { retired, removed } = result;
  return {
    CleaningStopped: 0,
    FilesRetired: retired.files,
    FilesRemoved: removed.files,
    BytesFreed: removed.bytes,
    ...rows,
  };
}
