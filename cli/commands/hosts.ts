import type * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { HostSummary, hostsPage } from '#shared/contract/operators/views.ts';
import { updateStates } from '#shared/core/status/states.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable } from '../io.ts';
import { printable } from '../printable.ts';
import type { CommandContext } from './context.ts';

type HostsPage = z.infer<typeof hostsPage>;

/** `kbroker hosts list`: one line a host, all pages. */
export async function listHosts(context: CommandContext): Promise<ExitCode> {
  const hosts: HostSummary[] = [];
  const unreadable: string[] = [];
  let cursor: string | undefined;
  do {
    const page: HostsPage = await context.call(operatorEndpoints.listHosts, { query: { cursor } });
    hosts.push(...page.hosts);
    unreadable.push(...page.unreadable);
    cursor = page.next;
  } while (cursor !== undefined);

  if (context.json) printJson(context.io, { version: 1, hosts, unreadable });
  else if (hosts.length === 0) context.io.stdout.write('no hosts have reported yet\n');
  else {
    printTable(
      context.io,
      ['MACHINE', 'HOSTNAME', 'OS', 'STATE', ...updateStates, 'REPORTED'],
      hosts.map((host) => [
        host.machineId,
        host.hostname,
        host.os,
        host.state,
        ...updateStates.map((state) => String(host.counts[state] ?? 0)),
        host.reportedAt,
      ]),
    );
  }
  for (const key of unreadable) context.io.stderr.write(`unreadable row in the store: ${printable(key)}\n`);
  return exitCodes.ok;
}

/** `kbroker hosts show ID`: the host's last report, each update with its reason. */
export async function showHost(context: CommandContext, machineId: string): Promise<ExitCode> {
  const view = await context.call(operatorEndpoints.getHost, { params: { machineId } });
  if (context.json) {
    printJson(context.io, view);
    return exitCodes.ok;
  }
  const { host, updates, scannedAt, scanMilliseconds, indexSha256, indexProblem, rulesRevision } = view.report;
  printLines(context.io, [
    `${host.hostname} (${host.machineId}): ${view.summary.state}`,
    `  ${host.os} ${host.osVersion} ${host.architecture}, agent ${host.agentVersion}`,
    indexSha256 === undefined
      ? `  not scanned ${scannedAt}, no usable index, rules revision ${rulesRevision}`
      : `  scanned ${scannedAt} in ${scanMilliseconds} ms, index ${indexSha256.slice(0, 12)}, rules revision ${rulesRevision}`,
    ...(indexProblem === undefined ? [] : [`  cannot use the current index: ${indexProblem}`]),
  ]);
  printTable(
    context.io,
    ['STATE', 'KB', 'TITLE', 'REASON'],
    updates.map((update) => [
      update.state,
      update.kbs.map((kb) => `KB${kb}`).join(' '),
      update.title ?? update.updateId,
      update.reason,
    ]),
  );
  printLines(
    context.io,
    view.refused.map(({ sha1, reason }) => `refused file ${sha1}: ${reason}`),
  );
  return exitCodes.ok;
}
