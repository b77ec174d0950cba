/**
 * The endpoint of the Lambda service: Invoke.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { splitTarget } from '#local/servers/http.ts';
import { sha256Hex, verifySigV4 } from '#local/servers/sigv4.ts';
import type { Authorize, SecretOf } from '#local/types.ts';
import { readToEnd } from '../body.ts';
import type { Functions } from './functions.ts';
import { maximumPayloadBytes } from './sandbox.ts';

/** Largest event of an asynchronous invocation: 1 MB. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const maximumEventBytes = 1024 * 1024;

export interface LambdaServiceOptions {
  readonly region: string;
  readonly authorize: Authorize;
  readonly secretOf: SecretOf;
  readonly functions: Functions;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const error = (status: number, type: string, message: string): Reply => ({
  status,
  body: JSON.stringify({ Type: status < 500 ? 'User' : 'Service', Message: message, message }),
  headers: { 'x-amzn-errortype': type },
});

/** An HTTP server for the service; the caller makes it listen. */
export function createLambdaServer(options: LambdaServiceOptions): Server {
  return createServer((request, response) => {
    // A caller that goes away while it waits does not end the invocation, as on AWS.
    void answer(options, request).then((reply) => {
      if (reply !== undefined) send(response, reply);
    });
  });
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
    ...headers,
  });
  response.end(body);
}

async function answer(options: LambdaServiceOptions, request: IncomingMessage): Promise<Reply | undefined> {
  const read = await readToEnd(request, maximumPayloadBytes);
  if (read.kind === 'broken') return undefined;
  if (read.kind === 'too-large') {
    return error(413, 'RequestTooLargeException', `Request must be smaller than ${maximumPayloadBytes} bytes`);
  }
  const body = read.bytes;
  const target = splitTarget(request.url ?? '/');
  const method = request.method ?? 'GET';
  const verified = verifySigV4({ method, ...target, headers: request.headers }, sha256Hex(body), options.secretOf, {
    region: options.region,
    service: 'lambda',
    now: new Date(),
  });
  if (!verified.ok) {
    const type = verified.reason === 'unknown-key' ? 'UnrecognizedClientException' : 'InvalidSignatureException';
    return error(403, type, verified.message);
  }
  const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(target.path)?.[1];
  if (method !== 'POST' || name === undefined) {
    return error(404, 'UnknownOperationException', `The local Lambda models Invoke only, not ${method} ${target.path}`);
  }
  return invoke(options, decodeURIComponent(name), verified.accessKeyId, body, request);
}

async function invoke(
  { authorize, functions }: LambdaServiceOptions,
  name: string,
  accessKeyId: string,
  body: Buffer,
  request: IncomingMessage,
): Promise<Reply> {
  const runner = functions.find(name);
  const decision = authorize({ accessKeyId, action: 'lambda:InvokeFunction', resource: runner?.arn ?? name });
  if (!decision.allowed) return error(403, 'AccessDeniedException', decision.message);
  if (runner === undefined) return error(404, 'ResourceNotFoundException', `Function not found: ${name}`);
  if (!runner.mayRun) return error(429, 'TooManyRequestsException', 'Rate Exceeded.');
  const payload = body.length === 0 ? '{}' : body.toString('utf8');
  if (!isJson(payload)) return error(400, 'InvalidRequestContentException', 'Could not parse request body into json.');
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  switch (type) {
    case 'DryRun':
      return { status: 204, body: '' };
    case 'Event':
      if (body.length > maximumEventBytes) {
        return error(413, 'RequestTooLargeException', `Request must be smaller than ${maximumEventBytes} bytes`);
      }
      functions.accept(runner, payload);
      return { status: 202, body: '' };
    case 'RequestResponse': {
      const outcome = await runner.invoke(payload);
      const executed = { 'x-amz-executed-version': '$LATEST' };
      if (outcome.ok) return { status: 200, body: outcome.payload, headers: executed };
      return { status: 200, body: outcome.payload, headers: { ...executed, 'x-amz-function-error': 'Unhandled' } };
    }
    default:
      return error(400, 'InvalidParameterValueException', `InvocationType ${String(type)} is not modelled`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Asked only whether it is; the caller's answer says that it is not.
    return false;
  }
}
