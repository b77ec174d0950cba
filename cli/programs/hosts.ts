import { listHosts, showHost } from '../commands/hosts.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker hosts`. */
export const addHostsCommands: AddCommands = (program, { sub, online }) => {
  const hosts = sub(program, 'hosts', 'hosts and their reports');
  sub(hosts, 'list', 'one line a host').action(online((context) => listHosts(context)));
  sub(hosts, 'show', 'last report of one host, each update with its reason')
    .argument('<machine>', 'machine id or hostname')
    .action(online((context, machine: string) => showHost(context, machine)));
};
