import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { UpdateFactsView, UpdateSummary } from '#shared/contract/operators/updates.ts';
import type { UpdateIdentity } from '#shared/core/catalog/model.ts';
import { CliError } from '../cli-error.ts';
import { readKbNumber, readUpdateName } from '../ids.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { createProgressLine } from '../progress-line.ts';
import { describeRate } from '../rate.ts';
import type { CommandContext } from './context.ts';

/**
 * `kbroker updates list --kb KB…`: all updates of these KBs that an index ever named, all pages.
 *
 * @param kbs with or without "KB"
 * @throws CliError `usage` when one is no KB number
 */
export async function listUpdates(context: CommandContext, kbs: readonly string[]): Promise<ExitCode> {
  const updates: UpdateSummary[] = [];
  const unreadable: string[] = [];
  const unknown: string[] = [];
  for (const kb of [...new Set(kbs.map(readKbNumber))]) {
    let total = 0;
    const pages = pagesOf((at) => context.call(operatorEndpoints.listUpdates, { query: { kb, ...at } }));
    for await (const page of pages) {
      updates.push(...page.updates);
      unreadable.push(...page.unreadable);
      total = page.total;
    }
    if (total === 0) unknown.push(kb);
  }
  // A unit can have two of the KBs.
  const each = [...new Map(updates.map((update) => [update.updateId, update])).values()];
  if (context.json) printJson(context.io, { version: 1, updates: each, unreadable });
  else if (each.length > 0) {
    printTable(
      context.io,
      ['CREATED', 'KB', 'SEVERITY', 'STATE', 'SIZE', 'ID', 'TITLE'],
      each.map((update) => [
        update.createdAt.slice(0, 10),
        kbNames(update.kbs),
        update.severity ?? '',
        stateOf(update),
        formatBytes(update.bytes),
        update.updateId,
        update.title ?? '',
      ]),
    );
  }
  for (const kb of unknown) context.io.stderr.write(`no index named an update with KB${kb}\n`);
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

const kbNames = (kbs: readonly string[]): string => kbs.map((kb) => `KB${kb}`).join(' ');

const stateOf = ({ withdrawnAt, supersededBy }: Pick<UpdateSummary, 'withdrawnAt' | 'supersededBy'>): string =>
  withdrawnAt !== undefined ? 'withdrawn' : supersededBy > 0 ? 'superseded' : 'current';

const watchMilliseconds = 3000;

/**
 * `kbroker updates show ID [--watch]`: one update with its files. With `watch` it looks again every few seconds until the
 * repository has all of them, or nothing of them is on its way; with JSON each look is a line.
 *
 * @param id an UpdateId, or `<UpdateId>_<revision>`
 * @throws CliError `usage` when it is none; `not-found` when the broker has no such update, or another revision of it
 */
export async function showUpdate(
  context: CommandContext,
  id: string,
  { watch = false }: { readonly watch?: boolean } = {},
): Promise<ExitCode> {
  const { io, json } = context;
  const line = createProgressLine(io);
  for (;;) {
    const view = await readUpdate(context, id);
    const isLast = !watch || !isOnItsWay(view) || io.stdout.isClosed === true;
    if (json) printJson(io, view);
    else if (!isLast && view.progress !== undefined)
      line.tell(`${view.progress.filesHeld} of ${view.progress.files} files, ${describeRate(view.progress)}`);
    if (isLast) {
      line.end();
      if (!json) printLines(io, describe(view));
      return exitCodes.ok;
    }
    await context.sleep(watchMilliseconds);
  }
}

/** Whether files of it are still to come: what nobody asked for, or was given up, does not come by itself. */
const isOnItsWay = ({ progress }: UpdateFactsView): boolean => (progress?.filesComing ?? 0) > 0;

async function readUpdate(context: CommandContext, id: string): Promise<UpdateFactsView> {
  const { updateId, revision } = readUpdateName(id);
  const view = await context.call(operatorEndpoints.getUpdate, { params: { updateId } });
  const known = view.update.revision;
  if (revision !== undefined && revision !== known)
    throw new CliError('not-found', `of the update ${updateId} revision ${known} is known, and not ${revision}`);
  return view;
}

function describe({ update, files, progress }: UpdateFactsView): string[] {
  const { withdrawnAt, totals } = update;
  const lines = [update.title ?? 'untitled'];
  const add = (label: string, values: readonly string[], total = values.length): void => {
    if (values.length === 0) return;
    const more = total > values.length ? `, and ${total - values.length} more` : '';
    lines.push(`  ${label.padEnd(12)} ${values.join(', ')}${more}`);
  };
  const titles = (list: readonly { readonly id: string; readonly title?: string }[]): string[] =>
    list.map(({ id, title }) => title ?? id);
  const identities = (list: readonly UpdateIdentity[]): string[] =>
    list.map(({ updateId, revision }) => `${updateId}_${revision}`);
  add('id', [`${update.updateId}, revision ${update.revision}, created ${update.createdAt}`]);
  if (update.firstPublishedAt !== update.createdAt) add('published', [`first at ${update.firstPublishedAt}`]);
  if (withdrawnAt !== undefined) add('withdrawn', [`not in the index any more since ${withdrawnAt}`]);
  add(
    'KB',
    update.kbs.map((kb) => `KB${kb}`),
    totals?.kbs,
  );
  add('severity', update.severity === undefined ? [] : [update.severity]);
  add('class', update.classification === undefined ? [] : titles([update.classification]));
  add('products', titles(update.products), totals?.products);
  add('families', titles(update.families), totals?.families);
  add('bulletins', update.bulletins, totals?.bulletins);
  add('CVEs', update.cves, totals?.cves);
  add('restart', update.reboot === undefined ? [] : [update.reboot]);
  add('replaced by', identities(update.supersededBy), totals?.supersededBy);
  add('replaces', identities(update.supersedes), totals?.supersedes);
  add('size', [`${formatBytes(update.bytes)} in ${totals?.files ?? files.length} files`]);
  if (progress !== undefined)
    add('repository', [`has ${progress.filesHeld} of ${progress.files} files`, describeRate(progress)]);
  for (const file of files) {
    lines.push(
      `  file         ${file.name ?? 'unnamed'}, ${file.size === undefined ? 'size unknown' : formatBytes(file.size)}`,
      `               SHA-1 ${file.sha1}, SHA-256 ${file.sha256 ?? 'not given'}`,
      `               ${file.url ?? 'no location'}`,
    );
  }
  return lines;
}
