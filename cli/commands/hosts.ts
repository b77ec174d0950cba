import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { HostSummary, HostsPage, HostView } from '#shared/contract/operators/hosts.ts';
import { updateStates } from '#shared/core/status/states.ts';
import { CliError } from '../cli-error.ts';
import { type ConfirmFlags, confirm, requireYes } from '../confirm.ts';
import { counted } from '../counted.ts';
import { readGroupName, readHostName, readKbNumber, readUpdateName } from '../ids.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { describeAge, readMoment } from '../times.ts';
import type { CommandContext } from './context.ts';
import { findHost } from './find-host.ts';

/** Flags of `kbroker hosts list`; hosts must have all that is named. */
export interface HostsFlags {
  readonly group?: string;
  readonly state?: string;
  readonly os?: string;
  readonly name?: string;
  /** An UpdateId or KB that they reported, and the state that they have it, or any update, in. */
  readonly update?: string;
  readonly updateState?: string;
  /** `true` or `false`. */
  readonly revoked?: string;
  readonly seenBefore?: string;
  readonly seenAfter?: string;
  readonly sort?: string;
  readonly descending?: boolean;
}

/**
 * `kbroker hosts list`: one line a host, all pages of those that the filter matches, and how old the list is.
 *
 * @throws CliError `usage` before anything is sent, when a value is none
 */
