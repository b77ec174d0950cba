import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { listRules, type ShowRulesFlags, showRules, showRulesHistory } from '../commands/rules.ts';
import {
  assignRules,
  type PlaceFlags,
  type PromoteFlags,
  promoteRules,
  putRules,
  removeRules,
  unassignRules,
} from '../commands/rules-change.ts';
import { type ImportFlags, importRules, showRulesSchema } from '../commands/rules-files.ts';
import { type ExplainFlags, explainRules, showRulesImpact } from '../commands/rules-questions.ts';
import { type RecoverFlags, recoverRules } from '../commands/rules-recover.ts';
import { type SetRulesFlags, setRules } from '../commands/rules-set.ts';
import type { PublishFlags } from '../rules/publish.ts';
import { type AddCommands, list, type ProgramKit, selection, wantsJson } from './kit.ts';

/** `kbroker rules`. */
export const addRulesCommands: AddCommands = (program, kit) => {
  const rules = kit.sub(program, 'rules', 'what may be installed: rule packages, and where they count');
  addReading(rules, kit);
  addChanging(rules, kit);
  addQuestions(rules, kit);
  addFiles(rules, kit);
  addSet(rules, kit);
};

function addReading(rules: Command, { sub, online }: ProgramKit): void {
  sub(rules, 'list', 'packages in the order in which they count, and where').action(online(listRules));
  sub(rules, 'show', 'one package, in YAML that "rules put" takes')
    .argument('<name>', 'name of the package')
    .option('--revision <number>', 'as it was in that revision of the rules')
    .action(online((context, name: string, flags: ShowRulesFlags) => showRules(context, name, flags)));
  sub(rules, 'history', 'who wrote which revision, the newest first').action(online(showRulesHistory));
}

/** A command that shows the impact, asks, and writes. */
export const changing = (command: Command): Command =>
  command
    .option('--comment <text>', 'why; stays with the revision')
    .option('--dry-run', 'only say what it would do to the fleet')
    .option('--no-impact', 'do not ask what it would do to the fleet')
    .option('--key <key>', 'key to sign with: a file, or kms:ARN (default: the one of "trust init" or "trust pin")')
    .option('--yes', 'do not ask');

function addChanging(rules: Command, { sub, online }: ProgramKit): void {
  changing(sub(rules, 'put', 'write packages from files; where they are assigned stays as it is'))
    .argument('<files...>', 'YAML or JSON, one package each')
    .action(online((context, files: string[], flags: PublishFlags) => putRules(context, files, flags)));
  changing(sub(rules, 'remove', 'take a package away, wherever it is assigned'))
    .argument('<name>', 'name of the package')
    .action(online((context, name: string, flags: PublishFlags) => removeRules(context, name, flags)));
  changing(sub(rules, 'assign', 'let a package count for groups or hosts'))
    .argument('<name>', 'name of the package')
    .option('--group <groups>', 'groups of hosts', selection)
    .option('--host <machines>', 'machine ids or hostnames', selection)
    .action(online((context, name: string, flags: PlaceFlags) => assignRules(context, name, flags)));
  changing(sub(rules, 'unassign', 'let a package count for groups or hosts no more'))
    .argument('<name>', 'name of the package')
    .option('--group <groups>', 'groups of hosts', selection)
    .option('--host <machines>', 'machine ids or hostnames', selection)
    .action(online((context, name: string, flags: PlaceFlags) => unassignRules(context, name, flags)));
  changing(sub(rules, 'promote', 'give a group what another has of a package, or of its draft NAME.next'))
    .argument('<name>', 'name of the package')
    .requiredOption('--from <group>', 'group that has tried it')
    .requiredOption('--to <group>', 'group that gets it')
    .action(online((context, name: string, flags: PromoteFlags) => promoteRules(context, name, flags)));
  sub(rules, 'recover', 'put the rules that administrators signed last in the place of stored ones that nobody signed')
    .option('--key <key>', 'key to sign with: a file, or kms:ARN (default: the one of "trust init" or "trust pin")')
    .option('--yes', 'do not ask')
    .action(online((context, flags: RecoverFlags) => recoverRules(context, flags)));
}

function addQuestions(rules: Command, { sub, online }: ProgramKit): void {
  sub(rules, 'explain', 'why updates are allowed on a host, or not, step by step')
    .requiredOption('--host <machine>', 'machine id or hostname')
    .option('--update <id>', 'UpdateId')
    .option('--kb <kbs>', 'KB numbers', list)
    .action(online((context, flags: ExplainFlags) => explainRules(context, flags)));
  sub(rules, 'impact', 'what packages from files would do to the fleet; changes nothing')
    .argument('<files...>', 'YAML or JSON, one package each')
    .action(online((context, files: string[]) => showRulesImpact(context, files)));
}

function addFiles(rules: Command, { sub, io, end }: ProgramKit): void {
  sub(rules, 'import', "make a package of WAPT's wapt-get.ini or waptwua_rules.json; works offline")
    .argument('<file>', 'the file')
    .option('--name <name>', 'name of the package', 'wapt')
    .option('--out <file>', 'write to this new file')
    .action(async (file: string, flags: ImportFlags, command: Command) => {
      end(await importRules(io, wantsJson(command), file, flags));
    });
  sub(rules, 'schema', 'JSON Schema of packages, for editors; works offline').action(
    (_flags: unknown, command: Command) => end(showRulesSchema(io, wantsJson(command))),
  );
}

function addSet(rules: Command, { sub, online }: ProgramKit): void {
  const setting = sub(rules, 'set', 'shorthand: change lists of the package "default"; an empty list empties it')
    .option('--default-allow', 'allow what no rule mentions')
    .option('--no-default-allow', 'do not allow what no rule mentions')
    .option('--allow-kb <kbs>', 'allowed KBs (replaces the list)', list)
    .option('--forbid-kb <kbs>', 'forbidden KBs (replaces the list)', list)
    .option('--allow-severity <severities>', 'allowed severities: Critical, Important, Moderate, Low', list)
    .option('--group <groups>', 'groups that get the package (default: all that have hosts or packages)', selection)
    .option('--key <key>', 'key to sign with: a file, or kms:ARN')
    .action(online((context, flags: SetRulesFlags) => setRules(context, flags)));
  // To commander they are one option that is set twice, of which the last would count.
  const defaults = new Set<string>();
  for (const name of ['default-allow', 'no-default-allow']) setting.on(`option:${name}`, () => defaults.add(name));
  setting.hook('preAction', () => {
    if (defaults.size > 1) throw new CliError('usage', '--default-allow and --no-default-allow contradict each other');
  });
}
