import type { OrderedCommand } from '#shared/contract/agent/check-in.ts';
import type { CommandOutcome, CommandVerb } from '#shared/contract/commands.ts';
import type { Journal } from './journal.ts';
import type { Phase } from './phases.ts';

/** A command that this host took on. It is never taken on again, so the record outlives what was told of it. */
export interface HandledCommand extends OrderedCommand {
  /** `begun`: being worked on, or the agent died meanwhile. `acknowledged`: the broker has the outcome. */
  readonly state: 'begun' | 'ended' | 'acknowledged';
  /** Of one that has ended, until it is acknowledged. */
  readonly outcome?: CommandOutcome;
}

/** So many are remembered. While none of them may be forgotten, no other is taken on. */
export const mostCommands = 500;

/** What each means to a cycle. An index that is new is part of a scan, and what was found is told. */
const phasesOfVerb = {
  scan: ['pull', 'scan', 'lookup', 'report'],
  download: ['pull', 'scan', 'lookup', 'report', 'download'],
  install: ['pull', 'scan', 'lookup', 'report', 'download', 'install'],
  report: ['scan', 'lookup', 'report'],
} as const satisfies Record<CommandVerb, readonly Phase[]>;

export const phasesOfVerbs = (verbs: readonly CommandVerb[]): readonly Phase[] =>
  verbs.flatMap((verb) => [...phasesOfVerb[verb]]);

/**
 * Commands to take on now: told, not ended, and not taken on before.
 *
 * @param serverTime of the answer that told them, ISO 8601: commands end by the broker's clock
 */
export function newCommands(
  { commands }: Journal,
  told: readonly OrderedCommand[],
  serverTime: string,
): readonly OrderedCommand[] {
  const known = new Set(commands.map(({ commandId }) => commandId));
  const fresh = new Map<string, OrderedCommand>();
  for (const command of told) {
    if (known.has(command.commandId) || !isLater(command.expiresAt, serverTime)) continue;
    fresh.set(command.commandId, command);
  }
  return [...fresh.values()].slice(0, Math.max(0, mostCommands - commands.length));
}

const isLater = (a: string, b: string): boolean => Date.parse(a) > Date.parse(b);

/** Written before the work begins: a command in which the agent dies is not begun again. */
export const beginCommands = (journal: Journal, taken: readonly OrderedCommand[]): Journal => ({
  ...journal,
  commands: [
    ...journal.commands,
    ...taken.map(({ commandId, verb, expiresAt }) => ({ commandId, verb, expiresAt, state: 'begun' as const })),
  ],
});

export const endCommand = (journal: Journal, outcome: CommandOutcome): Journal => ({
  ...journal,
  commands: journal.commands.map((command) =>
    command.commandId === outcome.commandId ? { ...command, state: 'ended' as const, outcome } : command,
  ),
});

/** At the beginning of a cycle nothing is being worked on: what was begun was cut off. */
export const endInterrupted = (journal: Journal, at: string): Journal =>
  journal.commands
    .filter(({ state }) => state === 'begun')
    .reduce(
      (changed, { commandId }) =>
        endCommand(changed, {
          commandId,
          outcome: 'failed',
          detail: 'the agent was stopped before it was done; what was begun goes on with the next cycle',
          at,
        }),
      journal,
    );

/** Outcomes that the broker does not have yet, the oldest first. */
export const openOutcomes = ({ commands }: Journal, most: number): readonly CommandOutcome[] =>
  commands.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome])).slice(0, most);

/** Forgets outcomes that the broker has, and commands that it cannot tell again because they have ended by its clock. */
export const acknowledge = (journal: Journal, ids: readonly string[], serverTime: string): Journal => ({
  ...journal,
  commands: journal.commands
    .map(({ commandId, verb, expiresAt, ...rest }) =>
      ids.includes(commandId)
        ? { commandId, verb, expiresAt, state: 'acknowledged' as const }
        : { commandId, verb, expiresAt, ...rest },
    )
    .filter(({ state, expiresAt }) => state !== 'acknowledged' || isLater(expiresAt, serverTime)),
});

/** What of a cycle the outcomes of commands are told from. */
export interface CycleDone {
  /** Of the host. */
  readonly state?: string;
  readonly updates: readonly object[];
  readonly needs: readonly string[];
  readonly reports: readonly object[];
  readonly downloads: readonly { readonly outcome: 'downloaded' | 'failed' }[];
  readonly installs: readonly { readonly outcome: 'installed' | 'failed' }[];
  readonly packageRuns: readonly { readonly outcome: 'installed' | 'failed' }[];
  readonly problems: readonly { readonly phase: Phase; readonly message: string }[];
}

/** Bound of the contract's texts. Characters. */
const longestDetail = 1024;

/** How a command ended, told from the cycle that carried it out. */
export function outcomeOf({ commandId, verb }: OrderedCommand, cycle: CycleDone, at: string): CommandOutcome {
  const phases: ReadonlySet<Phase> = new Set(phasesOfVerb[verb]);
  const troubles = cycle.problems.filter(({ phase }) => phases.has(phase));
  const downloaded = cycle.downloads.filter(({ outcome }) => outcome === 'downloaded').length;
  const installed = cycle.installs.filter(({ outcome }) => outcome === 'installed').length;
  const downloads = `${downloaded} of ${cycle.downloads.length} files downloaded`;
  const installs = `${installed} of ${cycle.installs.length} updates installed`;
  const ran = cycle.packageRuns.filter(({ outcome }) => outcome === 'installed').length;
  const packages = cycle.packageRuns.length === 0 ? [] : [`${ran} of ${cycle.packageRuns.length} packages installed`];
  const found = `${cycle.state ?? 'not scanned'}, ${cycle.updates.length} updates known, ${cycle.needs.length} files needed`;
  const said = {
    scan: [found],
    download: [downloads, found],
    install: [installs, ...packages, downloads, found],
    report: [cycle.reports.length > 0 ? 'reported' : 'not reported', found],
  }[verb];
  const failed =
    troubles.length > 0 ||
    cycle.state === undefined ||
    (phases.has('download') && downloaded < cycle.downloads.length) ||
    (phases.has('install') && (installed < cycle.installs.length || ran < cycle.packageRuns.length));
  const detail = [...said, ...troubles.map(({ phase, message }) => `${phase}: ${message}`)].join('; ');
  return { commandId, outcome: failed ? 'failed' : 'done', detail: detail.slice(0, longestDetail), at };
}
