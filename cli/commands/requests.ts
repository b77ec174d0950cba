import type * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { requestsPage } from '#shared/contract/operators/views.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printTable } from '../io.ts';
import { printable } from '../printable.ts';
import type { CommandContext } from './context.ts';

type RequestsPage = z.infer<typeof requestsPage>;

/** Characters of an error that the table shows; it is the last column, and one line a request is what it is for. */
const shownErrorLength = 60;

/** `kbroker requests list [--state S]`: files that hosts asked for, all pages; failed ones first, then the newest first. */
export async function listRequests(context: CommandContext, filter: { readonly state?: string }): Promise<ExitCode> {
  const found: FileRequest[] = [];
  const unreadable: string[] = [];
  let cursor: string | undefined;
  do {
    const page: RequestsPage = await context.call(operatorEndpoints.listRequests, {
      query: { state: filter.state, cursor },
    });
    found.push(...page.requests);
    unreadable.push(...page.unreadable);
    cursor = page.next;
  } while (cursor !== undefined);
  const requests = found.toSorted(byUrgency);

  if (context.json) printJson(context.io, { version: 1, requests, unreadable });
  else if (requests.length === 0) context.io.stdout.write('no requests\n');
  else {
    printTable(
      context.io,
      ['STATE', 'REQUESTED', 'BY', 'SIZE', 'ATTEMPTS', 'NAME', 'SHA-1', 'LAST ERROR'],
      requests.map((request) => [
        request.state,
        request.requestedAt,
        request.requestedBy,
        request.size === undefined ? '' : formatBytes(request.size),
        String(request.attempts),
        request.name ?? '',
        request.sha1,
        shortened(request.lastError ?? ''),
      ]),
    );
    if (requests.some(({ lastError = '' }) => lastError.length > shownErrorLength))
      context.io.stderr.write('errors are shortened; --json has them whole\n');
  }
  for (const key of unreadable) context.io.stderr.write(`unreadable row in the store: ${printable(key)}\n`);
  return exitCodes.ok;
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
