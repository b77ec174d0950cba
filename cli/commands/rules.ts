import * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type RulesDocument, ruleSet } from '#shared/contract/rules.ts';
import { CliError, inOneLine } from '../cli-error.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import type { CommandContext } from './context.ts';

/** Flags of `kbroker rules set`; a list that is not named stays as it is. */
export interface RulesFlags {
  readonly defaultAllow?: boolean;
  readonly allowKb?: readonly string[];
  readonly forbidKb?: readonly string[];
  readonly allowSeverity?: readonly string[];
}

/** `kbroker rules show`. */
export async function showRules(context: CommandContext): Promise<ExitCode> {
  print(context, await context.call(operatorEndpoints.getRules));
  return exitCodes.ok;
}

/** `kbroker rules set`: reads, changes what was named, and writes; refused when somebody else was faster. */
export async function setRules(context: CommandContext, flags: RulesFlags): Promise<ExitCode> {
  const current = await context.call(operatorEndpoints.getRules);
  const wanted = z.safeParse(ruleSet, {
    defaultAllow: flags.defaultAllow ?? current.defaultAllow,
    allowedKbs: flags.allowKb?.map(kbOf) ?? current.allowedKbs,
    forbiddenKbs: flags.forbidKb?.map(kbOf) ?? current.forbiddenKbs,
    allowedSeverities: flags.allowSeverity ?? current.allowedSeverities,
  });
  if (!wanted.success) throw new CliError('usage', `not rules: ${inOneLine(wanted.error)}`);
  const changed = await context.call(operatorEndpoints.putRules, {
    body: { version: 1, expectedRevision: current.revision, rules: wanted.data },
  });
  print(context, changed);
  return exitCodes.ok;
}

/** People write KB5101650, the house 5101650. */
const kbOf = (text: string): string => text.replace(/^KB/i, '');

function print(context: CommandContext, rules: RulesDocument): void {
  if (context.json) {
    printJson(context.io, rules);
    return;
  }
  const kbs = (list: readonly string[]): string => list.map((kb) => `KB${kb}`).join(', ') || 'none';
  printLines(context.io, [
    `Revision ${rules.revision}${rules.changedAt === undefined ? ' (built-in default)' : `, changed ${rules.changedAt}`}`,
    `  forbidden KBs       ${kbs(rules.forbiddenKbs)}`,
    `  allowed KBs         ${kbs(rules.allowedKbs)}`,
    `  allowed severities  ${rules.allowedSeverities.join(', ') || 'none'}`,
    `  everything else     ${rules.defaultAllow ? 'allowed' : 'not allowed'}`,
  ]);
}
