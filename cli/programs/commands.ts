import { Option } from 'commander';
import { commandVerbs } from '#shared/contract/commands.ts';
import {
  type CreateCommandFlags,
  cancelCommand,
  createCommand,
  listCommands,
  showCommand,
} from '../commands/commands.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker commands`. */
export const addCommandsCommands: AddCommands = (program, { sub, online }) => {
  const commands = sub(program, 'commands', 'what hosts are told to do at their next check-in');
  sub(commands, 'create', 'tell hosts to do something')
    .addOption(new Option('--verb <verb>', 'what to do').choices(commandVerbs).makeOptionMandatory())
    .option('--host <machine>', 'for one host: machine id or hostname')
    .option('--group <group>', 'for a group')
    .option(
      '--filter <filter>',
      'for hosts that have all of this: group=…,state=…,os=…,name=… (one or more)',
      (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
    )
    .option('--expires <duration>', 'how long hosts are told: 15m, 12h, 7d', '1d')
    .option('--note <text>', 'for people')
    .option('--watch', 'wait until all hosts told how it ended')
    .action(online((context, flags: CreateCommandFlags) => createCommand(context, flags)));
  sub(commands, 'list', 'the newest first').action(online((context) => listCommands(context)));
  sub(commands, 'show', 'one command and how it ended on each host')
    .argument('<command-id>')
    .option('--watch', 'wait until all hosts told how it ended')
    .action(online((context, id: string, flags: { watch?: boolean }) => showCommand(context, id, flags)));
  sub(commands, 'cancel', 'tell no more hosts; those that were told go on')
    .argument('<command-id>')
    .action(online((context, id: string) => cancelCommand(context, id)));
};
