import { explainFailure } from '../core/hresult.ts';
import {
  beginInstall,
  cancelInstall,
  endInstall,
  noteDownloadFailure,
  noteReceived,
  noteRemoved,
  noteStored,
} from '../core/journal.ts';
import type { FileSource, RepositoryFile, Step, StepOf } from '../core/plan.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Expected, Slot } from '../ports/file-store.ts';
import type { InstallOutcome } from '../ports/update-agent.ts';
import type { Agent } from './agent.ts';
import type { DownloadResult, InstallResult, PackageRun } from './documents.ts';
import { type Download, download } from './download.ts';
import type { JournalBook } from './journal-book.ts';
import { downloadPackageFile, runPackage } from './package-steps.ts';
import { microsoftSource, repositorySource, type Source } from './sources.ts';
import { meansAway, noteOrTell, stopsTheRest } from './step-failures.ts';

export interface StepContext {
  readonly agent: Agent;
  readonly journal: JournalBook;
  readonly signal: AbortSignal | undefined;
  /** Sources that were found to be away in this cycle; a step adds to them. */
  readonly away: Set<FileSource['name']>;
}

interface StepResults {
  'download-file': DownloadResult & { readonly error?: AgentError };
  'install-update': InstallResult & { readonly error?: AgentError };
  'remove-payload': { readonly sha1: string };
  'download-package-file': { readonly error?: AgentError };
  'run-package': PackageRun & { readonly error?: AgentError };
  'remove-package-file': { readonly sha256: string };
}

type Runners = { readonly [K in Step['kind']]: (step: StepOf<K>, context: StepContext) => Promise<StepResults[K]> };

const slotOf = (sha1: string): Slot => ({ kind: 'payload', sha1 });
const expectedOf = (file: RepositoryFile): Expected => ({ bytes: file.size, sha256: file.sha256, sha1: file.sha1 });

const sourceOf = (agent: Agent, source: FileSource, { sha256 }: RepositoryFile): Source =>
  source.name === 'microsoft'
    ? microsoftSource(agent, source.address)
    : repositorySource(agent, { kind: 'payload', sha256 });

/** Tries one source after the other. @throws AgentError that says what went wrong with each */
async function downloadFromAny(
  { file, sources }: StepOf<'download-file'>,
  { agent, signal, away }: StepContext,
): Promise<Download & { readonly source: FileSource['name'] }> {
  const failures: { readonly source: FileSource['name']; readonly error: AgentError }[] = [];
  for (const source of sources) {
    if (away.has(source.name)) continue;
    try {
      const from = sourceOf(agent, source, file);
      return { ...(await download(agent, from, slotOf(file.sha1), expectedOf(file), signal)), source: source.name };
    } catch (error) {
      if (!(error instanceof AgentError) || stopsTheRest(error)) throw error;
      if (meansAway.has(error.code)) away.add(source.name);
      failures.push({ source: source.name, error });
    }
  }
  const last = failures.at(-1)?.error;
  if (last === undefined) throw new AgentError('unavailable', 'everything that has the file is away');
  if (failures.length === 1) throw last;
  throw new AgentError(last.code, failures.map(({ source, error }) => `${source}: ${error.message}`).join('; '), {
    cause: last,
    retryAfterSeconds: last.retryAfterSeconds,
  });
}

/** How each kind of step is carried out. Failures are results; only faults of the program are thrown. */
const runners: Runners = {
  async 'download-file'(step, context) {
    const { file } = step;
    const { agent, journal } = context;
    const { clock, log } = agent.adapters;
    try {
      if (file.size > agent.settings.maxPayloadBytes) {
        throw new AgentError(
          'too-long',
          `the file has ${file.size} bytes, allowed are ${agent.settings.maxPayloadBytes}`,
        );
      }
      const done = await downloadFromAny(step, context);
      const kind = done.source === 'microsoft' ? 'direct' : 'files';
      const bytes = done.bytesReceived + done.bytesResumed;
      const at = clock.now().toISOString();
      await journal.change((before) => noteReceived(noteStored(before, file), kind, bytes, at));
      const from = done.source === 'microsoft' ? ' from Microsoft itself' : '';
      log({ level: 'info', message: `downloaded ${file.name ?? file.sha1}, ${done.bytesReceived} bytes${from}` });
      return { sha1: file.sha1, outcome: 'downloaded', ...done };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (error.code !== 'stopped') {
        const failure = { at: clock.now().toISOString(), error: error.message, noRoom: error.code === 'no-space' };
        await journal.change((before) => noteDownloadFailure(before, file.sha1, failure));
      }
      log({ level: 'warn', message: `download of ${file.name ?? file.sha1} failed: ${error.message}` });
      return { sha1: file.sha1, outcome: 'failed', code: error.code, reason: error.message, error };
    }
  },

  async 'install-update'({ update, files }, { agent, journal }) {
    const { clock, log, updateAgent, files: store } = agent.adapters;
    const { updateId, revision } = update;
    const failed = (reason: string) => ({ updateId, revision, outcome: 'failed' as const, reason });
    for (const file of files) {
      if (await store.verify(slotOf(file.sha1), expectedOf(file))) continue;
      await store.remove(slotOf(file.sha1));
      await journal.change((before) => noteRemoved(before, file.sha1));
      log({ level: 'warn', message: `${file.name ?? file.sha1} is damaged on the disk and will be downloaded again` });
      return failed(`${file.name ?? file.sha1} was damaged on the disk; it will be downloaded again`);
    }
    const before = journal.current;
    await journal.change((now) => beginInstall(now, update, clock.now().toISOString()));
    let outcome: InstallOutcome;
    try {
      outcome = await updateAgent.install(
        update,
        files.map((file) => ({ ...file, path: store.pathOf(slotOf(file.sha1)) })),
      );
    } catch (error) {
      // Any other error leaves the record at `running`: the attempt counts, so that a crash cannot repeat for ever.
      if (!(error instanceof AgentError)) throw error;
      await journal.change((now) => cancelInstall(now, update, before));
      return { ...failed(error.message), error };
    }
    // The installer ran: whatever becomes of the note, the attempt is not taken back.
    const at = clock.now().toISOString();
    const reason = outcome.outcome === 'installed' ? undefined : explainFailure(outcome.hresult, outcome.message);
    const unnoted = await noteOrTell(() => journal.change((now) => endInstall(now, update, at, reason)));
    const trouble = unnoted === undefined ? {} : { error: unnoted };
    if (outcome.outcome === 'installed') {
      log({ level: 'info', message: `installed ${update.title ?? updateId}` });
      return { updateId, revision, outcome: 'installed', rebootRequired: outcome.rebootRequired, ...trouble };
    }
    log({ level: 'warn', message: `${update.title ?? updateId}: ${reason}` });
    return { ...failed(reason ?? ''), hresult: outcome.hresult, ...trouble };
  },

  async 'remove-payload'({ sha1 }, { agent, journal }) {
    await agent.adapters.files.remove(slotOf(sha1));
    await journal.change((before) => noteRemoved(before, sha1));
    return { sha1 };
  },

  'download-package-file': downloadPackageFile,
  'run-package': runPackage,

  async 'remove-package-file'({ sha256 }, { agent }) {
    await agent.adapters.files.remove({ kind: 'package', sha256 });
    return { sha256 };
  },
};

export function runStep<K extends Step['kind']>(step: StepOf<K>, context: StepContext): Promise<StepResults[K]> {
  const runner: Runners[K] = runners[step.kind as K];
  return runner(step, context);
}
