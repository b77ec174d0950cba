import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { Explanation } from '#shared/contract/operators/rules.ts';
import { CliError } from '../cli-error.ts';
import { readHostName, readKbNumber, readUpdateName } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import { printable } from '../printable.ts';
import { withPackages } from '../rules/book.ts';
import { readPackageFiles } from '../rules/package-files.ts';
import { printImpact } from '../rules/publish.ts';
import type { CommandContext } from './context.ts';
import { findHost } from './find-host.ts';

export interface ExplainFlags {
  /** Machine id or hostname. */
  readonly host: string;
  readonly update?: string;
  readonly kb?: readonly string[];
}

/**
 * `kbroker rules explain --host H`: why updates are allowed on a host, or not, step by step. Without an update or KB, those
 * that the host reported to need.
 *
 * @throws CliError `usage` before anything is sent; `not-found` when no host has the name
 */
export async function explainRules(context: CommandContext, flags: ExplainFlags): Promise<ExitCode> {
  const host = readHostName(flags.host);
  const queries = readQueries(flags);
  const { machineId, hostname } = (await findHost(context, host)).summary;
  const answers: Explanation[] = [];
  const missing: CliError[] = [];
  for (const query of queries) {
    try {
      answers.push(await context.call(operatorEndpoints.explainRules, { params: { machineId }, query }));
    } catch (error) {
      if (!(error instanceof CliError) || error.code !== 'not-found') throw error;
      missing.push(error);
    }
  }
  const [first, ...others] = answers;
  // One KB that no index named does not take away what is known of the others.
  if (first === undefined) throw missing[0] ?? new Error('at least one question is asked');
  for (const { message } of missing) context.io.stderr.write(`${printable(message)}\n`);
  if (others.some(({ revision }) => revision !== first.revision))
    throw new CliError('conflict', 'the rules were changed while they were explained; ask again');
  const whole = others.reduce(joined, first);
  if (context.json) printJson(context.io, whole);
  else printLines(context.io, describe(whole, hostname, flags));
  return exitCodes.ok;
}

function readQueries({ update, kb }: ExplainFlags): readonly { readonly kb?: string; readonly update?: string }[] {
  if (update !== undefined && kb !== undefined) throw new CliError('usage', 'name --update or --kb, not both');
  if (update !== undefined) {
    const { updateId, revision } = readUpdateName(update);
    return [{ update: revision === undefined ? updateId : `${updateId}_${revision}` }];
  }
  if (kb === undefined) return [{}];
  if (kb.length === 0) throw new CliError('usage', '--kb has no value: expected KB numbers');
  return [...new Set(kb.map(readKbNumber))].map((one) => ({ kb: one }));
}

/** Two answers of one revision; an update can have both KBs that were asked for. */
function joined(a: Explanation, b: Explanation): Explanation {
  const byId = <T extends { readonly updateId: string }>(lists: readonly (readonly T[] | undefined)[]): T[] => [
    ...new Map(lists.flatMap((list) => list ?? []).map((one) => [one.updateId, one])).values(),
  ];
  const updates = byId([a.updates, b.updates]);
  const unknown = byId([a.unknown, b.unknown]);
  const left = [a, b].reduce((sum, { total, updates: listed, unknown: lost = [] }) => {
    return total === undefined ? sum : sum + Math.max(total - listed.length - lost.length, 0);
  }, 0);
  const { unknown: _unknown, total: _total, ...rest } = a;
  return {
    ...rest,
    updates,
    ...(unknown.length > 0 && { unknown }),
    ...(left > 0 && { total: left + updates.length + unknown.length }),
  };
}

function describe(explanation: Explanation, hostname: string, { update, kb }: ExplainFlags): string[] {
  const { machineId, group, revision, packages, switchedOff, updates, unknown = [], total } = explanation;
  const listed = updates.length + unknown.length;
  const nothing =
    update === undefined && kb === undefined
      ? 'it reported no update that it needs; --update or --kb shows any other'
      : 'no such update: none is known here, and the host reported none';
  return [
    `${hostname} (${machineId}) in group ${group}: rules revision ${revision}, ${
      packages.length === 0 ? 'no packages' : `packages ${packages.join(', ')}`
    }`,
    ...(switchedOff === undefined ? [] : [`${switchedOff}; what follows is what else would count`]),
    ...(listed === 0 ? [nothing] : []),
    ...updates.flatMap(describeUpdate),
    ...unknown.flatMap(({ updateId, revision: of, kbs }) => [
      '',
      `${namesOf(kbs)}${updateId}_${of}`,
      '  no publication here had it: the rules cannot look at it',
    ]),
    ...(total !== undefined && total > listed ? ['', `and ${total - listed} more; --update or --kb shows them`] : []),
  ];
}

const namesOf = (kbs: readonly string[]): string => kbs.map((kb) => `KB${kb} `).join('');

function describeUpdate(update: Explanation['updates'][number]): string[] {
  const { updateId, revision, kbs, title, firstPublishedAt, withdrawnAt, verdict, steps, reported } = update;
  const width = Math.max(...steps.map(({ step }) => step.length));
  return [
    '',
    `${namesOf(kbs)}${title ?? 'untitled'}`,
    `  ${updateId}_${revision}, first published ${firstPublishedAt}`,
    ...(withdrawnAt === undefined ? [] : [`  not in the index any more since ${withdrawnAt}: no host finds it`]),
    `  ${verdict.allowed ? 'ALLOWED' : 'NOT ALLOWED'}: ${verdict.reason}`,
    ...(verdict.until === undefined ? [] : [`  changes by itself at ${verdict.until}`]),
    ...steps.map(({ step, decided, said }) => `  ${decided ? '→' : ' '} ${step.padEnd(width)}  ${said}`),
    ...(reported === undefined
      ? ['  the host has not reported it']
      : [`  the host last reported ${reported.state}: ${reported.reason}`]),
  ];
}

/**
 * `kbroker rules impact FILE…`: what these packages would do to the fleet in the place of those that are in force.
 * Nothing is changed. A package that is new counts nowhere yet.
 *
 * @throws CliError `usage` with all faults of the files on stderr, before anything is sent
 */
export async function showRulesImpact(context: CommandContext, files: readonly string[]): Promise<ExitCode> {
  const packages = await readPackageFiles(context.io, files);
  const { book } = await context.call(operatorEndpoints.getRules);
  const impact = await context.call(operatorEndpoints.askImpact, {
    body: { version: 2, book: withPackages(book, packages) },
  });
  if (context.json) printJson(context.io, impact);
  else printImpact(context.io, impact);
  return exitCodes.ok;
}
