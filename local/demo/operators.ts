import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { HostSummary, HostView } from '#shared/contract/operators/views.ts';
import { fillPath } from '#shared/contract/path.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { Credentials } from '../types.ts';
import { DemoError } from './demo-error.ts';

/** The operators' API as this demonstration uses it: what it prints and checks is read here, not in its own memory. */
export interface Operators {
  call<E extends Endpoint>(endpoint: E, options?: CallOptions<E>): Promise<ResponseOf<E>>;
  /** All pages. */
  hosts(): Promise<HostSummary[]>;
  hostViews(): Promise<HostView[]>;
  requests(): Promise<FileRequest[]>;
}

interface CallOptions<E extends Endpoint> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: RequestOf<E>;
}

/** Requests at a time; the functions behind the API are processes on this machine. */
const parallel = 4;

export function createOperators(options: {
  readonly apiUrl: string;
  readonly region: string;
  readonly credentials: Credentials;
}): Operators {
  const signer = new SignatureV4({
    service: 'execute-api',
    region: options.region,
    credentials: options.credentials,
    sha256: Sha256,
  });
  const call: Operators['call'] = async (endpoint, { params, query, body } = {}) => {
    const url = new URL(fillPath(endpoint.path, params, query), options.apiUrl);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const signed = await signer.sign({
      method: endpoint.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, ...(text === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(text === undefined ? {} : { body: text }),
    });
    const response = await fetch(url, {
      method: endpoint.method,
      headers: signed.headers,
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    if (!response.ok) {
      throw new DemoError('api', `${endpoint.method} ${url.pathname} answered ${response.status}: ${answer}`);
    }
    return parseAnswer(endpoint, answer);
  };
  const hosts = (): Promise<HostSummary[]> =>
    pages(async (cursor) => {
      const page = await call(operatorEndpoints.listHosts, { query: { cursor } });
      return { items: page.hosts, next: page.next };
    });
  return {
    call,
    hosts,
    async hostViews() {
      const summaries = await hosts();
      const views: HostView[] = [];
      for (let at = 0; at < summaries.length; at += parallel) {
        const part = summaries.slice(at, at + parallel);
        views.push(
          ...(await Promise.all(
            part.map(({ machineId }) => call(operatorEndpoints.getHost, { params: { machineId } })),
          )),
        );
      }
      return views;
    },
    requests: () =>
      pages(async (cursor) => {
        const page = await call(operatorEndpoints.listRequests, { query: { cursor } });
        return { items: page.requests, next: page.next };
      }),
  };
}

function parseAnswer<E extends Endpoint>(endpoint: E, text: string): ResponseOf<E> {
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
