import { type Command, type CommandTarget, commandId, type NewCommand } from '#shared/contract/commands.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { type AuditPorts, audited } from './audited.ts';
import { listing, missing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { Caller, OperatorPorts, OperatorsApi } from './ports.ts';

type CommandPorts = AuditPorts & Pick<OperatorPorts, 'commands' | 'hosts' | 'fleet' | 'newId'>;

/** Commands to hosts. */
export function commandsApi(
  ports: CommandPorts,
): Pick<OperatorsApi, 'listCommands' | 'createCommand' | 'getCommand' | 'cancelCommand'> {
  const { commands } = ports;
  const find = async (id: string): Promise<Command> => (await commands.get(id)) ?? missing(`there is no command ${id}`);
  return {
    async listCommands({ query }) {
      const asked = pageQuery(query);
      const page = await listing(() => commands.list(asked));
      return { version: 1, commands: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    createCommand: ({ request, ...call }) => createCommand(ports, call, request),

    async getCommand({ path, query }) {
      const command = await find(parameter(commandId, 'commandId', path.commandId));
      const asked = pageQuery(query);
      const page = await listing(() => commands.outcomes(command.commandId, asked));
      return {
        version: 1,
        command,
        outcomes: [...page.items],
        unreadable: [...page.unreadable],
        ...nextOf(page),
      };
    },

    async cancelCommand({ path, request: _, ...call }) {
      const before = await find(parameter(commandId, 'commandId', path.commandId));
      const cancelledAt = ports.now().toISOString();
      const after = { ...before, cancelledAt: before.cancelledAt ?? cancelledAt };
      const change = { action: 'command.cancel', target: before.commandId, before, after };
      await audited(ports, call, change, async () => {
        if (!(await commands.cancel(before.commandId, cancelledAt))) missing(`there is no command ${before.commandId}`);
      });
      return find(before.commandId);
    },
  };
}

async function createCommand(ports: CommandPorts, call: Caller, wish: NewCommand) {
  const { verb, target, note } = wish;
  const matches = await matchesOf(ports, call, target);
  const now = ports.now();
  const command: Command = {
    version: 1,
    commandId: ports.newId(),
    verb,
    target,
    createdAt: now.toISOString(),
    createdBy: call.caller.name,
    expiresAt: new Date(now.getTime() + wish.expiresInSeconds * 1000).toISOString(),
    ...(note !== undefined && { note }),
    outcomes: { done: 0, failed: 0 },
  };
  return audited(ports, call, { action: 'command.create', target: command.commandId, after: command }, async () => {
    await ports.commands.create(command);
    return { ...command, ...(matches !== undefined && { matches }) };
  });
}

/**
 * How many hosts a command is for, as far as is known now. A host must be known, and let in; a group or filter may fit
 * none, since hosts come and go while the command lives.
 *
 * @throws ProblemError `not-found`, `revoked`
 */
async function matchesOf(ports: CommandPorts, call: Caller, target: CommandTarget): Promise<number | undefined> {
  if (target.kind === 'host') {
    const host = (await ports.hosts.find(target.machineId)) ?? missing(`no host ${target.machineId} is enrolled`);
    if (host.revokedAt !== undefined)
      throw new ProblemError('revoked', `the key of host ${target.machineId} was revoked at ${host.revokedAt}`);
    return 1;
  }
  const filter = target.kind === 'group' ? { group: target.group } : target.filter;
  // Nobody waits for hosts that are not let in any more.
  const query = { ...filter, revoked: 'false', limit: '1' };
  try {
    return (await ports.fleet.listHosts({ ...call, request: undefined, path: {}, query })).total;
  } catch (error) {
    // The number is for people. Without a snapshot it is not told, and the command is as good.
    if (error instanceof ProblemError && error.code === 'unavailable') return undefined;
    throw error;
  }
}
