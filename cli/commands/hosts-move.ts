import { CliError } from '../cli-error.ts';
import { readGroupName, readHostName } from '../ids.ts';
import type { ExitCode } from '../io.ts';
import { withMoved } from '../rules/book.ts';
import { changeRules, type PublishFlags } from '../rules/publish.ts';
import type { CommandContext } from './context.ts';
import { findHost } from './find-host.ts';

export interface MoveFlags extends PublishFlags {
  readonly to?: string;
  /** To the group of its enrolment. */
  readonly back?: boolean;
}

/**
 * `kbroker hosts move MACHINE --to GROUP`: another group than the one of its enrolment. That is part of the signed rules: a
 * host believes nobody else about its group.
 *
 * @throws CliError `usage` before anything is sent; `refused` when it is not moved and shall go back
 */
export async function moveHost(context: CommandContext, name: string, flags: MoveFlags): Promise<ExitCode> {
  const wanted = readHostName(name);
  if ((flags.to === undefined) === (flags.back !== true))
    throw new CliError('usage', 'where to: name --to GROUP, or --back to the group of its enrolment');
  const group = flags.to === undefined ? undefined : readGroupName(flags.to);
  return changeRules(context, flags, async ({ book }) => {
    const moved = book.assignments.moved ?? {};
    // A host that is moved need not be there any more.
    const machineId = Object.hasOwn(moved, wanted) ? wanted : (await findHost(context, wanted)).summary.machineId;
    if (group === undefined && !Object.hasOwn(moved, machineId))
      throw new CliError('refused', `${machineId} is in the group of its enrolment already`);
    const said =
      group === undefined
        ? `${machineId} goes back to the group of its enrolment`
        : `${machineId} goes to group ${group}`;
    return { book: withMoved(book, machineId, group), said: [said] };
  });
}
