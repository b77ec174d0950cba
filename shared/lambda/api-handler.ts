import middy from '@middy/core';
import httpRouterHandler, { type Method } from '@middy/http-router';
import * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '../contract/endpoint.ts';
import { inOneLine, parseInWords } from '../contract/parse.ts';
import { ProblemError } from '../contract/problem-error.ts';
import {
  bodyAsSent,
  type HttpEvent,
  type HttpResponse,
  httpEvent,
  jsonBody,
  jsonResponse,
  problemResponse,
} from './http-event.ts';
import type { LambdaContext, LambdaHandler } from './invocation.ts';
import { observe } from './observe.ts';
import type { Telemetry } from './telemetry.ts';

/** A request before anything of it is believed. */
export interface Incoming {
  /** Name of the endpoint's row. */
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Decoded, without query. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** As sent, so still compressed; empty when there is none. */
  readonly body: Uint8Array;
  readonly from: { readonly address: string; readonly userAgent?: string };
  /** Of the invocation: the log has it in each line. */
  readonly requestId: string;
}

/** A call of one endpoint, parsed. */
export interface Call<E extends Endpoint, Caller> extends Pick<Incoming, 'from' | 'requestId'> {
  readonly request: RequestOf<E>;
  /** Parameters of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** The query parameters that the endpoint's row names; a call with others is refused. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Who called, as `authenticate` found out. */
  readonly caller: Caller;
}

/** One function per row of an endpoint table. */
export type Implementation<Table extends Readonly<Record<string, Endpoint>>, Caller> = {
  readonly [Name in keyof Table]: (call: Call<Table[Name], Caller>) => Promise<ResponseOf<Table[Name]>>;
};

export interface ApiHandlerOptions<Table extends Readonly<Record<string, Endpoint>>, Caller> {
  readonly telemetry: Telemetry;
  readonly endpoints: Table;
  readonly implementation: Implementation<Table, Caller>;
  /** Says who calls, before anything else is looked at, or refuses by throwing a ProblemError. */
  readonly authenticate: (incoming: Incoming) => Promise<Caller>;
  /** How the caller is named in the log. */
  readonly nameOf: (caller: Caller) => string;
  /**
   * Stands around each call of a caller that is known, for instance to answer a repeated request from memory.
   *
   * @default - the call is made
   */
  readonly around?: (incoming: Incoming, caller: Caller, call: () => Promise<HttpResponse>) => Promise<HttpResponse>;
  /**
   * Told of a body that its schema refuses, before the caller is.
   *
   * @default - nobody is told
   */
  readonly onRefusedBody?: (incoming: Incoming, caller: Caller, problem: ProblemError) => Promise<void>;
}

/**
 * Bundle for functions behind the HTTP API: routes, parses and answers by an endpoint table. Whatever goes wrong is
 * answered as a problem document; what is not the caller's fault is logged and answered without its details.
 */
