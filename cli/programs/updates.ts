import { Option } from 'commander';
import { updateStates } from '#shared/core/status/states.ts';
import { listReportedUpdates, type ReportedFlags } from '../commands/reported-updates.ts';
import { listUpdates, showUpdate } from '../commands/updates.ts';
import { type AddCommands, selection } from './kit.ts';

/** `kbroker updates`. */
export const addUpdatesCommands: AddCommands = (program, { sub, online }) => {
  const updates = sub(program, 'updates', 'what is known of updates, those that left the index among them');
  sub(updates, 'list', 'updates of KBs, the newest first')
    .requiredOption('--kb <kb>', 'KB number (repeatable, or comma-separated)', selection)
    .action(online((context, flags: { kb: readonly string[] }) => listUpdates(context, flags.kb)));
  sub(updates, 'reported', 'updates that hosts reported, with the number of hosts by state')
    .option('--kb <kb>', 'only updates of this KB')
    .addOption(new Option('--state <state>', 'only updates that a host has in this state').choices(updateStates))
    .option('--group <group>', 'count only the hosts of this group')
    .action(online((context, flags: ReportedFlags) => listReportedUpdates(context, flags)));
  sub(updates, 'show', 'one update and its files')
    .argument('<update-id>', 'UpdateId, or UpdateId_revision')
    .option('--watch', 'look again until no file of it is on its way any more')
    .action(online((context, id: string, flags: { watch?: boolean }) => showUpdate(context, id, flags)));
};
