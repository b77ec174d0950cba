import type * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { requestsPage } from '#shared/contract/operators/views.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printTable } from '../io.ts';
import { printable } from '../printable.ts';
import type { CommandContext } from './context.ts';

type RequestsPage = z.infer<typeof requestsPage>;

/** `kbroker requests list [--state S]`: files that hosts asked for, all pages. */
export async function listRequests(context: CommandContext, filter: { readonly state?: string }): Promise<ExitCode> {
  const requests: FileRequest[] = [];
  const unreadable: string[] = [];
  let cursor: string | undefined;
  do {
    const page: RequestsPage = await context.call(operatorEndpoints.listRequests, {
      query: { state: filter.state, cursor },
    });
    requests.push(...page.requests);
    unreadable.push(...page.unreadable);
    cursor = page.next;
  } while (cursor !== undefined);

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
        request.lastError ?? '',
      ]),
    );
  }
  for (const key of unreadable) context.io.stderr.write(`unreadable row in the store: ${printable(key)}\n`);
  return exitCodes.ok;
}

/** `kbroker requests sweep`: puts open requests on the queue now instead of at the next half hour. */
export async function sweepRequests(context: CommandContext): Promise<ExitCode> {
  const result = await context.call(operatorEndpoints.startSweep, { body: {} });
  if (context.json) printJson(context.io, result);
  else context.io.stdout.write(`${result.queued} requests queued, ${result.requeued} of them again\n`);
  return exitCodes.ok;
}
