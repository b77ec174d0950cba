import middy from '@middy/core';
import httpRouterHandler, { type Method } from '@middy/http-router';
import * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '../contract/endpoint.ts';
import { inOneLine, parseInWords } from '../contract/parse.ts';
import { ProblemError } from '../contract/problem-error.ts';
import { type HttpEvent, type HttpResponse, httpEvent, jsonBody, jsonResponse, problemResponse } from './http-event.ts';
import type { LambdaHandler } from './invocation.ts';
import { observe } from './observe.ts';
import type { Telemetry } from './telemetry.ts';

/** A call of one endpoint, parsed. */
interface Call<E extends Endpoint> {
  readonly request: RequestOf<E>;
  /** Parameters of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** The query parameters that the endpoint's row names; others are left out. */
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** One function per row of an endpoint table. */
export type Implementation<Table extends Readonly<Record<string, Endpoint>>> = {
  readonly [Name in keyof Table]: (call: Call<Table[Name]>) => Promise<ResponseOf<Table[Name]>>;
};

export interface ApiHandlerOptions<Table extends Readonly<Record<string, Endpoint>>> {
  readonly telemetry: Telemetry;
  readonly endpoints: Table;
  readonly implementation: Implementation<Table>;
  /**
   * Refuses callers before anything else is looked at, by throwing a ProblemError.
   * @default - nobody is refused here; the HTTP API's authorizer has decided
   */
  readonly authenticate?: (headers: Readonly<Record<string, string>>) => Promise<void>;
}

/**
 * Bundle for functions behind the HTTP API: routes, parses and answers by an endpoint table. Whatever goes wrong is
 * answered as a problem document; what is not the caller's fault is logged and answered without its details.
 */
export function apiHandler<Table extends Readonly<Record<string, Endpoint>>>(
  options: ApiHandlerOptions<Table>,
): LambdaHandler {
  const { telemetry, endpoints, implementation, authenticate } = options;

  const answer = async (name: keyof Table, event: unknown): Promise<HttpResponse> => {
    const endpoint = endpoints[name];
    if (endpoint === undefined) throw new Error(`no endpoint ${String(name)}`);
    const http = z.parse(httpEvent, event);
    telemetry.log.appendKeys({ endpoint: name, caller: http.requestContext.authorizer?.iam?.userArn ?? undefined });
    await authenticate?.(http.headers);
    // The table ties each row's schema to its function; inside this loop over rows the compiler cannot see which.
    const call = {
      request: await requestOf(endpoint, http),
      path: http.pathParameters,
      query: queryOf(endpoint, http),
    };
    const response = await implementation[name](call as Call<Table[keyof Table]>);
    const answered = jsonResponse(z.parse(endpoint.response, response));
    telemetry.log.info('answered', { status: answered.statusCode });
    return answered;
  };

  const routes = Object.keys(endpoints).map((name) => ({
    method: endpoints[name]?.method as Method,
    path: endpoints[name]?.path ?? '',
    handler: (event: unknown) => answer(name, event),
  }));
  const router = httpRouterHandler({
    routes,
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

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError('internal', 'the broker failed to answer; its log says why', { cause: error });
}

async function requestOf(endpoint: Endpoint, http: HttpEvent): Promise<unknown> {
  if (endpoint.request === undefined) return undefined;
  const body = await jsonBody(http);
  const parsed = parseInWords(endpoint.request, body);
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

function queryOf(endpoint: Endpoint, http: HttpEvent): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries((endpoint.query ?? []).map((name) => [name, http.queryStringParameters[name]]));
}
