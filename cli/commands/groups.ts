import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { hostStates, updateStates } from '#shared/core/status/states.ts';
import { counted } from '../counted.ts';
import { readGroupName } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable } from '../io.ts';
import { describeAge } from '../times.ts';
import type { CommandContext } from './context.ts';

/** `kbroker groups list`: each group of hosts in numbers. */
export async function listGroups(context: CommandContext): Promise<ExitCode> {
  const view = await context.call(operatorEndpoints.listGroups);
  if (context.json) {
    printJson(context.io, view);
    return exitCodes.ok;
  }
  if (view.groups.length === 0) context.io.stdout.write('no group has hosts yet\n');
  else
    printTable(
      context.io,
      ['GROUP', 'HOSTS', ...hostStates],
      view.groups.map(({ group, hosts, byState }) => [
        group,
        String(hosts),
        ...hostStates.map((state) => String(byState[state] ?? 0)),
      ]),
    );
  context.io.stderr.write(`${describeAge(view)}\n`);
  return exitCodes.ok;
}

/**
 * `kbroker groups show GROUP`: one group, by the states of its hosts and of the updates on them.
 *
 * @throws CliError `usage` when it is no name of a group
 */
export async function showGroup(context: CommandContext, name: string): Promise<ExitCode> {
  const view = await context.call(operatorEndpoints.getGroup, { params: { group: readGroupName(name) } });
  if (context.json) {
    printJson(context.io, view);
    return exitCodes.ok;
  }
  const { group, hosts, byState } = view.group;
  const counts = (states: readonly string[], of: Readonly<Record<string, number>>): string =>
    states.map((state) => `${of[state] ?? 0} ${state}`).join(', ');
  printLines(context.io, [
    `${group}: ${counted(hosts, 'host')}, ${describeAge(view)}`,
    `  hosts    ${counts(hostStates, byState)}`,
    `  updates  ${counts(updateStates, view.updates)}`,
  ]);
  return exitCodes.ok;
}
