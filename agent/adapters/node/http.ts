import { type Dispatcher, request } from 'undici';
import { AgentError, type AgentErrorCode } from '../../ports/agent-error.ts';

export interface HttpOptions {
  /** Connections are kept and bounded here; made and closed by the composition root. */
  readonly dispatcher: Dispatcher;
  /** Silence after which a request or a body is given up. Seconds. */
  readonly timeoutSeconds: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Ends the request and the body. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** First value of a header, lower-case name. */
  header(name: string): string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Throws AgentError `cut` or `timeout`; leaving the loop early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends an answer whose body nobody wants: a short one is read to keep the connection, a long one is cut off. */
  discard(): Promise<void>;
}

/** A body up to this length is cheaper to read than a new connection. Bytes. */
const shortBodyBytes = 64 * 1024;

/** What a body may run ahead of its reader: long bodies then come in few and large pieces. Bytes. */
const aheadBytes = 1024 * 1024;

/** One request. Failures of the network become AgentErrors; answers of any status are answers. */
export async function send(options: HttpOptions, asked: HttpRequest): Promise<HttpAnswer> {
  const milliseconds = options.timeoutSeconds * 1000;
  const where = `${asked.method} ${asked.url.origin}${asked.url.pathname}`;
  let response: Dispatcher.ResponseData;
  try {
    response = await request(asked.url, {
      dispatcher: options.dispatcher,
      method: asked.method,
      headers: { ...asked.headers, 'accept-encoding': 'identity' },
      headersTimeout: milliseconds,
      bodyTimeout: milliseconds,
      highWaterMark: aheadBytes,
      ...(asked.body === undefined ? {} : { body: asked.body }),
      ...(asked.signal === undefined ? {} : { signal: asked.signal }),
    });
  } catch (cause) {
    throw networkError('unreachable', where, cause, asked.signal);
  }
  if (response.statusCode === 407) {
    await response.body.dump({ limit: shortBodyBytes });
    throw refusedByProxy(where);
  }
  const header = (name: string): string | undefined => {
    const value = response.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return {
    status: response.statusCode,
    header,
    retryAfterSeconds: parseRetryAfter(header('retry-after'), new Date()),
    body: readBody(response.body, where, asked.signal),
    discard: () => response.body.dump({ limit: shortBodyBytes }),
  };
}

async function* readBody(
  body: Dispatcher.ResponseData['body'],
  where: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (cause) {
    throw networkError('cut', where, cause, signal);
  } finally {
    body.destroy();
  }
}

const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

function networkError(
  code: AgentErrorCode,
  where: string,
  cause: unknown,
  signal: AbortSignal | undefined,
): AgentError {
  // What keeps connections to where they may go says so in our words.
  if (cause instanceof AgentError) return cause;
  if (signal?.aborted) return new AgentError('stopped', `${where}: the agent was asked to stop`, { cause });
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  // Undici says it in words only (lib/dispatcher/proxy-agent.js).
  if (/\(407\)/.test(wordsOf(cause))) return refusedByProxy(where, cause);
  const message = cause instanceof Error && cause.message !== '' ? cause.message : why;
  return new AgentError(timeouts.has(why) ? 'timeout' : code, `${where}: ${message}`, { cause });
}

const wordsOf = (error: unknown): string =>
  error instanceof Error ? `${error.message} ${wordsOf(error.cause)}` : String(error);

const refusedByProxy = (where: string, cause?: unknown): AgentError =>
  new AgentError('proxy', `${where}: the proxy wants other credentials (407)`, { cause });

/**
 * Seconds that a `Retry-After` asks for: a number of seconds or a date (RFC 9110, section 10.2.3). Undefined when it is
 * neither.
 */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now.getTime()) / 1000);
}

/** Text of a body that may have so many bytes. */
export async function readText(answer: HttpAnswer, maxBytes: number, where: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new AgentError('too-long', `${where}: the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON of an answer, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema that the caller applies refuses undefined and says what was expected.
    return undefined;
  }
}
