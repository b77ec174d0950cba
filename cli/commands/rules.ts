import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { severity } from '#shared/contract/primitives.ts';
import { type RulesDocument, ruleSet } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import { readKbNumber } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import type { CommandContext } from './context.ts';

/** Flags of `kbroker rules set`; what is not named stays as it is, and an empty list empties it. */
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

/**
 * `kbroker rules set`: reads, changes what was named, and writes when that is a change; refused when somebody else was
 * faster.
 *
 * @throws CliError `usage` before anything is sent, when nothing is named, or a value is none
 */
export async function setRules(context: CommandContext, flags: RulesFlags): Promise<ExitCode> {
  const changes = readChanges(flags);
  const current = await context.call(operatorEndpoints.getRules);
  const { defaultAllow, allowedKbs, forbiddenKbs, allowedSeverities } = current;
  const before = { defaultAllow, allowedKbs, forbiddenKbs, allowedSeverities };
  const wanted = parseInWords(ruleSet, { ...before, ...changes });
  if (!wanted.success) throw new CliError('usage', `not rules: ${inOneLine(wanted.faults)}`);
  if (JSON.stringify(wanted.data) === JSON.stringify(before)) {
    context.io.stderr.write('these rules are in force already: no new revision was written\n');
    print(context, current);
    return exitCodes.ok;
  }
  const changed = await context.call(operatorEndpoints.putRules, {
    body: { version: 1, expectedRevision: current.revision, rules: wanted.data },
  });
  print(context, changed);
  return exitCodes.ok;
}

function readChanges({ defaultAllow, allowKb, forbidKb, allowSeverity }: RulesFlags) {
  const changes = {
    ...(defaultAllow !== undefined && { defaultAllow }),
    ...(allowKb !== undefined && { allowedKbs: [...new Set(allowKb.map(readKbNumber))] }),
    ...(forbidKb !== undefined && { forbiddenKbs: [...new Set(forbidKb.map(readKbNumber))] }),
    ...(allowSeverity !== undefined && { allowedSeverities: [...new Set(allowSeverity.map(readSeverity))] }),
  };
  if (Object.keys(changes).length > 0) return changes;
  const options = '--default-allow, --no-default-allow, --allow-kb, --forbid-kb, --allow-severity';
  throw new CliError('usage', `nothing to change: name at least one of ${options}`);
}

const severities = severity.options;

function readSeverity(text: string): (typeof severities)[number] {
  const found = severities.find((known) => known.toLowerCase() === text.trim().toLowerCase());
  if (found !== undefined) return found;
  throw new CliError('usage', `not a severity: got ${JSON.stringify(text)}, allowed are ${severities.join(', ')}`);
}

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
