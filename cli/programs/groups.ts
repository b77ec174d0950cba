import { listGroups, showGroup } from '../commands/groups.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker groups`. */
export const addGroupsCommands: AddCommands = (program, { sub, online }) => {
  const groups = sub(program, 'groups', 'groups of hosts in numbers');
  sub(groups, 'list', 'one line a group').action(online((context) => listGroups(context)));
  sub(groups, 'show', 'one group, by the states of its hosts and of the updates on them')
    .argument('<group>', 'name of the group')
    .action(online((context, group: string) => showGroup(context, group)));
};
