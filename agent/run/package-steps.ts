import { meaningOf } from '#shared/core/packages/judge.ts';
import { packageRef } from '#shared/core/packages/model.ts';
import { beginPackage, cancelPackage, endPackage, notePackageDownload } from '../core/package-journal.ts';
import type { StepOf } from '../core/plan.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Slot } from '../ports/file-store.ts';
import type { RunOutcome } from '../ports/package-runner.ts';
import type { PackageRun } from './documents.ts';
import { download } from './download.ts';
import { repositorySource } from './sources.ts';
import { meansAway, noteOrTell } from './step-failures.ts';
import type { StepContext } from './steps.ts';

const slotOf = (sha256: string): Slot => ({ kind: 'package', sha256 });

/** Failures are results; only faults of the program are thrown. */
export async function downloadPackageFile(
  { file, package: ref }: StepOf<'download-package-file'>,
  { agent, journal, signal, away }: StepContext,
): Promise<{ readonly error?: AgentError }> {
  const { log } = agent.adapters;
  const { sha256, size } = file;
  try {
    const source = repositorySource(agent, { kind: 'package-file', sha256 });
    const { bytesReceived } = await download(agent, source, slotOf(sha256), { bytes: size, sha256 }, signal);
    await journal.change((before) => notePackageDownload(before, sha256, undefined));
    log({ level: 'info', message: `downloaded ${file.name} of ${ref}, ${bytesReceived} bytes` });
    return {};
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (meansAway.has(error.code)) away.add('repository');
    if (error.code !== 'stopped') await journal.change((before) => notePackageDownload(before, sha256, error.message));
    log({ level: 'warn', message: `download of ${file.name} of ${ref} failed: ${error.message}` });
    return { error };
  }
}

/** The attempt is in the journal before the command begins, so that a crash in it counts. */
export async function runPackage(
  { manifest }: StepOf<'run-package'>,
  { agent, journal }: StepContext,
): Promise<PackageRun & { readonly error?: AgentError }> {
  const { clock, files: store, log, packageRunner } = agent.adapters;
  const { name, packageVersion } = manifest;
  const failed = (detail: string) => ({ name, packageVersion, outcome: 'failed' as const, detail });
  for (const { name: file, sha256, size } of manifest.files) {
    if (await store.verify(slotOf(sha256), { bytes: size, sha256 })) continue;
    await store.remove(slotOf(sha256));
    return failed(`${file} was damaged on the disk; it will be downloaded again`);
  }
  const before = journal.current;
  await journal.change((now) => beginPackage(now, manifest, clock.now().toISOString()));
  let ended: RunOutcome;
  try {
    const paths = manifest.files.map((file) => ({ ...file, path: store.pathOf(slotOf(file.sha256)) }));
    ended = await packageRunner.run(manifest, paths);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    await journal.change((now) => cancelPackage(now, manifest, before));
    return { ...failed(error.message), error };
  }
  const detail = inWords(ended, manifest.timeoutSeconds);
  const outcome = ended.outcome === 'ended' ? meaningOf(ended.exitCode, manifest.exitCodes) : 'failed';
  const at = clock.now().toISOString();
  // The command ran: whatever becomes of the note, the attempt is not taken back.
  const unnoted = await noteOrTell(() => journal.change((now) => endPackage(now, manifest, { at, outcome, detail })));
  const good = outcome !== 'failed';
  log({ level: good ? 'info' : 'warn', message: `${packageRef(manifest)}: ${detail}` });
  return {
    name,
    packageVersion,
    outcome: good ? 'installed' : 'failed',
    detail,
    ...(unnoted && { error: unnoted }),
  };
}

function inWords(ended: RunOutcome, timeoutSeconds: number): string {
  switch (ended.outcome) {
    case 'ended':
      return `the command ended with exit code ${ended.exitCode}`;
    case 'timed-out':
      return `the command was ended after ${timeoutSeconds} seconds`;
    case 'not-started':
      return `the command was not started: ${ended.reason}`;
  }
}
