import type { Actor, AuditEntry } from '#shared/contract/audit.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import type { CommandContext } from './context.ts';

export interface AuditListFlags {
  /** Number of the first entry. */
  readonly from?: string;
  /** The newest first. */
  readonly newest?: boolean;
  /** Entries at most. */
  readonly limit: string;
}

/**
 * `kbroker audit list`: who changed what, the oldest first unless asked for otherwise.
 *
 * @throws CliError `usage` before anything is sent, when a value is none
 */
export async function listAudit(context: CommandContext, flags: AuditListFlags): Promise<ExitCode> {
  const from = flags.from === undefined ? undefined : readNumber('--from', flags.from);
  const limit = readNumber('--limit', flags.limit);
  const query = {
    from: from === undefined ? undefined : String(from),
    order: flags.newest === true ? 'descending' : undefined,
    limit: String(Math.min(limit, maxPage)),
  };
  const entries: AuditEntry[] = [];
  const unreadable: string[] = [];
  let hasMore = false;
  const pages = pagesOf((at) => context.call(operatorEndpoints.listAudit, { query: { ...at, ...query } }));
  for await (const page of pages) {
    const room = limit - entries.length;
    entries.push(...page.entries.slice(0, room));
    unreadable.push(...page.unreadable);
    hasMore = page.next !== undefined || page.entries.length > room;
    if (entries.length === limit) break;
  }
  if (context.json) printJson(context.io, { version: 1, entries, unreadable });
  else if (entries.length === 0) context.io.stdout.write('no entries\n');
  else
    printTable(
      context.io,
      ['NUMBER', 'AT', 'WHO', 'ACTION', 'TARGET', 'FROM', 'NOTE'],
      entries.map(({ number, at, actor, action, target, from: { address }, failed }) => [
        String(number),
        at,
        nameOf(actor),
        action,
        target,
        address,
        failed === undefined ? '' : `${failed.number} is not known to be made: ${failed.reason}`,
      ]),
    );
  if (hasMore) context.io.stderr.write(`there are more than these ${entries.length}; --limit and --from show others\n`);
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

/** Items of one page at most. */
const maxPage = 500;

/**
 * `kbroker audit show NUMBER`: one entry with what was there before and after.
 *
 * @throws CliError `usage` when it is no number, `not-found` when the log has no such entry
 */
export async function showAudit(context: CommandContext, number: string): Promise<ExitCode> {
  const wanted = readNumber('the number of an entry', number);
  const page = await context.call(operatorEndpoints.listAudit, { query: { from: String(wanted), limit: '1' } });
  printUnreadable(context.io, page.unreadable);
  const entry = page.entries.find((one) => one.number === wanted);
  if (entry === undefined) throw new CliError('not-found', `the audit log has no readable entry ${wanted}`);
  if (context.json) printJson(context.io, entry);
  else printLines(context.io, describe(entry));
  return exitCodes.ok;
}

function readNumber(what: string, text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text.trim())) return Number(text);
  throw new CliError('usage', `${what}: got ${JSON.stringify(text)}, expected a whole number from 1 on`);
}

const nameOf = (actor: Actor): string =>
  actor.kind === 'person' ? `${actor.name} (${actor.role})` : `host ${actor.machineId}`;

function describe(entry: AuditEntry): string[] {
  const { number, at, actor, action, target, from, before, after, failed, requestId, previousHash, hash } = entry;
  const json = (label: string, value: unknown): string[] =>
    value === undefined ? [] : [`  ${label}  ${JSON.stringify(value)}`];
  return [
    `${number}: ${action} of ${target}`,
    `  at       ${at}`,
    `  by       ${nameOf(actor)}${actor.kind === 'person' ? `, subject ${actor.subject}` : ''}`,
    `  from     ${from.address}${from.userAgent === undefined ? '' : `, ${from.userAgent}`}`,
    `  request  ${requestId}`,
    ...(failed === undefined ? [] : [`  change ${failed.number} is not known to be made: ${failed.reason}`]),
    ...json('before ', before),
    ...json('after  ', after),
    `  chained  ${previousHash} → ${hash}`,
  ];
}
