import type { OrderedCommand } from '#shared/contract/agent/check-in.ts';
import type { Command, CommandOutcome } from '#shared/contract/commands.ts';
import { commandsFor, mayAnswer } from '#shared/contract/commands-match.ts';
import type { HostRecord } from '#shared/contract/host-records.ts';
import type { AgentPorts } from './ports.ts';
import { inTurn } from './turn.ts';

/** Time between check-ins when nothing is going on, and while something is. Seconds. */
const pollSeconds = { usual: 7200, lively: 60 } as const;
/** How long something is going on after a command was told or an outcome came. */
const livelyMilliseconds = 30 * 60_000;

/** What a host is told, and when it should come again. */
export interface Orders {
  readonly commands: readonly OrderedCommand[];
  readonly pollSeconds: number;
  /** Set when it is to be written on the row. */
  readonly livelyUntil?: string;
}

/**
 * The commands for a host. It handles each once and tells how it ended, so telling it again does no harm.
 *
 * @param active commands that may still be told, as they were some seconds ago
 * @param staleMilliseconds how old `active` may be
 */
export function ordersFor(
  active: readonly Command[],
  record: HostRecord,
  outcomes: readonly CommandOutcome[],
  { now, staleMilliseconds }: { readonly now: Date; readonly staleMilliseconds: number },
): Orders {
  const told = commandsFor(active, record, now, outcomes);
  // A command that was made since the host was last here is told for the first time.
  const lastHere = Date.parse(record.lastSeenAt) - staleMilliseconds;
  const starts = outcomes.length > 0 || told.some(({ createdAt }) => Date.parse(createdAt) >= lastHere);
  const livelyUntil = starts ? new Date(now.getTime() + livelyMilliseconds).toISOString() : record.livelyUntil;
  const lively = livelyUntil !== undefined && Date.parse(livelyUntil) > now.getTime();
  return {
    commands: told.map(({ commandId, verb, expiresAt }) => ({ commandId, verb, expiresAt })),
    pollSeconds: lively ? pollSeconds.lively : pollSeconds.usual,
    ...(starts && livelyUntil !== undefined && { livelyUntil }),
  };
}

/**
 * Takes down how commands ended on a host, and tells of each the first time.
 *
 * @returns commands that need not be answered again: those that nobody knows any more and that were never for this host
 *   among them
 * @throws ProblemError `throttled` when too many others tell theirs at the same moment
 */
export async function takeOutcomes(
  { commands, events }: Pick<AgentPorts, 'commands' | 'events'>,
  record: HostRecord,
  outcomes: readonly CommandOutcome[],
): Promise<string[]> {
  const { machineId } = record;
  const first = outcomes.filter(
    ({ commandId }, index) => index === outcomes.findIndex((other) => other.commandId === commandId),
  );
  for (const outcome of first) {
    const command = await commands.find(outcome.commandId);
    if (command === undefined || !mayAnswer(command.target, record)) continue;
    const told = { ...outcome, detail: outcome.detail.toWellFormed() };
    if ((await inTurn(commands.putOutcome(machineId, told, command.expiresAt))) !== 'stored') continue;
    await events.publish('CommandFinished', { version: 1, machineId, verb: command.verb, ...told });
  }
  return first.map(({ commandId }) => commandId);
}
