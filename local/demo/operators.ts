import { setTimeout as sleep } from 'node:timers/promises';
import type * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { fillPath } from '#shared/contract/path.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { DemoError } from './demo-error.ts';
import type { ReportedHost } from './reported-hosts.ts';

/** The operators' API as this demonstration uses it: what it prints and checks is read here, not in its own memory. */
export interface Operators {
  call<E extends Endpoint>(endpoint: E, options?: CallOptions<E>): Promise<ResponseOf<E>>;
  /** Those of these hosts that have reported, live: a list of hosts would be some minutes old. */
  reportedHosts(machineIds: readonly string[]): Promise<ReportedHost[]>;
  requests(): Promise<FileRequest[]>;
}

interface CallOptions<E extends Endpoint> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: RequestOf<E>;
}

/** Requests at a time; the functions behind the API are processes on this machine. */
const parallel = 4;

/** How often a call is made again that came too soon. */
const maxWaits = 5;

export function createOperators(options: {
  readonly apiUrl: string;
  /** An access token that is good for now. */
  readonly accessToken: () => Promise<string>;
}): Operators {
  const ask = async (method: string, url: URL, text: string | undefined): Promise<Response> => {
    for (let waits = 0; ; waits += 1) {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${await options.accessToken()}`,
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(text === undefined ? {} : { body: text }),
      });
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
      if (response.status !== 429 || !(seconds >= 0) || waits >= maxWaits) return response;
      await response.body?.cancel();
      await sleep(seconds * 1000);
    }
  };
  const call: Operators['call'] = async (endpoint, { params, query, body } = {}) => {
    const url = new URL(fillPath(endpoint.path, params, query), options.apiUrl);
    return answerOf(endpoint, await ask(endpoint.method, url, body === undefined ? undefined : JSON.stringify(body)));
  };
  const reportedHost = async (machineId: string): Promise<ReportedHost | undefined> => {
    const { getHost } = operatorEndpoints;
    const response = await ask(
      getHost.method,
      new URL(fillPath(getHost.path, { machineId }), options.apiUrl),
      undefined,
    );
    // Not enrolled, which it then did not report either.
    if (response.status === 404) return undefined;
    const { summary, last } = await answerOf(getHost, response);
    return last && { summary, report: last.report, scannedAt: last.scan.at };
  };
  return {
    call,
    async reportedHosts(machineIds) {
      const hosts: ReportedHost[] = [];
      for (let at = 0; at < machineIds.length; at += parallel) {
        const part = await Promise.all(machineIds.slice(at, at + parallel).map(reportedHost));
        hosts.push(...part.filter((host) => host !== undefined));
      }
      return hosts;
    },
    requests: () =>
      pages(async (cursor) => {
        const page = await call(operatorEndpoints.listRequests, { query: { cursor } });
        return { items: page.requests, next: page.next };
      }),
  };
}

async function answerOf<E extends Endpoint>(endpoint: E, response: Response): Promise<ResponseOf<E>> {
  const text = await response.text();
  if (!response.ok) {
    const { pathname } = new URL(response.url);
    throw new DemoError('api', `${endpoint.method} ${pathname} answered ${response.status}: ${text}`);
  }
  const schema: z.ZodMiniType = endpoint.response;
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new DemoError('api', `${endpoint.method} ${endpoint.path} answered in another form: ${parsed.error.message}`);
  }
  // The schema is the endpoint's own; the compiler cannot follow it through the type parameter.
  return parsed.data as ResponseOf<E>;
}

async function pages<T>(
  read: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next?: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    all.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}
