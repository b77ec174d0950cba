import type { ResponseOf } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { updateStates } from '#shared/core/status/states.ts';
import { counted } from '../counted.ts';
import { readGroupName, readKbNumber } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printTable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { describeAge } from '../times.ts';
import type { CommandContext } from './context.ts';

type Page = ResponseOf<typeof operatorEndpoints.listReportedUpdates>;

export interface ReportedFlags {
  readonly kb?: string;
  readonly state?: string;
  readonly group?: string;
}

/**
 * `kbroker updates reported`: updates that hosts reported, with the number of hosts by state, all pages.
 *
 * @throws CliError `usage` before anything is sent, when a value is none
 */
export async function listReportedUpdates(context: CommandContext, flags: ReportedFlags): Promise<ExitCode> {
  const query = {
    kb: flags.kb === undefined ? undefined : readKbNumber(flags.kb),
    state: flags.state,
    group: flags.group === undefined ? undefined : readGroupName(flags.group),
  };
  const updates: Page['updates'][number][] = [];
  let first: Page | undefined;
  const pages = pagesOf((at) => context.call(operatorEndpoints.listReportedUpdates, { query: { ...query, ...at } }));
  for await (const page of pages) {
    first ??= page;
    updates.push(...page.updates);
  }
  if (first === undefined) throw new Error('a list has at least one page');
  const { asOf, ageSeconds, total } = first;
  if (context.json) {
    printJson(context.io, { version: 1, asOf, ageSeconds, total, updates });
    return exitCodes.ok;
  }
  if (updates.length === 0) context.io.stdout.write('no host reported such an update\n');
  else
    printTable(
      context.io,
      ['KB', ...updateStates, 'ID', 'TITLE'],
      updates.map(({ updateId, revision, kbs, title, hosts }) => [
        kbs.map((kb) => `KB${kb}`).join(' '),
        ...updateStates.map((state) => String(hosts[state] ?? 0)),
        `${updateId}_${revision}`,
        title ?? '',
      ]),
    );
  context.io.stderr.write(`${counted(total, 'update')}, ${describeAge(first)}\n`);
  return exitCodes.ok;
}
