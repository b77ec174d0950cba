/**
 * An HTTP API with Lambda integrations.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import findMyWay from 'find-my-way';
import { splitTarget } from '#local/servers/http.ts';
import { sha256Hex, verifySigV4 } from '#local/servers/sigv4.ts';
import { decodeUri } from '#local/servers/uri.ts';
import type { Credentials, StackLogLine } from '#local/types.ts';
import { readToEnd } from '../body.ts';
import type { Access } from '../iam/access.ts';
import type { FunctionRunner } from '../lambda/function-runner.ts';
import { maximumPayloadBytes } from '../lambda/sandbox.ts';
import { RuntimeError } from '../runtime-error.ts';
import { type Cors, corsHeaders } from './cors.ts';
import { fromFunctionResult, type HttpAnswer, toHttpEvent } from './http-event.ts';

/** Largest request. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const maximumBodyBytes = 10 * 1024 * 1024;

export interface HttpRoute {
  /** `GET /v1/hosts/{machineId}`, `ANY /files/{proxy+}` or `$default`. */
  readonly key: string;
  readonly authorization: 'NONE' | 'AWS_IAM';
  readonly target: FunctionRunner;
  readonly timeoutMilliseconds: number;
}

export interface HttpApiOptions {
  readonly apiId: string;
  readonly region: string;
  readonly accountId: string;
  readonly domainName: string;
  readonly routes: readonly HttpRoute[];
  readonly cors: Cors | undefined;
  readonly access: Access;
  readonly log: (line: StackLogLine) => void;
}

const message = (status: number, text: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  cookies: [],
  body: Buffer.from(JSON.stringify({ message: text })),
});

interface Match {
  readonly route: HttpRoute;
  readonly parameters: Readonly<Record<string, string>>;
}

/** An HTTP server for the API; the caller makes it listen. */
export function createHttpApi(options: HttpApiOptions): Server {
  const find = buildRouter(options.routes);
  // The API calls functions with the permissions that they give it, route by route.
  const credentials = new Map(
    options.routes.map((route) => [
      route,
      options.access.serviceCredentials('apigateway.amazonaws.com', routeArn(options, route)),
    ]),
  );
  return createServer((request, response) => {
    // A caller that goes away while it waits does not end the function, as on AWS.
    void respond(options, find, credentials, request).then((answer) => {
      if (answer !== undefined) send(options, request, response, answer);
    });
  });
}

function send(options: HttpApiOptions, request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  const { method = 'GET', url = '/' } = request;
  options.log({ source: 'api', level: 'debug', message: `${method} ${url} ${answer.status}` });
  if (response.destroyed) return;
  const cors = options.cors === undefined ? {} : corsHeaders(options.cors, request.headers.origin, false);
  response.writeHead(answer.status, {
    ...answer.headers,
    ...cors,
    ...(answer.cookies.length === 0 ? {} : { 'set-cookie': [...answer.cookies] }),
    'content-length': answer.body.length,
  });
  response.end(method === 'HEAD' ? undefined : answer.body);
}

/** What a route is to IAM: its stage, method and path. */
function routeArn({ region, accountId, apiId }: HttpApiOptions, { key }: HttpRoute): string {
  const [method = '', path = ''] = key.split(' ');
  const arn = `arn:aws:execute-api:${region}:${accountId}:${apiId}/$default`;
  return key === '$default' ? `${arn}/$default` : `${arn}/${method === 'ANY' ? '*' : method}${path}`;
}

/** Routes with a full match first, then those with a greedy variable, then `$default`. */
function buildRouter(routes: readonly HttpRoute[]): (method: string, path: string) => Match | undefined {
  // Paths are limited by the server already.
  const exact = { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 16_384 };
  const router = findMyWay(exact);
  const any = findMyWay(exact);
  let fallback: HttpRoute | undefined;
  for (const route of routes) {
    if (route.key === '$default') {
      fallback = route;
      continue;
    }
    const [method = '', path = ''] = route.key.split(' ');
    const pattern = path.replaceAll(/\{[^}]+\+\}/g, '*').replaceAll(/\{([^}]+)\}/g, ':$1');
    // The route travels as what find-my-way keeps with a pattern; its handlers are not used.
    if (method === 'ANY') any.on('GET', pattern, () => undefined, route);
    else router.on(checkedMethod(method, route), pattern, () => undefined, route);
  }
  return (method, path) => {
    const known = methods.find((candidate) => candidate === method);
    const found = (known === undefined ? null : router.find(known, path)) ?? any.find('GET', path);
    if (found === null) return fallback === undefined ? undefined : { route: fallback, parameters: {} };
    const route: HttpRoute = found.store;
    const greedy = /\{([^}]+)\+\}/.exec(route.key)?.[1];
    const parameters = Object.fromEntries(
      Object.entries(found.params).map(([name, value]) => [name === '*' ? (greedy ?? name) : name, value ?? '']),
    );
    return { route, parameters };
  };
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

