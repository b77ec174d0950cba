import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { NeededUpdate } from '#shared/core/catalog/scan.ts';
import type { PackageFile, PackageManifest } from '#shared/core/packages/model.ts';
import { isServicingStack } from '#shared/core/rules/servicing-stack.ts';
import { conflictOf, isGivenUp, type JudgedUpdate, type Knowledge, nameOf } from './assess.ts';
import { mayComeDirectly } from './direct.ts';

/** A payload with all that is needed to fetch and prove it. */
export interface RepositoryFile {
  readonly sha1: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly name?: string;
}

/** Where a file can be had. `address` as the index spells it. */
export type FileSource = { readonly name: 'repository' } | { readonly name: 'microsoft'; readonly address: string };

/** One thing to do. Plans are data: a table in `run/` carries them out, and after a crash a new plan is made. */
export type Step =
  | {
      readonly kind: 'download-file';
      readonly file: RepositoryFile;
      /** The first update that needs it, for people. Without all files of an update none of them is of use. */
      readonly update: string;
      /** At least one; the one to try first at the front. */
      readonly sources: readonly FileSource[];
    }
  | { readonly kind: 'install-update'; readonly update: NeededUpdate; readonly files: readonly RepositoryFile[] }
  | { readonly kind: 'remove-payload'; readonly sha1: string }
  | {
      readonly kind: 'download-package-file';
      readonly file: PackageFile;
      /** The first package that needs it, as `name/version`. */
      readonly package: string;
    }
  | { readonly kind: 'run-package'; readonly manifest: PackageManifest }
  | { readonly kind: 'remove-package-file'; readonly sha256: string };
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
 * Downloads of every file that can be had and is not here yet. An update of which a file is missing is left out altogether: it
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
    const downloads = open.flatMap((file) => downloadOf(file, knowledge) ?? []);
    if (downloads.length < open.length) continue;
    for (const step of downloads)
      if (!steps.has(step.file.sha1)) steps.set(step.file.sha1, { ...step, update: nameOf(update) });
  }
  return [...steps.values()];
}

/** Undefined while the file can be had nowhere. What the index says of it goes before what anybody else does. */
function downloadOf(
  file: PayloadFile,
  { statuses, direct }: Knowledge,
): Omit<StepOf<'download-file'>, 'update'> | undefined {
  const status = statuses.get(file.sha1);
  const held = status?.state === 'held' && conflictOf(file, status) === undefined ? status : undefined;
  const repository = held === undefined ? [] : [{ name: 'repository' } as const];
  const microsoft = mayComeDirectly(file, direct) ? [{ name: 'microsoft', address: file.url } as const] : [];
  const sources = direct === 'first' ? [...microsoft, ...repository] : [...repository, ...microsoft];
  const sha256 = file.sha256 ?? held?.sha256;
  const size = file.size ?? held?.size;
  if (sha256 === undefined || size === undefined || sources.length === 0) return undefined;
  return { kind: 'download-file', file: complete(file, { sha256, size }), sources };
}

/** Steps of each update, in their order, with the bytes that are to come. @param here bytes of files, whole or begun, by SHA-1 */
export function byUpdate(
  steps: readonly StepOf<'download-file'>[],
  here: ReadonlyMap<string, number>,
): readonly { readonly update: string; readonly steps: readonly StepOf<'download-file'>[]; readonly bytes: number }[] {
  const groups = new Map<string, StepOf<'download-file'>[]>();
  for (const step of steps) groups.set(step.update, [...(groups.get(step.update) ?? []), step]);
  return [...groups].map(([update, some]) => ({
    update,
    steps: some,
    bytes: some.reduce((sum, { file }) => sum + Math.max(0, file.size - (here.get(file.sha1) ?? 0)), 0),
  }));
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
