import { CliError } from '../cli-error.ts';
import { type RulesFlags, setRules, showRules } from '../commands/rules.ts';
import { type AddCommands, list } from './kit.ts';

/** `kbroker rules`. */
export const addRulesCommands: AddCommands = (program, { sub, online }) => {
  const rules = sub(program, 'rules', 'what may be installed');
  sub(rules, 'show', 'rules in force').action(online((context) => showRules(context)));
  const setting = sub(rules, 'set', 'change the named parts; an empty list empties it')
    .option('--default-allow', 'allow what no list mentions')
    .option('--no-default-allow', 'do not allow what no list mentions')
    .option('--allow-kb <kbs>', 'allowed KBs (replaces the list)', list)
    .option('--forbid-kb <kbs>', 'forbidden KBs (replaces the list)', list)
    .option('--allow-severity <severities>', 'allowed severities: Critical, Important, Moderate, Low', list)
    .action(online((context, flags: RulesFlags) => setRules(context, flags)));
  // To commander they are one option that is set twice, of which the last would count.
  const defaults = new Set<string>();
  for (const name of ['default-allow', 'no-default-allow']) setting.on(`option:${name}`, () => defaults.add(name));
  setting.hook('preAction', () => {
    if (defaults.size > 1) throw new CliError('usage', '--default-allow and --no-default-allow contradict each other');
  });
};