function checkedMethod(method: string, { key }: HttpRoute): (typeof methods)[number] {
  const known = methods.find((candidate) => candidate === method);
  if (known === undefined) throw new RuntimeError('bad-configuration', `${key} is no route key`);
  return known;
}

async function respond(
  options: HttpApiOptions,
  find: ReturnType<typeof buildRouter>,
  credentials: ReadonlyMap<HttpRoute, Credentials>,
  request: IncomingMessage,
): Promise<HttpAnswer | undefined> {
  const { method = 'GET', headers } = request;
  const target = splitTarget(request.url ?? '/');
  const read = await readToEnd(request, maximumBodyBytes);
  if (read.kind === 'broken') return undefined;
  if (read.kind === 'too-large') return message(413, 'Request Entity Too Large');
  const body = read.bytes;
  if (options.cors !== undefined && method === 'OPTIONS' && headers['access-control-request-method'] !== undefined) {
    return {
      status: 204,
      headers: corsHeaders(options.cors, headers.origin, true),
      cookies: [],
      body: Buffer.alloc(0),
    };
  }
  const match = decodeUri(target.path) === undefined ? undefined : find(method, target.path);
  if (match === undefined) return message(404, 'Not Found');
  const { route, parameters } = match;
  const signer = route.authorization === 'AWS_IAM' ? authenticate(options, method, target, headers, body) : undefined;
  if (signer === 'forbidden') return message(403, 'Forbidden');

  const permission = options.access.authorize({
    accessKeyId: credentials.get(route)?.accessKeyId ?? '',
    action: 'lambda:InvokeFunction',
    resource: route.target.arn,
  });
  if (!permission.allowed) return message(500, 'Internal Server Error');
  const event = JSON.stringify(
    toHttpEvent({
      accountId: options.accountId,
      apiId: options.apiId,
      domainName: options.domainName,
      routeKey: route.key,
      method,
      ...target,
      protocol: `HTTP/${request.httpVersion}`,
      sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
      headers,
      pathParameters: parameters,
      body,
      signer,
      now: new Date(),
    }),
  );
  // The function takes less than the API does.
  if (Buffer.byteLength(event) > maximumPayloadBytes) return message(413, 'Request Entity Too Large');
  return invoke(route, event);
}

async function invoke(route: HttpRoute, event: string): Promise<HttpAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, route.timeoutMilliseconds, undefined);
  });
  const outcome = await Promise.race([route.target.invoke(event), limit]);
  clearTimeout(timer);
  // The function goes on when the API stops waiting; on AWS it does, too.
  if (outcome === undefined) return message(503, 'Service Unavailable');
  if (!outcome.ok) return message(500, 'Internal Server Error');
  return fromFunctionResult(outcome.payload) ?? message(500, 'Internal Server Error');
}

function authenticate(
  { access, region, accountId, apiId }: HttpApiOptions,
  method: string,
  target: { readonly path: string; readonly query: string },
  headers: IncomingMessage['headers'],
  body: Buffer,
): { readonly accessKeyId: string; readonly arn: string } | 'forbidden' {
  const scope = { region, service: 'execute-api', now: new Date() };
  const verified = verifySigV4({ method, ...target, headers }, sha256Hex(body), access.secretOf, scope);
  if (!verified.ok) return 'forbidden';
  const { accessKeyId } = verified;
  const resource = `arn:aws:execute-api:${region}:${accountId}:${apiId}/$default/${method}${target.path}`;
  if (!access.authorize({ accessKeyId, action: 'execute-api:Invoke', resource }).allowed) return 'forbidden';
  return { accessKeyId, arn: access.arnOf(accessKeyId) ?? '' };
}
