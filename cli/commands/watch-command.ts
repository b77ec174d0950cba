import type { Command, CommandTarget } from '#shared/contract/commands.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { counted } from '../counted.ts';
import { type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import { createProgressLine } from '../progress-line.ts';
import type { CommandContext } from './context.ts';

const watchMilliseconds = 5000;

/**
 * Looks at a command every few seconds until all its hosts told how it ended, or until no more are told; with JSON each
 * look is a line.
 *
 * @param matches hosts that are waited for; those that the snapshot of the fleet has now by default
 * @returns 1 when it failed on a host, or when the time was over before all had told
 */
export async function watchCommand(context: CommandContext, created: Command, matches?: number): Promise<ExitCode> {
  const { io, json, call, now } = context;
  const { commandId } = created;
  const hosts = matches ?? (await countHosts(context, created.target));
  const line = createProgressLine(io);
  for (;;) {
    // One outcome is enough of them: the command itself has their numbers.
    const { command } = await call(operatorEndpoints.getCommand, { params: { commandId }, query: { limit: '1' } });
    const { done, failed } = command.outcomes;
    const words = `${done + failed} of ${counted(hosts, 'host')}: ${done} done, ${failed} failed`;
    if (json) printJson(io, { version: 1, command, hosts });
    else line.tell(words);
    const haveAllTold = done + failed >= hosts;
    const isOver = command.cancelledAt !== undefined || Date.parse(command.expiresAt) <= now().getTime();
    if (haveAllTold || isOver || io.stdout.isClosed === true) {
      line.end();
      const why = command.cancelledAt === undefined ? 'its time is over' : 'it was cancelled';
      if (!json) printLines(io, [haveAllTold ? `${commandId} ended: ${words}` : `${commandId}: ${why}; ${words}`]);
      return haveAllTold && failed === 0 ? exitCodes.ok : exitCodes.failed;
    }
    await context.sleep(watchMilliseconds);
  }
}

async function countHosts({ call }: CommandContext, target: CommandTarget): Promise<number> {
  if (target.kind === 'host') return 1;
  const filter = target.kind === 'group' ? { group: target.group } : target.filter;
  const { total } = await call(operatorEndpoints.listHosts, { query: { ...filter, revoked: 'false', limit: '1' } });
  return total;
}
