import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { severity } from '#shared/contract/primitives.ts';
import type { RulePackageDocument, RulesDocument } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import { readGroupName, readKbNumber } from '../ids.ts';
import type { ExitCode } from '../io.ts';
import { packageOf, withAssigned, withPackages } from '../rules/book.ts';
import { changeRules } from '../rules/publish.ts';
import type { CommandContext } from './context.ts';

/** Flags of `kbroker rules set`; what is not named stays as it is, and an empty list empties it. */
export interface SetRulesFlags {
  readonly defaultAllow?: boolean;
  readonly allowKb?: readonly string[];
  readonly forbidKb?: readonly string[];
  readonly allowSeverity?: readonly string[];
  /** @default - every group that has hosts or packages */
  readonly group?: readonly string[];
  /** Key to sign with. */
  readonly key?: string;
}

/** The package that the shorthand edits. */
const defaultName = 'default';

/**
 * `kbroker rules set`: changes lists of WAPT's and `default_allow` of the package `default`, and assigns it to groups. Asks
 * nothing: it is for first steps and scripts.
 *
 * @throws CliError `usage` before anything is sent, when nothing is named, or a value is none; `refused` when there is no
 *   group to assign it to
 */
export async function setRules(context: CommandContext, flags: SetRulesFlags): Promise<ExitCode> {
  const changes = readChanges(flags);
  const named = flags.group?.map(readGroupName);
  return changeRules(
    context,
    { yes: true, impact: false, ...(flags.key !== undefined && { key: flags.key }) },
    async (current) => {
      const groups = named ?? (await groupsOf(context, current));
      if (groups.length === 0)
        throw new CliError('refused', 'no group has hosts or packages yet: name those that it is for by --group');
      const before = packageOf(current.book, defaultName) ?? { name: defaultName, priority: 0, rules: [] };
      const book = withPackages(current.book, [changed(before, changes)]);
      return {
        book: withAssigned(book, defaultName, { groups, hosts: [] }),
        said: [`${defaultName} is assigned to ${groups.join(', ')}`],
      };
    },
  );
}

/** Groups that have hosts, by a snapshot of at most five minutes, and those that have packages. */
async function groupsOf(context: CommandContext, { book }: RulesDocument): Promise<readonly string[]> {
  const { groups } = await context.call(operatorEndpoints.listGroups);
  return [...new Set([...groups.map(({ group }) => group), ...Object.keys(book.assignments.groups)])].toSorted();
}

type Wapt = NonNullable<RulePackageDocument['wapt']>;
interface Changes {
  readonly wapt: Wapt;
  readonly defaultAllow?: boolean;
}

function changed(before: RulePackageDocument, { wapt, defaultAllow }: Changes): RulePackageDocument {
  return {
    ...before,
    ...(Object.keys(wapt).length > 0 && { wapt: { ...before.wapt, ...wapt } }),
    ...(defaultAllow !== undefined && { settings: { ...before.settings, defaultAllow } }),
  };
}

function readChanges({ defaultAllow, allowKb, forbidKb, allowSeverity }: SetRulesFlags): Changes {
  const wapt = {
    ...(allowKb !== undefined && { allowedKbs: [...new Set(allowKb.map(readKbNumber))] }),
    ...(forbidKb !== undefined && { forbiddenKbs: [...new Set(forbidKb.map(readKbNumber))] }),
    ...(allowSeverity !== undefined && { allowedSeverities: [...new Set(allowSeverity.map(readSeverity))] }),
  };
  if (Object.keys(wapt).length > 0 || defaultAllow !== undefined)
    return { wapt, ...(defaultAllow !== undefined && { defaultAllow }) };
  const options = '--default-allow, --no-default-allow, --allow-kb, --forbid-kb, --allow-severity';
  throw new CliError('usage', `nothing to change: name at least one of ${options}`);
}

const severities = severity.options;

function readSeverity(text: string): (typeof severities)[number] {
  const found = severities.find((known) => known.toLowerCase() === text.trim().toLowerCase());
  if (found !== undefined) return found;
  throw new CliError('usage', `not a severity: got ${JSON.stringify(text)}, allowed are ${severities.join(', ')}`);
}
