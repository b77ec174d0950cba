import type * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { HostSummary, HostView, hostsPage } from '#shared/contract/operators/views.ts';
import { updateStates } from '#shared/core/status/states.ts';
import { CliError } from '../cli-error.ts';
import { readHostName } from '../ids.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable } from '../io.ts';
import { printable } from '../printable.ts';
import type { CommandContext } from './context.ts';

type HostsPage = z.infer<typeof hostsPage>;

/** All pages. */
async function readHosts({ call }: CommandContext): Promise<Pick<HostsPage, 'hosts' | 'unreadable'>> {
  const hosts: HostSummary[] = [];
  const unreadable: string[] = [];
  let cursor: string | undefined;
  do {
    const page: HostsPage = await call(operatorEndpoints.listHosts, { query: { cursor } });
    hosts.push(...page.hosts);
    unreadable.push(...page.unreadable);
    cursor = page.next;
  } while (cursor !== undefined);
  return { hosts, unreadable };
}

/** `kbroker hosts list`: one line a host, all pages. */
export async function listHosts(context: CommandContext): Promise<ExitCode> {
  const { hosts, unreadable } = await readHosts(context);
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

/**
 * `kbroker hosts show MACHINE`: the host's last report, each update with its reason.
 *
 * @param name a machine id or a hostname, in any case
 * @throws CliError `usage` when it can be neither, `not-found` when no host has it, `refused` when several have
 */
export async function showHost(context: CommandContext, name: string): Promise<ExitCode> {
  const view = await findHost(context, readHostName(name));
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

/** By its id as it stands, which is one request; else the list is looked through. */
async function findHost(context: CommandContext, name: string): Promise<HostView> {
  const get = (machineId: string): Promise<HostView> =>
    context.call(operatorEndpoints.getHost, { params: { machineId } });
  try {
    return await get(name);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'not-found') throw error;
  }
  const isName = (text: string): boolean => text.toLowerCase() === name.toLowerCase();
  const { hosts } = await readHosts(context);
  const found = hosts.filter(({ machineId, hostname }) => isName(machineId) || isName(hostname));
  const [first, ...others] = found;
  if (first === undefined) throw new CliError('not-found', `no host ${name} has reported; kbroker hosts list has all`);
  if (others.length > 0) {
    const ids = found.map(({ machineId }) => machineId).join(', ');
    throw new CliError('refused', `${found.length} hosts are called ${name}; name one by its machine id: ${ids}`);
  }
  return get(first.machineId);
}
