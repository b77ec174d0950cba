import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type FileRequest, fileRequestStates } from '#shared/contract/requests.ts';
import { rateOf } from '#shared/core/status/progress.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { createProgressLine } from '../progress-line.ts';
import { describeRate } from '../rate.ts';
import type { CommandContext } from './context.ts';

/** Characters of an error that the table shows; it is the last column, and one line a request is what it is for. */
const shownErrorLength = 60;
const watchMilliseconds = 3000;

export interface RequestsFlags {
  readonly state?: string;
  readonly watch?: boolean;
}

/** What the broker has of requests now. */
interface Round {
  /** Failed ones first, then the newest first. */
  readonly requests: readonly FileRequest[];
  readonly unreadable: readonly string[];
}

/**
 * `kbroker requests list [--state S] [--watch]`: files that hosts asked for, all pages. With `watch` it lists again every
 * few seconds until none of them is to be fetched any more, and tells how far that is; with JSON each round is a line.
 */
export async function listRequests(context: CommandContext, flags: RequestsFlags): Promise<ExitCode> {
  const { io, json } = context;
  if (flags.watch !== true) {
    print(context, await readRound(context, flags));
    return exitCodes.ok;
  }
  const line = createProgressLine(io);
  for (;;) {
    const round = await readRound(context, flags);
    const isLast = !round.requests.some(({ state }) => underWay.includes(state));
    if (json) print(context, round);
    else if (!isLast) line.tell(inNumbers(round));
    if (isLast || io.stdout.isClosed === true) {
      line.end();
      if (!json) print(context, round);
      return exitCodes.ok;
    }
    await context.sleep(watchMilliseconds);
  }
}

const underWay: readonly string[] = ['open', 'queued', 'fetching'];

async function readRound({ call }: CommandContext, { state }: RequestsFlags): Promise<Round> {
  const requests: FileRequest[] = [];
  const unreadable: string[] = [];
  for await (const page of pagesOf((at) => call(operatorEndpoints.listRequests, { query: { state, ...at } }))) {
    requests.push(...page.requests);
    unreadable.push(...page.unreadable);
  }
  return { requests: requests.toSorted(byUrgency), unreadable };
}

function inNumbers({ requests }: Round): string {
  const counts = fileRequestStates.map((state) => [state, requests.filter((one) => one.state === state).length]);
  const some = counts.filter(([, count]) => count !== 0).map(([state, count]) => `${count} ${state}`);
  const begun = requests.flatMap(({ state, progress }) => (underWay.includes(state) && progress ? [progress] : []));
  return [
    `${requests.length} requests: ${some.join(', ')}`,
    ...(begun.length > 0 ? [describeRate(rateOf(begun))] : []),
  ].join('; ');
}

function print({ io, json }: CommandContext, { requests, unreadable }: Round): void {
  if (json) printJson(io, { version: 1, requests, unreadable });
  else if (requests.length === 0) io.stdout.write('no requests\n');
  else {
    printTable(
      io,
      ['STATE', 'REQUESTED', 'BY', 'SIZE', 'PROGRESS', 'ATTEMPTS', 'NAME', 'SHA-1', 'LAST ERROR'],
      requests.map((request) => [
        request.state,
        request.requestedAt,
        request.requestedBy,
        request.size === undefined ? '' : formatBytes(request.size),
        request.progress === undefined ? '' : describeRate(rateOf([request.progress])),
        String(request.attempts),
        request.name ?? '',
        request.sha1,
        shortened(request.lastError ?? ''),
      ]),
    );
    if (requests.some(({ lastError = '' }) => lastError.length > shownErrorLength))
      io.stderr.write('errors are shortened; --json has them whole\n');
  }
  printUnreadable(io, unreadable);
}

/** What a person has to look at comes first. */
function byUrgency(a: FileRequest, b: FileRequest): number {
  const rank = ({ state }: FileRequest): number => (state === 'failed' ? 0 : 1);
  return rank(a) - rank(b) || Date.parse(b.requestedAt) - Date.parse(a.requestedAt) || (a.sha1 < b.sha1 ? -1 : 1);
}

const shortened = (text: string): string =>
  text.length <= shownErrorLength ? text : `${text.slice(0, shownErrorLength - 1)}…`;

/** `kbroker requests sweep`: puts open requests on the queue now instead of at the next half hour. */
export async function sweepRequests(context: CommandContext): Promise<ExitCode> {
  const result = await context.call(operatorEndpoints.startSweep, { body: {} });
  if (context.json) printJson(context.io, result);
  else context.io.stdout.write(`${result.queued} requests queued, ${result.requeued} of them again\n`);
  return exitCodes.ok;
}
