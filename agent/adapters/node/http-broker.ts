import * as z from 'zod/mini';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { problem } from '#shared/contract/problem.ts';
import { AgentError, type AgentErrorCode } from '../../ports/agent-error.ts';
import type { Broker } from '../../ports/broker.ts';
import { type HttpAnswer, type HttpOptions, parseJson, readText, send } from './http.ts';

export interface HttpBrokerOptions extends HttpOptions {
  /** Address of the API, with or without a path. */
  readonly server: URL;
  /** Bearer secret. */
  readonly secret: string;
}

/** No answer of the API is longer: rules with 10,000 KBs have some 100 kB. Bytes. */
const maxAnswerBytes = 8 * 1024 * 1024;
/** Bound of one lookup in the contract (shared/contract/agent/files.ts). */
const maxDigestsPerLookup = 1000;

/** The broker's API over HTTP, typed by the endpoint table. */
export function createHttpBroker(options: HttpBrokerOptions): Broker {
  const call = <E extends Endpoint>(
    endpoint: E,
    body: RequestOf<E>,
    signal: AbortSignal | undefined,
  ): Promise<ResponseOf<E>> => callEndpoint(options, endpoint, body, signal);
  return {
    getRules: (signal) => call(agentEndpoints.getRules, undefined, signal),
    async lookupFiles(sha1s, signal) {
      const found: FileStatus[] = [];
      for (let from = 0; from < sha1s.length; from += maxDigestsPerLookup) {
        const some = sha1s.slice(from, from + maxDigestsPerLookup);
        const answer = await call(agentEndpoints.lookupFiles, { version: 1, sha1s: some }, signal);
        const bySha1 = new Map(answer.files.map((file) => [file.sha1, file]));
        for (const sha1 of some) {
          const status = bySha1.get(sha1);
          if (status === undefined) {
            throw new AgentError('bad-answer', `the broker did not answer about the file with SHA-1 ${sha1}`);
          }
          found.push(status);
        }
      }
      return found;
    },
    postReport: (report, signal) => call(agentEndpoints.postReport, report, signal),
  };
}

async function callEndpoint<E extends Endpoint>(
  options: HttpBrokerOptions,
  endpoint: E,
  body: RequestOf<E>,
  signal: AbortSignal | undefined,
): Promise<ResponseOf<E>> {
  const where = `${endpoint.method} ${endpoint.path}`;
  const base = options.server.href.replace(/\/$/, '');
  const answer = await send(options, {
    method: endpoint.method,
    signal,
    url: new URL(`${base}${endpoint.path}`),
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${options.secret}`,
      ...(endpoint.request === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(endpoint.request === undefined ? {} : { body: JSON.stringify(z.parse(endpoint.request, body)) }),
  });
  const text = await readText(answer, maxAnswerBytes, where);
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, text, where);
  const parsed = z.safeParse(endpoint.response, parseJson(text));
  if (!parsed.success) {
    throw new AgentError('bad-answer', `${where}: the answer is not as agreed: ${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  return parsed.data as ResponseOf<E>;
}

function codeOf(status: number): AgentErrorCode {
  if (status === 401 || status === 403) return 'refused';
  if (status === 408 || status === 429 || status >= 500) return 'unavailable';
  return status >= 400 ? 'rejected' : 'bad-answer';
}

/** What an answer that is no success means; the broker's problem document (RFC 9457) says why. */
function refusal(answer: HttpAnswer, text: string, where: string): AgentError {
  const parsed = z.safeParse(problem, parseJson(text));
  const said = parsed.success ? `${parsed.data.title}: ${parsed.data.detail}` : text.slice(0, 200);
  return new AgentError(codeOf(answer.status), `${where} answered ${answer.status}${said === '' ? '' : `: ${said}`}`, {
    retryAfterSeconds: answer.retryAfterSeconds,
  });
}
