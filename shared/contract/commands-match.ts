import type { Command, CommandOutcome, CommandTarget } from './commands.ts';
import type { HostRecord } from './host-records.ts';

/** What of a host decides which commands it is told. */
export type CommandedHost = Pick<HostRecord, 'machineId' | 'group' | 'state' | 'os' | 'osVersion' | 'hostname'>;

/**
 * True for a host that a command is meant for, as the host is now. What a filter means is what it means for the list of hosts,
 * by which the hosts are counted that a person waits for.
 */
export function isTarget(target: CommandTarget, host: CommandedHost): boolean {
  switch (target.kind) {
    case 'host':
      return target.machineId === host.machineId;
    case 'group':
      return target.group === host.group;
    case 'filter': {
      const { group, state, os, name } = target.filter;
      return (
        (group === undefined || group === host.group) &&
        (state === undefined || state === host.state) &&
        (os === undefined || contains(host.os, os) || contains(host.osVersion, os)) &&
        (name === undefined || contains(host.hostname, name) || contains(host.machineId, name))
      );
    }
  }
}

/**
 * True for a host that the command may have been told to: an outcome from any other says nothing. What an installation
 * changes about a host, its state for instance, does not count, or the outcome of a command would end its own target.
 */
export function mayAnswer(target: CommandTarget, host: CommandedHost): boolean {
  if (target.kind !== 'filter') return isTarget(target, host);
  return target.filter.group === undefined || target.filter.group === host.group;
}

/** Commands for a host at that time: meant for it, not ended, not cancelled, and not answered just now. */
export function commandsFor(
  commands: readonly Command[],
  host: CommandedHost,
  at: Date,
  answered: readonly Pick<CommandOutcome, 'commandId'>[],
): Command[] {
  const done = new Set(answered.map(({ commandId }) => commandId));
  return commands.filter(
    ({ commandId, target, expiresAt, cancelledAt }) =>
      !done.has(commandId) &&
      cancelledAt === undefined &&
      Date.parse(expiresAt) > at.getTime() &&
      isTarget(target, host),
  );
}

const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());