export async function listHosts(context: CommandContext, flags: HostsFlags = {}): Promise<ExitCode> {
  const query = readQuery(flags, context.now());
  const hosts: HostSummary[] = [];
  const unreadable = new Set<string>();
  let first: HostsPage | undefined;
  const pages = pagesOf((at) => context.call(operatorEndpoints.listHosts, { query: { ...query, ...at } }));
  for await (const page of pages) {
    first ??= page;
    hosts.push(...page.hosts);
    for (const key of page.unreadable) unreadable.add(key);
  }
  if (first === undefined) throw new Error('a list has at least one page');
  const { total, asOf, ageSeconds } = first;
  if (context.json) printJson(context.io, { version: 2, asOf, ageSeconds, total, hosts, unreadable: [...unreadable] });
  else {
    if (hosts.length > 0) printTable(context.io, headings, hosts.map(cellsOf));
    else context.io.stdout.write('no hosts\n');
    context.io.stderr.write(`${counted(total, 'host')}, ${describeAge(first)}\n`);
  }
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

function readQuery(flags: HostsFlags, now: Date): Readonly<Record<string, string | undefined>> {
  const { group, state, os, name, update, updateState, revoked, seenBefore, seenAfter, sort, descending } = flags;
  return {
    group: group === undefined ? undefined : readGroupName(group),
    state,
    os: os === undefined ? undefined : notEmpty('--os', os),
    name: name === undefined ? undefined : notEmpty('--name', name),
    update: update === undefined ? undefined : readUpdateOrKb(update),
    updateState,
    revoked,
    seenBefore: seenBefore === undefined ? undefined : readMoment(seenBefore, now),
    seenAfter: seenAfter === undefined ? undefined : readMoment(seenAfter, now),
    sort,
    order: descending === true ? 'descending' : undefined,
  };
}

const readUpdateOrKb = (text: string): string =>
  /^\s*(kb)?\d+\s*$/i.test(text) ? readKbNumber(text) : readUpdateName(text).updateId;

/** An empty part would match every host, which is hardly what was meant. */
function notEmpty(option: string, text: string): string {
  if (text.trim() !== '') return text;
  throw new CliError('usage', `${option} has no value: expected a part of what is looked for`);
}

const headings = ['MACHINE', 'HOSTNAME', 'GROUP', 'OS', 'STATE', ...updateStates, 'SEEN', 'NOTE'];

function cellsOf(host: HostSummary): readonly string[] {
  return [
    host.machineId,
    host.hostname,
    host.group,
    host.os,
    host.state,
    ...updateStates.map((state) => String(host.counts[state] ?? 0)),
    host.lastSeenAt,
    [...(host.revokedAt === undefined ? [] : ['revoked']), ...(host.cloned ? ['cloned'] : [])].join(', '),
  ];
}

/**
 * `kbroker hosts show MACHINE`: who the host is, and its last report, each update with its reason.
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
  printLines(context.io, [...identityOf(view), ...scanOf(view)]);
  if (view.last === undefined) return exitCodes.ok;
  const { report, refused } = view.last;
  printTable(
    context.io,
    ['STATE', 'KB', 'TITLE', 'REASON'],
    report.updates.map((update) => [
      update.state,
      update.kbs.map((kb) => `KB${kb}`).join(' '),
      update.title ?? update.updateId,
      update.reason,
    ]),
  );
  if (report.packages !== undefined)
    printTable(
      context.io,
      ['STATE', 'PACKAGE', 'REASON'],
      report.packages.map(({ state, name: of, packageVersion, reason }) => [state, `${of}/${packageVersion}`, reason]),
    );
  printLines(
    context.io,
    refused.map(({ sha1, reason }) => `refused file ${sha1}: ${reason}`),
  );
  return exitCodes.ok;
}

function identityOf({
  summary,
  keyThumbprint,
  revocationReason,
  clones,
  received,
  last,
  rejected,
}: HostView): string[] {
  const architecture = last === undefined ? '' : ` ${last.report.host.architecture}`;
  return [
    `${summary.hostname} (${summary.machineId}): ${summary.state}`,
    `  group ${summary.group}, enrolled ${summary.enrolledAt}, key ${keyThumbprint}`,
    `  ${summary.os} ${summary.osVersion}${architecture}, agent ${summary.agentVersion}`,
    `  last seen ${summary.lastSeenAt}`,
    ...(received === undefined
      ? []
      : [
          `  received in ${received.month}: ${formatBytes(received.files)} of files, ${formatBytes(received.index)} of indexes; ${formatBytes(received.direct)} from Microsoft itself`,
        ]),
    ...(summary.revokedAt === undefined ? [] : [`  key revoked ${summary.revokedAt}: it is not let in any more`]),
    ...(revocationReason === undefined ? [] : [`  revoked because: ${revocationReason}`]),
    ...clones.map(({ machineId, at }) => `  cloned: machine ${machineId} used its key, ${at}`),
    ...(rejected === undefined
      ? []
      : [`  a report of ${rejected.bytes} bytes was rejected ${rejected.at}: ${rejected.reason}`]),
  ];
}

function scanOf({ last, summary, unreadable = [] }: HostView): string[] {
  const damaged = unreadable.map((what) => `  ${what}`);
  if (last === undefined) {
    const isLost = damaged.length > 0 && summary.reportedAt !== undefined;
    return isLost ? damaged : [...damaged, '  has not reported yet'];
  }
  const { report, scan } = last;
  const { group, indexSha256, indexProblem, trustProblem, rulesRevision } = report;
  return [
    ...damaged,
    indexSha256 === undefined
      ? `  not scanned ${scan.at}, no usable index, rules revision ${rulesRevision}`
      : `  scanned ${scan.at} in ${scan.milliseconds} ms, index ${indexSha256.slice(0, 12)}, rules revision ${rulesRevision}`,
    ...(summary.reportedAt === undefined ? [] : [`  reported so ${summary.reportedAt}`]),
    ...(indexProblem === undefined ? [] : [`  cannot use the current index: ${indexProblem}`]),
    ...(trustProblem === undefined ? [] : [`  refuses what the repository offers: ${trustProblem}`]),
    ...(group === undefined || group === summary.group
      ? []
      : [`  is in group ${group} by what is signed; commands and lists take it for one of ${summary.group}`]),
  ];
}

export interface RevokeFlags extends ConfirmFlags {
  /** For people. */
  readonly reason?: string;
}

/**
 * `kbroker hosts revoke MACHINE`: its key is let in no more; the machine can only come back by a new enrolment.
 *
 * @throws CliError `usage` before anything is sent, when nobody can be asked and `--yes` is missing
 */
export async function revokeHost(context: CommandContext, name: string, flags: RevokeFlags): Promise<ExitCode> {
  const wanted = readHostName(name);
  requireYes(context.io, 'revoking a key', flags);
  const { summary } = await findHost(context, wanted);
  const { machineId, hostname, group } = summary;
  await confirm(context.io, `Revoke the key of ${hostname} (${machineId}) in group ${group}?`, flags);
  const view = await context.call(operatorEndpoints.revokeHost, {
    params: { machineId },
    body: { version: 1, ...(flags.reason !== undefined && { reason: flags.reason }) },
  });
  if (context.json) printJson(context.io, view);
  else printLines(context.io, [`the key of ${hostname} (${machineId}) is revoked`]);
  return exitCodes.ok;
}
