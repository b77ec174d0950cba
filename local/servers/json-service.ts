/**
 * What the services with AWS's JSON protocols have in common: one POST per call, the operation in X-Amz-Target, the
 * signature over the whole body, errors as `{"__type": …}`.
 *
 * Source: "AWS JSON 1.0 protocol" and "AWS JSON 1.1 protocol" of the Smithy specification.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ServerOptions } from '../types.ts';
import { readBody, splitTarget } from './http.ts';
import type { SigV4Reason } from './sigv4.ts';
import { sha256Hex, verifySigV4 } from './sigv4.ts';

/** An error as the client gets it. */
export class JsonServiceError extends Error {
  readonly type: string;
  readonly status: number;
  /** Code of the older Query protocol, for clients that still look for it (SQS). */
  readonly queryCode: string | undefined;
  constructor(type: string, message: string, options: { readonly status?: number; readonly queryCode?: string } = {}) {
    super(message);
    this.name = 'JsonServiceError';
    this.type = type;
    this.status = options.status ?? 400;
    this.queryCode = options.queryCode;
  }
}

/** One verified call. */
export interface JsonCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly accessKeyId: string;
  /** Aborted when the client went away. */
  readonly signal: AbortSignal;
}

/** What the caller must be allowed to do. */
export interface Need {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of this service, in lower case. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: string | Buffer;
}

export interface JsonService {
  /** Name in the credential scope, for instance `sqs`. */
  readonly signingName: string;
  /** What X-Amz-Target begins with, for instance `AmazonSQS.`; one of these where a server speaks for two services. */
  readonly targetPrefix: string | readonly string[];
  readonly contentType: 'application/x-amz-json-1.0' | 'application/x-amz-json-1.1';
  /** Status of errors of authentication and authorization: 400, or 403 (SQS). */
  readonly refusalStatus: 400 | 403;
  readonly maxBodyBytes: number;
  /** Actions and resources of a call. Throws {@link JsonServiceError} for an operation that is not modelled. */
  needs(call: JsonCall): readonly Need[] | Promise<readonly Need[]>;
  answer(call: JsonCall): Promise<JsonAnswer>;
}

const SIGNATURE_ERRORS: Readonly<Record<SigV4Reason, string>> = {
  'not-signed': 'MissingAuthenticationTokenException',
  malformed: 'IncompleteSignatureException',
  'unknown-key': 'UnrecognizedClientException',
  'wrong-scope': 'InvalidSignatureException',
  skewed: 'InvalidSignatureException',
  expired: 'InvalidSignatureException',
  mismatch: 'InvalidSignatureException',
};

/** An HTTP server for the service; the caller makes it listen. */
export function createJsonServer(service: JsonService, options: ServerOptions): Server {
  return createServer((request, response) => {
    // A client that goes away in the middle breaks the request; what was done stays done, as on AWS.
    request.on('error', () => response.destroy());
    void respond(service, options, request, response);
  });
}

async function respond(
  service: JsonService,
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const aborter = new AbortController();
  response.on('close', () => aborter.abort());
  try {
    const call = await readCall(service, options, request, aborter.signal);
    for (const need of await service.needs(call)) {
      const decision = options.authorize({ accessKeyId: call.accessKeyId, ...need });
      if (!decision.allowed) throw refusal(service, 'AccessDeniedException', decision.message, 'AccessDenied');
    }
    const answer = await service.answer(call);
    send(service, response, answer.status, answer.body);
  } catch (error) {
    const known =
      error instanceof JsonServiceError
        ? error
        : new JsonServiceError('InternalServerError', `The local server failed: ${String(error)}`, { status: 500 });
    if (known.queryCode !== undefined) {
      response.setHeader('x-amzn-query-error', `${known.queryCode};${known.status < 500 ? 'Sender' : 'Receiver'}`);
    }
    send(service, response, known.status, JSON.stringify({ __type: known.type, message: known.message }));
  }
}

async function readCall(
  service: JsonService,
  options: ServerOptions,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<JsonCall> {
  const body = await readBody(request, service.maxBodyBytes);
  if (body === undefined) {
    throw new JsonServiceError('RequestEntityTooLarge', `The body is longer than ${service.maxBodyBytes} bytes.`, {
      status: 413,
    });
  }
  const verified = verifySigV4(
    { method: request.method ?? 'POST', ...splitTarget(request.url ?? '/'), headers: request.headers },
    sha256Hex(body),
    options.secretOf,
    { region: options.region, service: service.signingName, now: new Date() },
  );
  if (!verified.ok) throw refusal(service, SIGNATURE_ERRORS[verified.reason], verified.message, undefined);
  const target = request.headers['x-amz-target'];
  const prefixes = [service.targetPrefix].flat();
  const prefix = prefixes.find((one) => typeof target === 'string' && target.startsWith(one));
  if (request.method !== 'POST' || typeof target !== 'string' || prefix === undefined) {
    throw new JsonServiceError(
      'UnknownOperationException',
      `Only POST with an X-Amz-Target of ${prefixes.join('* or ')}* is understood, got ${request.method} with '${target ?? ''}'.`,
    );
  }
  return {
    operation: target.slice(prefix.length),
    input: parseObject(body),
    body,
    accessKeyId: verified.accessKeyId,
    signal,
  };
}

function parseObject(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new JsonServiceError('SerializationException', `The body is not JSON: ${String(cause)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new JsonServiceError('SerializationException', 'The body is not a JSON object.');
  }
  return value as Record<string, unknown>;
}

function refusal(service: JsonService, type: string, message: string, queryCode: string | undefined): JsonServiceError {
  return new JsonServiceError(type, message, {
    status: service.refusalStatus,
    ...(queryCode === undefined ? {} : { queryCode }),
  });
}

function send(service: JsonService, response: ServerResponse, status: number, body: string | Buffer): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': service.contentType,
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
  });
  response.end(body);
}
