import { type CatalogDiff, type DiffedUpdate, diffCatalogs, isSame } from '#shared/core/catalog/diff.ts';
import type { DeploymentAction, PayloadFile } from '#shared/core/catalog/model.ts';
import { counted } from '../counted.ts';
import { type ReadIndexFile, readIndexFile } from '../index-file.ts';
import { type CliIo, type ExitCode, exitCodes, formatBytes, printLines } from '../io.ts';

export interface IndexDiffOptions {
  /** Path of the earlier index, or of an update package (.msu) that holds one. */
  readonly before: string;
  /** Path of the later index. */
  readonly after: string;
  readonly json: boolean;
  /** Show the whole lists instead of the newest of each. */
  readonly all: boolean;
}

type DiffIo = Pick<CliIo, 'stdout' | 'stderr'>;

/** KBs shown of each list without `--all`. */
const shownKbs = 20;

/**
 * `kbroker index diff A B`: what the publication B brought after A. RevisionIds are numbered anew in each publication;
 * they are counted apart and are no news.
 *
 * @returns exit code 0, whether they are the same or differ
 * @throws CliError `refused` when a file cannot be read (exit code 1)
 */
export async function diffIndexes(options: IndexDiffOptions, io: DiffIo): Promise<ExitCode> {
  const before = await readIndexFile(options.before, io);
  const after = await readIndexFile(options.after, io);
  const diff = diffCatalogs(before.catalog, after.catalog);
  if (options.json) printDocument(options, before, after, diff, io);
  else printLines(io, describe(options, before, after, diff));
  return exitCodes.ok;
}

/** One JSON document, an entry a line: the whole of two publications would be too long for one string. */
function printDocument(
  options: IndexDiffOptions,
  before: ReadIndexFile,
  after: ReadIndexFile,
  diff: CatalogDiff,
  io: DiffIo,
): void {
  const { files, renumbered, ...updates } = diff;
  const side = (file: string, { catalog, bytes, member }: ReadIndexFile) => ({
    file,
    ...(member !== undefined && { member }),
    bytes,
    ...(catalog.packageId !== undefined && { packageId: catalog.packageId }),
    ...(catalog.createdAt !== undefined && { createdAt: catalog.createdAt }),
    updates: catalog.updates.size,
    files: catalog.files.size,
  });
  const head = {
    version: 1,
    same: isSame(diff),
    before: side(options.before, before),
    after: side(options.after, after),
    renumbered,
    bytes: { added: bytesOf(files.added), gone: bytesOf(files.gone) },
  };
  const lists = (entries: Readonly<Record<string, readonly object[]>>): void => {
    for (const [index, [name, list]] of Object.entries(entries).entries()) {
      io.stdout.write(`${index === 0 ? '' : ','}\n${JSON.stringify(name)}:[`);
      list.forEach((entry, at) => {
        io.stdout.write(`${at === 0 ? '\n' : ',\n'}${JSON.stringify(entry)}`);
      });
      io.stdout.write(']');
    }
  };
  io.stdout.write(`${JSON.stringify(head).slice(0, -1)},`);
  lists(updates);
  io.stdout.write(',\n"files":{');
  lists(files);
  io.stdout.write('}}\n');
}

function describe(options: IndexDiffOptions, before: ReadIndexFile, after: ReadIndexFile, diff: CatalogDiff): string[] {
  const { added, revised, withdrawn, changed, superseded, files } = diff;
  const lines = [
    `Before      ${options.before}: ${sideOf(before)}`,
    `After       ${options.after}: ${sideOf(after)}`,
    `Result      ${isSame(diff) ? 'the same updates and files' : 'they differ'}`,
    `New         ${countsOf(added)}`,
    `Revised     ${countsOf(revised)}`,
    `Changed     ${countsOf(changed)}; ${changed.filter(isOnlySuperseded).length} of them only in what supersedes them`,
    `Withdrawn   ${countsOf(withdrawn)}`,
    `Superseded  ${counted(superseded.length, 'update')} that nothing superseded before`,
    `Files       ${counted(files.added.length, 'new file')} (${formatBytes(bytesOf(files.added))}), ${files.changed.length} with changed facts, ${files.gone.length} gone (${formatBytes(bytesOf(files.gone))})`,
    `Renumbered  ${counted(diff.renumbered, 'update')} with another RevisionId, which is no news`,
  ];
  const list = (title: string, updates: readonly DiffedUpdate[]): void => {
    const groups = byKb(updates.filter(({ action }) => action === 'install'));
    if (groups.length === 0) return;
    const shown = options.all ? groups : groups.slice(0, shownKbs);
    lines.push('', title, ...shown.map(lineOf));
    if (groups.length > shown.length) lines.push(`  and ${groups.length - shown.length} older KBs; --all lists them`);
  };
  list('New updates', added);
  list('Revised updates', revised);
  list(
    'Changed updates (the same revision with other facts than its superseders)',
    changed.filter((update) => !isOnlySuperseded(update)),
  );
  list('Withdrawn updates', withdrawn);
  list('Newly superseded updates', superseded);
  return lines;
}

const isOnlySuperseded = ({ facts }: CatalogDiff['changed'][number]): boolean =>
  facts.length === 1 && facts[0] === 'supersededBy';

const sideOf = ({ catalog, bytes, layout, member }: ReadIndexFile): string =>
  `${member === undefined ? '' : `its ${member}, `}${layout}, ${formatBytes(bytes)}, ${catalog.createdAt === undefined ? 'undated' : `created ${catalog.createdAt}`}, ` +
  `${counted(catalog.updates.size, 'update')}, ${counted(catalog.files.size, 'file')}`;

function countsOf(updates: readonly DiffedUpdate[]): string {
  const count = (action: DeploymentAction): number => updates.filter((update) => update.action === action).length;
  const install = updates.filter((update) => update.action === 'install');
  const kbs = new Set(install.flatMap((update) => update.kbs)).size;
  return (
    `${counted(install.length, 'update')} to install (${counted(kbs, 'KB')}), ` +
    `${counted(count('bundle'), 'part')} of bundles, ${counted(count('evaluate'), 'category or detectoid', 'categories and detectoids')}`
  );
}

interface KbGroup {
  readonly name: string;
  /** The newest first. */
  readonly updates: readonly [DiffedUpdate, ...DiffedUpdate[]];
}

/** One KB is an update for each product and architecture. The KB with the newest update comes first. */
function byKb(updates: readonly DiffedUpdate[]): readonly KbGroup[] {
  const groups = new Map<string, [DiffedUpdate, ...DiffedUpdate[]]>();
  const newestFirst = updates.toSorted((a, b) => compare(b.createdAt, a.createdAt) || compare(a.updateId, b.updateId));
  for (const update of newestFirst) {
    const name = update.kbs.length === 0 ? update.updateId : update.kbs.map((kb) => `KB${kb}`).join(', ');
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [update]);
    else group.push(update);
  }
  return [...groups].map(([name, grouped]) => ({ name, updates: grouped }));
}

function lineOf({ name, updates: [first, ...others] }: KbGroup): string {
  const rest = others.length === 0 ? '' : ` (and ${counted(others.length, 'more update')} of this KB)`;
  return `  ${first.createdAt.slice(0, 10)}  ${name}  ${first.severity ?? 'unrated'}  ${first.title ?? 'untitled'}${rest}`;
}

const bytesOf = (files: readonly PayloadFile[]): number => files.reduce((sum, { size }) => sum + (size ?? 0), 0);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
