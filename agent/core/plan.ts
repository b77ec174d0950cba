import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { NeededUpdate } from '#shared/core/catalog/scan.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import { conflictOf, isGivenUp, type JudgedUpdate, type Knowledge } from './assess.ts';

/** A payload with all that is needed to fetch and prove it. */
export interface RepositoryFile {
  readonly sha1: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly name?: string;
}

/** One thing to do. Plans are data: a table in `run/` carries them out, and after a crash a new plan is made. */
export type Step =
  | { readonly kind: 'download-file'; readonly file: RepositoryFile }
  | { readonly kind: 'install-update'; readonly update: NeededUpdate; readonly files: readonly RepositoryFile[] }
  | { readonly kind: 'remove-payload'; readonly sha1: string };
export type StepOf<K extends Step['kind']> = Extract<Step, { readonly kind: K }>;

/**
 * Wanted updates in the order they are worked on: servicing stack updates first, because others fail without them
 * (0x800f0823), then from old to new as the scan gives them.
 */
function inOrder(judged: readonly JudgedUpdate[]): readonly NeededUpdate[] {
  const wanted = judged.filter((one) => one.wanted).map((one) => one.update);
  return [...wanted.filter(isServicingStack), ...wanted.filter((update) => !isServicingStack(update))];
}

/**
 * Downloads of every file that is held and not here yet. An update of which a file is missing is left out altogether: it
 * could not be installed, and its files may be gigabytes.
 */
export function planDownloads(
  judged: readonly JudgedUpdate[],
  knowledge: Knowledge,
): readonly StepOf<'download-file'>[] {
  const steps = new Map<string, StepOf<'download-file'>>();
  const stored = new Set(knowledge.journal.stored.map((file) => file.sha1));
  for (const update of inOrder(judged)) {
    if (isGivenUp(update, knowledge)) continue;
    const open = update.files.filter((file) => !stored.has(file.sha1));
    const files = open.map((file) => heldFile(file, knowledge.statuses.get(file.sha1)));
    if (files.some((file) => file === undefined)) continue;
    for (const file of files) if (file !== undefined) steps.set(file.sha1, { kind: 'download-file', file });
  }
  return [...steps.values()];
}

function heldFile(file: PayloadFile, status: FileStatus | undefined): RepositoryFile | undefined {
  if (status?.state !== 'held' || conflictOf(file, status) !== undefined) return undefined;
  return complete(file, { sha256: status.sha256, size: status.size });
}

const complete = (file: PayloadFile, proved: { readonly sha256: string; readonly size: number }): RepositoryFile => ({
  sha1: file.sha1,
  sha256: proved.sha256,
  size: proved.size,
  ...(file.name === undefined ? {} : { name: file.name }),
});

/**
 * Installations of the updates whose files are all here. Servicing stack updates are a plan of their own: after them the
 * machine is scanned again, and the rest is planned anew. While one can be tried, the rest does not use up its attempts.
 */
export function planInstalls(
  judged: readonly JudgedUpdate[],
  knowledge: Knowledge,
): readonly StepOf<'install-update'>[] {
  const stored = new Map(knowledge.journal.stored.map((file) => [file.sha1, file]));
  const steps: StepOf<'install-update'>[] = [];
  for (const update of inOrder(judged)) {
    if (isGivenUp(update, knowledge)) continue;
    const files = update.files.flatMap((file) => {
      const proved = stored.get(file.sha1);
      return proved === undefined ? [] : [complete(file, proved)];
    });
    if (files.length === update.files.length) steps.push({ kind: 'install-update', update, files });
  }
  const stacks = steps.filter(({ update }) => isServicingStack(update));
  return stacks.length > 0 ? stacks : steps;
}

/** Removal of payloads, whole or begun, that no wanted update needs: installed ones above all. */
export function planRemovals(
  judged: readonly JudgedUpdate[],
  onDisk: readonly string[],
): readonly StepOf<'remove-payload'>[] {
  const needed = new Set(
    judged.filter((one) => one.wanted).flatMap((one) => one.update.files.map((file) => file.sha1)),
  );
  return onDisk.filter((sha1) => !needed.has(sha1)).map((sha1) => ({ kind: 'remove-payload', sha1 }));
}
