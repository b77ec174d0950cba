import { Option } from 'commander';
import { hostStates, updateStates } from '#shared/core/status/states.ts';
import { readSort, sortColumns } from '../commands/host-sorts.ts';
import { type HostsFlags, listHosts, type RevokeFlags, revokeHost, showHost } from '../commands/hosts.ts';
import { type MoveFlags, moveHost } from '../commands/hosts-move.ts';
import type { AddCommands } from './kit.ts';
import { changing } from './rules.ts';

/** `kbroker hosts`. */
export const addHostsCommands: AddCommands = (program, { sub, online }) => {
  const hosts = sub(program, 'hosts', 'hosts and their reports');
  sub(hosts, 'list', 'one line a host, from a snapshot of at most five minutes')
    .option('--group <group>', 'only this group')
    .addOption(new Option('--state <state>', 'only this state').choices(hostStates))
    .option('--os <part>', 'only operating systems whose name or version has this part, in any case')
    .option('--name <part>', 'only hostnames or machine ids with this part, in any case')
    .option('--update <update>', 'only hosts that reported this update: UpdateId or KB')
    .addOption(
      new Option('--update-state <state>', 'only hosts that have it, or any update, in this state').choices(
        updateStates,
      ),
    )
    .addOption(
      new Option('--revoked <which>', 'only hosts whose key was revoked, or only the others').choices([
        'true',
        'false',
      ]),
    )
    .option('--seen-before <when>', 'last seen before then: a time, or how long ago (90s, 15m, 12h, 7d)')
    .option('--seen-after <when>', 'last seen after then: a time, or how long ago')
    .addOption(new Option('--sort <by>', `what to order by: ${sortColumns.join(', ')}`).argParser(readSort))
    .option('--descending', 'in the other direction')
    .action(online((context, flags: HostsFlags) => listHosts(context, flags)));
  sub(hosts, 'show', 'who a host is, and its last report, each update with its reason')
    .argument('<machine>', 'machine id or hostname')
    .action(online((context, machine: string) => showHost(context, machine)));
  changing(sub(hosts, 'move', 'put a host into another group than the one of its enrolment; a change of the rules'))
    .argument('<machine>', 'machine id or hostname')
    .option('--to <group>', 'group that it is in from then on')
    .option('--back', 'to the group of its enrolment')
    .action(online((context, machine: string, flags: MoveFlags) => moveHost(context, machine, flags)));
  sub(hosts, 'revoke', 'let the key of a host in no more; asks first')
    .argument('<machine>', 'machine id or hostname')
    .option('--reason <text>', 'why, for people; the audit log keeps it')
    .option('--yes', 'do not ask')
    .action(online((context, machine: string, flags: RevokeFlags) => revokeHost(context, machine, flags)));
};
