import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RulePackageDocument, RulesDocument } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { type Places, placesOf, requirePackage } from '../rules/book.ts';
import { readPackageName } from '../rules/ids.ts';
import { writePackage } from '../rules/write-package.ts';
import type { CommandContext } from './context.ts';

/** `kbroker rules list`: the packages in force, in the order in which they count. */
export async function listRules(context: CommandContext): Promise<ExitCode> {
  const current = await context.call(operatorEndpoints.getRules);
  if (context.json) {
    printJson(context.io, current);
    return exitCodes.ok;
  }
  const { packages, assignments } = current.book;
  printLines(context.io, [headingOf(current)]);
  if (packages.length === 0) {
    printLines(context.io, ['no packages: nothing is allowed but servicing stack updates']);
    return exitCodes.ok;
  }
  const inOrder = packages.toSorted((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
  printTable(
    context.io,
    ['NAME', 'PRIORITY', 'RULES', "WAPT'S", 'ASSIGNED TO', 'DESCRIPTION'],
    inOrder.map((one) => [
      one.name,
      String(one.priority),
      String(one.rules.length),
      String(waptEntries(one)),
      wordsOf(placesOf(assignments, one.name)),
      one.description ?? '',
    ]),
  );
  return exitCodes.ok;
}

function headingOf({ revision, changedAt, changedBy, comment }: RulesDocument): string {
  const at = changedAt === undefined ? ', nothing was written yet' : ` of ${changedAt}`;
  return `revision ${revision}${at}${changedBy === undefined ? '' : ` by ${changedBy}`}${comment === undefined ? '' : `: ${comment}`}`;
}

/** Things in the lists of WAPT. */
const waptEntries = ({ wapt = {} }: RulePackageDocument): number =>
  Object.values(wapt).reduce((count, list) => count + list.length, 0);

/** Places in words; `nothing` when there is none. */
export function wordsOf({ groups, hosts }: Places): string {
  const places = [...groups, ...hosts.map((host) => `host ${host}`)];
  return places.join(', ') || 'nothing';
}

export interface ShowRulesFlags {
  /** An earlier one. */
  readonly revision?: string;
}

/**
 * `kbroker rules show NAME`: a package as `rules put` takes it, so that it can be kept in a file.
 *
 * @throws CliError `usage` before anything is sent, when a value is none; `not-found` when there is no such package
 */
export async function showRules(context: CommandContext, name: string, flags: ShowRulesFlags = {}): Promise<ExitCode> {
  const wanted = readPackageName(name);
  const document = await documentOf(context, flags);
  const found = requirePackage(document.book, wanted);
  const assigned = placesOf(document.book.assignments, wanted);
  if (context.json) {
    printJson(context.io, { version: 2, revision: document.revision, package: found, assigned });
    return exitCodes.ok;
  }
  context.io.stdout.write(writePackage(found, [`${headingOf(document)}; assigned to ${wordsOf(assigned)}`]));
  return exitCodes.ok;
}

async function documentOf(context: CommandContext, { revision }: ShowRulesFlags): Promise<RulesDocument> {
  if (revision === undefined) return context.call(operatorEndpoints.getRules);
  if (!/^\d{1,9}$/.test(revision.trim()))
    throw new CliError(
      'usage',
      `--revision: got ${JSON.stringify(revision)}, expected a number that rules history lists`,
    );
  return context.call(operatorEndpoints.getRulesRevision, { params: { revision: String(Number(revision)) } });
}

/** `kbroker rules history`: who wrote which revision, the newest first, all pages. */
export async function showRulesHistory(context: CommandContext): Promise<ExitCode> {
  const revisions = [];
  const unreadable: string[] = [];
  for await (const page of pagesOf((at) => context.call(operatorEndpoints.listRulesRevisions, { query: at }))) {
    revisions.push(...page.revisions);
    unreadable.push(...page.unreadable);
  }
  if (context.json) printJson(context.io, { version: 1, revisions, unreadable });
  else if (revisions.length === 0) context.io.stdout.write('nobody wrote rules yet\n');
  else
    printTable(
      context.io,
      ['REVISION', 'AT', 'BY', 'COMMENT'],
      revisions.map((one) => [String(one.revision), one.changedAt, one.changedBy, one.comment ?? '']),
    );
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}
