import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { fillPath } from '#shared/contract/path.ts';
import { problem } from '#shared/contract/problem.ts';
import { CliError, type CliErrorCode } from './cli-error.ts';
import { isLoopback } from './open-id.ts';
import type { Settings } from './settings.ts';

interface CallOptions<E extends Endpoint> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: RequestOf<E>;
}

/** Calls the operators' API. Answers are parsed; a problem document becomes a {@link CliError}. */
export type OperatorClient = <E extends Endpoint>(endpoint: E, options?: CallOptions<E>) => Promise<ResponseOf<E>>;

export interface ClientOptions {
  /** @default - time */
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
  /** For one answer. @default 35,000: the API's own limit is 30 seconds, and past it nothing will come */
  readonly timeoutMilliseconds?: number;
}

/** How often a call that came too soon is made again, and how long it waits at most for each. */
const maxWaits = 3;
const maxWaitSeconds = 61;

/**
 * A client that sends an access token. A token that is refused is renewed once; a call that came too soon waits as it is
 * told. Each call that changes something has an idempotency key of its own, so that made again it changes nothing twice.
 */
export function createOperatorClient(
  settings: Pick<Settings, 'apiUrl' | 'accessToken'>,
  options: ClientOptions = {},
): OperatorClient {
  const { sleep = (milliseconds) => wait(milliseconds), timeoutMilliseconds = 35_000 } = options;
  return async (endpoint, call = {}) => {
    const url = new URL(fillPath(endpoint.path, call.params, call.query), settings.apiUrl);
    const response = await ask(settings, { sleep, timeoutMilliseconds }, url, endpoint.method, call.body);
    const text = await response.text().catch((cause: unknown) => {
      throw new CliError('unreachable', `the answer of ${url.origin} broke off: ${causeOf(cause)}`, { cause });
    });
    const answer = parseJson(text, response.status, url);
    if (!response.ok) throw problemError(answer, response.status, url);
    const parsed = parseInWords(endpoint.response, answer);
    if (!parsed.success) {
      throw new CliError(
        'bad-answer',
        `${url.origin} answered in a form this version does not know: ${inOneLine(parsed.faults)}`,
      );
    }
    return parsed.data as ResponseOf<typeof endpoint>;
  };
}

async function ask(
  { accessToken }: Pick<Settings, 'accessToken'>,
  { sleep, timeoutMilliseconds }: Required<ClientOptions>,
  url: URL,
  method: string,
  body: unknown,
): Promise<Response> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(text !== undefined && { 'content-type': 'application/json' }),
    ...(method !== 'GET' && { 'idempotency-key': randomUUID() }),
  };
  let token = await accessToken();
  let isRenewed = false;
  for (let waits = 0; ; ) {
    const response = await send(url, {
      method,
      headers: { ...headers, authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMilliseconds),
      ...(text === undefined ? {} : { body: text }),
    });
    if (response.status === 401 && !isRenewed) {
      isRenewed = true;
      const renewed = await accessToken(token);
      if (renewed === token) return response;
      await response.body?.cancel();
      token = renewed;
    } else if (response.status === 429 && waits < maxWaits) {
      const seconds = retryAfterSeconds(response);
      if (seconds === undefined || seconds > maxWaitSeconds) return response;
      waits += 1;
      // Before the wait: its time limit would end the answer meanwhile.
      await response.body?.cancel();
      await sleep(seconds * 1000);
    } else return response;
  }
}

/** Seconds of the header; a date in it is not understood, because the broker sends none. */
function retryAfterSeconds({ headers }: Response): number | undefined {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

async function send(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (cause) {
    const hint = isRefused(cause) && isLoopback(url) ? '; is "npm start" running?' : '';
    throw new CliError('unreachable', `no answer from ${url.origin}: ${causeOf(cause)}${hint}`, { cause });
  }
}

const isRefused = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === 'ECONNREFUSED';

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}

function parseJson(text: string, status: number, url: URL): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError('bad-answer', `${url.origin} answered ${status} with something that is not JSON`, { cause });
  }
}

function problemError(answer: unknown, status: number, url: URL): CliError {
  const parsed = z.safeParse(problem, answer);
  const code: CliErrorCode =
    status === 401 || status === 403
      ? 'unauthenticated'
      : status === 404
        ? 'not-found'
        : status === 409
          ? 'conflict'
          : status >= 500
            ? 'unreachable'
            : 'refused';
  const words = parsed.success ? `${parsed.data.title}: ${parsed.data.detail}` : `status ${status}`;
  if (status === 401) return new CliError(code, `${url.origin} does not let us in: ${words}; run "kbroker login"`);
  return new CliError(code, status === 403 ? `${url.origin} does not let us do this: ${words}` : words);
}
