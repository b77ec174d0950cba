import { type Command, type CommandTarget, type HostOutcome, newCommand } from '#shared/contract/commands.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from '../cli-error.ts';
import { counted } from '../counted.ts';
import { readCommandId } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { readDuration } from '../times.ts';
import { describeTarget, readTarget, type TargetFlags, type WantedTarget } from './command-target.ts';
import type { CommandContext } from './context.ts';
import { findHost } from './find-host.ts';
import { watchCommand } from './watch-command.ts';

export interface CreateCommandFlags extends TargetFlags {
  readonly verb: string;
  /** How long hosts are told, as a duration. */
  readonly expires: string;
  readonly note?: string;
  readonly watch?: boolean;
}

/**
 * `kbroker commands create`: tells hosts to do something at their next check-in. With `watch` it waits for how that ends.
 *
 * @throws CliError `usage` before anything is sent, when the hosts, the verb or the duration are none
 */
export async function createCommand(context: CommandContext, flags: CreateCommandFlags): Promise<ExitCode> {
  const wanted = readTarget(flags);
  const rest = { version: 1, verb: flags.verb, expiresInSeconds: readDuration(flags.expires), note: flags.note };
  // Checked with a target that is right in any case: a host is looked up only when all else is good.
  const checked = parseInWords(newCommand, { ...rest, target: { kind: 'group', group: 'any' } });
  if (!checked.success) throw new CliError('usage', `not a command: ${inOneLine(checked.faults)}`);
  const created = await context.call(operatorEndpoints.createCommand, {
    body: { ...checked.data, target: await targetOf(context, wanted) },
  });
  const { matches } = created;
  if (flags.watch === true) {
    context.io.stderr.write(`command ${created.commandId} created\n`);
    return watchCommand(context, created, matches);
  }
  if (context.json) printJson(context.io, created);
  else {
    printLines(context.io, describe(created, context.now()));
    if (matches !== undefined) context.io.stderr.write(`it is for ${matches} of the hosts that are enrolled now\n`);
  }
  return exitCodes.ok;
}

async function targetOf(context: CommandContext, wanted: WantedTarget): Promise<CommandTarget> {
  if (wanted.kind !== 'host-name') return wanted;
  return { kind: 'host', machineId: (await findHost(context, wanted.name)).summary.machineId };
}

/** `kbroker commands list`: the newest first, all pages. */
export async function listCommands(context: CommandContext): Promise<ExitCode> {
  const commands: Command[] = [];
  const unreadable: string[] = [];
  for await (const page of pagesOf((at) => context.call(operatorEndpoints.listCommands, { query: at }))) {
    commands.push(...page.commands);
    unreadable.push(...page.unreadable);
  }
  if (context.json) printJson(context.io, { version: 1, commands, unreadable });
  else if (commands.length === 0) context.io.stdout.write('no commands\n');
  else
    printTable(
      context.io,
      ['ID', 'VERB', 'HOSTS', 'STATE', 'DONE', 'FAILED', 'CREATED', 'BY', 'NOTE'],
      commands.map((command) => [
        command.commandId,
        command.verb,
        describeTarget(command.target),
        stateOf(command, context.now()),
        String(command.outcomes.done),
        String(command.outcomes.failed),
        command.createdAt,
        command.createdBy,
        command.note ?? '',
      ]),
    );
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

/** `kbroker commands show ID [--watch]`: one command and how it ended on each host. */
export async function showCommand(
  context: CommandContext,
  id: string,
  { watch }: { readonly watch?: boolean },
): Promise<ExitCode> {
  const commandId = readCommandId(id);
  if (watch === true) {
    const { command } = await context.call(operatorEndpoints.getCommand, { params: { commandId } });
    return watchCommand(context, command);
  }
  const outcomes: HostOutcome[] = [];
  const unreadable: string[] = [];
  let command: Command | undefined;
  const pages = pagesOf((at) => context.call(operatorEndpoints.getCommand, { params: { commandId }, query: at }));
  for await (const page of pages) {
    ({ command } = page);
    outcomes.push(...page.outcomes);
    unreadable.push(...page.unreadable);
  }
  if (command === undefined) throw new Error('a list has at least one page');
  if (context.json) printJson(context.io, { version: 1, command, outcomes, unreadable });
  else {
    printLines(context.io, describe(command, context.now()));
    printOutcomes(context, outcomes);
  }
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

/** `kbroker commands cancel ID`: no more hosts are told; those that were go on. */
export async function cancelCommand(context: CommandContext, id: string): Promise<ExitCode> {
  const command = await context.call(operatorEndpoints.cancelCommand, {
    params: { commandId: readCommandId(id) },
    body: {},
  });
  if (context.json) printJson(context.io, command);
  else printLines(context.io, describe(command, context.now()));
  return exitCodes.ok;
}

function stateOf({ cancelledAt, expiresAt }: Command, now: Date): 'cancelled' | 'ended' | 'active' {
  if (cancelledAt !== undefined) return 'cancelled';
  return Date.parse(expiresAt) <= now.getTime() ? 'ended' : 'active';
}

function describe(command: Command, now: Date): string[] {
  const { commandId, verb, target, createdAt, createdBy, expiresAt, cancelledAt, note, outcomes } = command;
  return [
    `${commandId}: ${verb} for ${describeTarget(target)}, ${stateOf(command, now)}`,
    `  created ${createdAt} by ${createdBy}, told to hosts until ${cancelledAt ?? expiresAt}`,
    ...(note === undefined ? [] : [`  note: ${note}`]),
    `  ${counted(outcomes.done, 'host')} did it, on ${outcomes.failed} it failed`,
  ];
}

function printOutcomes({ io }: CommandContext, outcomes: readonly HostOutcome[]): void {
  if (outcomes.length === 0) return;
  printTable(
    io,
    ['MACHINE', 'OUTCOME', 'AT', 'DETAIL'],
    outcomes.map(({ machineId, outcome, at, detail }) => [machineId, outcome, at, detail]),
  );
}
