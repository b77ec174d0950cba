import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import * as z from 'zod/mini';
import { ProblemError } from '../contract/problem-error.ts';

/**
 * What is read of an HTTP API event, payload format 2.0
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html). Header names
 * arrive in lower case.
 */
export const httpEvent = z.object({
  version: z.literal('2.0'),
  headers: z._default(z.record(z.string(), z.string()), {}),
  queryStringParameters: z._default(z.record(z.string(), z.string()), {}),
  pathParameters: z._default(z.record(z.string(), z.string()), {}),
  body: z.optional(z.string()),
  isBase64Encoded: z._default(z.boolean(), false),
  requestContext: z.object({
    http: z.object({
      method: z.string(),
      path: z.string(),
      sourceIp: z.string(),
      userAgent: z.optional(z.string()),
    }),
  }),
});
export type HttpEvent = z.output<typeof httpEvent>;

/** Bytes of a request body at most, after decompression. A report with 2,000 updates stays below it. */
export const maxBodyBytes = 8 * 1024 * 1024;

const unzip = promisify(gunzip);

/** The body as the caller sent it: what a digest or signature over it is about. */
export const bodyAsSent = ({ body = '', isBase64Encoded }: HttpEvent): Uint8Array =>
  Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');

/**
 * The JSON of a request; an absent body counts as an empty object.
 *
 * @param encoding the header `content-encoding`
 * @throws ProblemError `too-large`, `bad-request`
 */
export async function jsonBody(sent: Uint8Array, encoding: string | undefined): Promise<unknown> {
  if (sent.byteLength === 0) return {};
  const bytes = await decoded(sent, encoding?.toLowerCase());
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProblemError('bad-request', 'the body is not JSON in UTF-8', { cause });
  }
}

async function decoded(sent: Uint8Array, encoding: string | undefined): Promise<Uint8Array> {
  const tooLarge = `the body has more than the ${maxBodyBytes} bytes that are allowed (uncompressed)`;
  if (sent.byteLength > maxBodyBytes) throw new ProblemError('too-large', tooLarge);
  if (encoding === undefined || encoding === 'identity') return sent;
  if (encoding !== 'gzip')
    throw new ProblemError('bad-request', `content-encoding is ${JSON.stringify(encoding)}; allowed are gzip and none`);
  try {
    // A few kilobytes can unpack to gigabytes: zlib stops at the limit.
    return await unzip(sent, { maxOutputLength: maxBodyBytes });
  } catch (cause) {
    if (cause instanceof RangeError) throw new ProblemError('too-large', tooLarge, { cause });
    throw new ProblemError('bad-request', 'the body is not gzip, as its content-encoding says', { cause });
  }
}

/** An answer in payload format 2.0. */
export interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function jsonResponse(value: unknown): HttpResponse {
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(value),
  };
}

export function problemResponse(error: ProblemError): HttpResponse {
  const problem = error.toProblem();
  return {
    statusCode: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(problem.status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(problem.retryAfterSeconds !== undefined && { 'retry-after': String(problem.retryAfterSeconds) }),
    },
    body: JSON.stringify(problem),
  };
}