export function apiHandler<Table extends Readonly<Record<string, Endpoint>>, Caller>(
  options: ApiHandlerOptions<Table, Caller>,
): LambdaHandler {
  const { telemetry, endpoints, implementation, authenticate, onRefusedBody } = options;
  const around = options.around ?? ((_incoming, _caller, call) => call());

  const answer = async (name: keyof Table & string, event: unknown, context: LambdaContext): Promise<HttpResponse> => {
    const endpoint = endpoints[name];
    if (endpoint === undefined) throw new Error(`no endpoint ${name}`);
    const http = z.parse(httpEvent, event);
    const incoming = incomingOf(name, endpoint, http, context);
    telemetry.log.appendKeys({ endpoint: name });
    const caller = await authenticate(incoming);
    telemetry.log.appendKeys({ caller: options.nameOf(caller) });
    const answered = await around(incoming, caller, async () => {
      // The table ties each row's schema to its function; inside this loop over rows the compiler cannot see which.
      const call = {
        request: await requestOf(endpoint, incoming, (problem) => onRefusedBody?.(incoming, caller, problem)),
        path: http.pathParameters,
        query: queryOf(endpoint, http),
        caller,
        from: incoming.from,
        requestId: incoming.requestId,
      };
      const response = await implementation[name](call as Call<Table[keyof Table], Caller>);
      return jsonResponse(z.parse(endpoint.response, response));
    });
    telemetry.log.info('answered', { status: answered.statusCode });
    return answered;
  };

  const routes = Object.keys(endpoints).map((name) => ({
    method: endpoints[name]?.method as Method,
    path: endpoints[name]?.path ?? '',
    handler: (event: unknown, context: unknown) => answer(name, event, context as LambdaContext),
  }));
  const router = httpRouterHandler({
    routes: routes.toSorted((a, b) => variables(a.path) - variables(b.path)),
    notFoundResponse: ({ method, path }) => {
      throw new ProblemError('not-found', `there is no ${method} ${path}`);
    },
  });

  return middy<unknown, HttpResponse>()
    .use(observe(telemetry))
    .onError((request) => {
      const problem = asProblem(request.error);
      if (problem.code === 'internal') telemetry.log.error('the call failed', request.error ?? problem);
      else telemetry.log.warn('the call was refused', { code: problem.code, detail: problem.message });
      telemetry.publish();
      request.response = problemResponse(problem);
    })
    .handler(router) as LambdaHandler;
}

/** The HTTP API prefers routes without variables; so do we, whatever the order of the table. */
const variables = (path: string): number => path.split('{').length;

function incomingOf(name: string, endpoint: Endpoint, http: HttpEvent, context: LambdaContext): Incoming {
  const { method, path, sourceIp, userAgent } = http.requestContext.http;
  return {
    name,
    endpoint,
    method,
    path,
    headers: http.headers,
    body: bodyAsSent(http),
    from: { address: sourceIp, ...(userAgent !== undefined && userAgent !== '' && { userAgent }) },
    requestId: context.awsRequestId,
  };
}

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError('internal', 'the broker failed to answer; its log says why', { cause: error });
}

async function requestOf(
  endpoint: Endpoint,
  incoming: Incoming,
  onRefused: (problem: ProblemError) => Promise<void> | undefined,
): Promise<unknown> {
  if (endpoint.request === undefined) return undefined;
  try {
    return parseBody(endpoint.request, await jsonBody(incoming.body, incoming.headers['content-encoding']));
  } catch (error) {
    if (error instanceof ProblemError) await onRefused(error);
    throw error;
  }
}

function parseBody(schema: z.ZodMiniType, body: unknown): unknown {
  const parsed = parseInWords(schema, body);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    if (issue.path[0] === 'version' && issue.code === 'invalid_value')
      throw new ProblemError(
        'unsupported-version',
        `version is ${versionOf(body)}; this broker understands ${issue.values.join(', ')}`,
      );
  }
  throw new ProblemError('bad-request', inOneLine(parsed.faults));
}

function versionOf(body: unknown): string {
  const version: unknown = typeof body === 'object' && body !== null && 'version' in body ? body.version : undefined;
  return version === undefined ? 'missing' : JSON.stringify(version).slice(0, 40);
}

/**
 * A parameter that is passed over, because it is misspelt or newer than this broker, would be a filter that does not
 * filter: the answer would be right for another question.
 *
 * @throws ProblemError `bad-request`
 */
function queryOf(endpoint: Endpoint, http: HttpEvent): Readonly<Record<string, string | undefined>> {
  const allowed = endpoint.query ?? [];
  const unknown = Object.keys(http.queryStringParameters).filter((name) => !allowed.includes(name));
  if (unknown.length > 0) {
    const got = unknown.map((name) => JSON.stringify(name.slice(0, 40))).join(', ');
    const known = allowed.length === 0 ? 'none' : allowed.join(', ');
    throw new ProblemError('bad-request', `query: got ${got}, allowed is ${known}`);
  }
  return Object.fromEntries(allowed.map((name) => [name, http.queryStringParameters[name]]));
}
