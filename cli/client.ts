import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { fillPath } from '#shared/contract/path.ts';
import { problem } from '#shared/contract/problem.ts';
import { CliError, type CliErrorCode } from './cli-error.ts';
import type { Settings } from './settings.ts';

interface CallOptions<E extends Endpoint> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: RequestOf<E>;
}

/** Calls the operators' API. Answers are parsed; a problem document becomes a {@link CliError}. */
export type OperatorClient = <E extends Endpoint>(endpoint: E, options?: CallOptions<E>) => Promise<ResponseOf<E>>;

/** The API's own limit is 30 seconds; past it nothing will come. */
const timeoutMilliseconds = 35_000;

/** A client that signs each request as IAM asks (Signature Version 4, service `execute-api`). */
export function createOperatorClient(settings: Settings): OperatorClient {
  const signer = new SignatureV4({
    service: 'execute-api',
    region: settings.region,
    credentials: settings.credentials,
    sha256: Sha256,
  });
  return async (endpoint, options = {}) => {
    const url = new URL(fillPath(endpoint.path, options.params, options.query), settings.apiUrl);
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    await findCredentials(settings);
    const response = await send(signer, endpoint.method, url, body);
    const text = await response.text();
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

/** The signer would ask for them as well, and what fails then looks like a broker that does not answer. */
async function findCredentials({ credentials, apiUrl }: Settings): Promise<void> {
  try {
    await credentials();
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      'usage',
      `no AWS credentials found for ${apiUrl.origin}: ${words}; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
      { cause },
    );
  }
}

async function send(signer: SignatureV4, method: string, url: URL, body: string | undefined): Promise<Response> {
  const query: Record<string, string> = Object.fromEntries(url.searchParams);
  try {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query,
      headers: { host: url.host, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
    });
    return await fetch(url, {
      method,
      headers: signed.headers,
      signal: AbortSignal.timeout(timeoutMilliseconds),
      ...(body === undefined ? {} : { body }),
    });
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

const isLoopback = ({ hostname }: URL): boolean => /^(127\.[\d.]+|localhost|\[::1\])$/.test(hostname);

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
  return new CliError(code, code === 'unauthenticated' ? `${url.origin} does not let us in: ${words}` : words);
}
