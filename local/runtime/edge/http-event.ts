/**
 * Requests and answers of an HTTP API in payload format 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import * as z from 'zod/mini';
import { parseQuery } from '#local/servers/uri.ts';

export interface HttpCall {
  readonly accountId: string;
  readonly apiId: string;
  readonly domainName: string;
  readonly routeKey: string;
  readonly method: string;
  /** As sent. */
  readonly path: string;
  readonly query: string;
  readonly protocol: string;
  readonly sourceIp: string;
  readonly headers: IncomingHttpHeaders;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Who signed the request, on routes with AWS_IAM authorization. */
  readonly signer: { readonly accessKeyId: string; readonly arn: string } | undefined;
  readonly now: Date;
}

const isText = (contentType: string): boolean =>
  /^(text\/|application\/(json|xml|javascript|[\w.-]+\+(json|xml)|x-www-form-urlencoded)\b)/i.test(contentType);

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `12/Mar/2026:19:03:58 +0000` */
function commonLogTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
  return `${date}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

/** The event that the function gets. */
export function toHttpEvent(call: HttpCall): object {
  const { cookie, ...others } = call.headers;
  const headers = Object.fromEntries(
    Object.entries(others).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  );
  const query = new Map<string, string>();
  for (const [name, value] of parseQuery(call.query)) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : `${before},${value}`);
  }
  const asText = call.headers['content-encoding'] === undefined && isText(call.headers['content-type'] ?? 'text/plain');
  const path = decodeURIComponent(call.path);
  const stage = '$default';
  return {
    version: '2.0',
    routeKey: call.routeKey,
    rawPath: path,
    rawQueryString: call.query,
    ...(cookie === undefined ? {} : { cookies: cookie.split(';').map((pair) => pair.trim()) }),
    headers,
    ...(query.size === 0 ? {} : { queryStringParameters: Object.fromEntries(query) }),
    requestContext: {
      accountId: call.accountId,
      apiId: call.apiId,
      ...(call.signer === undefined ? {} : { authorizer: { iam: iamContext(call.accountId, call.signer) } }),
      domainName: call.domainName,
      domainPrefix: call.domainName.split('.')[0],
      http: {
        method: call.method,
        path,
        protocol: call.protocol,
        sourceIp: call.sourceIp,
        userAgent: call.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: call.routeKey,
      stage,
      time: commonLogTime(call.now),
      timeEpoch: call.now.getTime(),
    },
    ...(Object.keys(call.pathParameters).length === 0 ? {} : { pathParameters: call.pathParameters }),
    ...(call.body.length === 0 ? {} : { body: call.body.toString(asText ? 'utf8' : 'base64') }),
    isBase64Encoded: call.body.length > 0 && !asText,
  };
}

function iamContext(accountId: string, { accessKeyId, arn }: { accessKeyId: string; arn: string }): object {
  return {
    accessKey: accessKeyId,
    accountId,
    callerId: accessKeyId,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: arn,
    userId: accessKeyId,
  };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Buffer;
}

const answerSchema = z.looseObject({
  statusCode: z.coerce.number().check(z.int(), z.minimum(100), z.maximum(599)),
  headers: z.nullish(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  cookies: z.nullish(z.array(z.string())),
  body: z.nullish(z.string()),
  isBase64Encoded: z.nullish(z.boolean()),
});

/**
 * The answer that a function's result stands for: a result without a status is a body of JSON with status 200.
 * Undefined when the result has a status but not the form of an answer, which AWS answers with 500.
 */
export function fromFunctionResult(payload: string): HttpAnswer | undefined {
  const result: unknown = JSON.parse(payload);
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    const text = typeof result === 'string' ? result : payload;
    return { status: 200, headers: { 'content-type': 'application/json' }, cookies: [], body: Buffer.from(text) };
  }
  const parsed = answerSchema.safeParse(result);
  if (!parsed.success) return undefined;
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const named = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    status: statusCode,
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...Object.fromEntries(named) },
    cookies: cookies ?? [],
    body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}
