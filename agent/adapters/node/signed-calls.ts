import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import * as z from 'zod/mini';
import type { Endpoint, RequestOf, ResponseOf } from '#shared/contract/endpoint.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { type Problem, type ProblemCode, problem } from '#shared/contract/problem.ts';
import { AgentError, type AgentErrorCode } from '../../ports/agent-error.ts';
import { type HttpAnswer, type HttpOptions, parseJson, readText, send } from './http.ts';
import type { Proofs } from './proofs.ts';

export interface SignedCallOptions extends HttpOptions {
  /** Address of the API, with or without a path. */
  readonly server: URL;
  readonly proofs: Proofs;
}

/** No answer of the API is longer: rules with 10,000 KBs have some 100 kB. Bytes. */
const maxAnswerBytes = 8 * 1024 * 1024;
/** Shorter bodies are sent as they are: gzip would save less than a packet. Bytes. */
const gzipFromBytes = 1024;
const compress = promisify(gzip);

/**
 * One call of a row of the endpoint table, proved with the host's key. When the broker's clock is another, or it saw a
 * later sequence number, the call is proved anew and repeated, once for each of the two.
 *
 * @throws AgentError
 */
export async function callSigned<E extends Endpoint & { readonly request: z.ZodMiniType }>(
  options: SignedCallOptions,
  endpoint: E,
  request: RequestOf<E>,
  signal: AbortSignal | undefined,
): Promise<ResponseOf<E>> {
  const where = `${endpoint.method} ${endpoint.path}`;
  const url = new URL(`${options.server.href.replace(/\/$/, '')}${endpoint.path}`);
  const plain = Buffer.from(JSON.stringify(z.parse(endpoint.request, request)));
  const compressed = plain.byteLength >= gzipFromBytes;
  const body = compressed ? await compress(plain) : plain;
  for (const mended = new Set<ProblemCode>(); ; ) {
    const proof = await options.proofs.prove({ method: endpoint.method, path: url.pathname, body });
    const answer = await send(options, {
      method: endpoint.method,
      signal,
      url,
      body,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${proof}`,
        'content-type': 'application/json',
        ...(compressed && { 'content-encoding': 'gzip' }),
      },
    });
    const text = await readText(answer, maxAnswerBytes, where);
    if (answer.status >= 200 && answer.status <= 299) return parseAnswer(endpoint, text, where);
    const said = z.safeParse(problem, parseJson(text));
    if (said.success && !mended.has(said.data.code) && (await mend(options.proofs, said.data))) {
      mended.add(said.data.code);
      continue;
    }
    throw refusal(answer, said.success ? said.data : undefined, text, where);
  }
}

function parseAnswer<E extends Endpoint>(endpoint: E, text: string, where: string): ResponseOf<E> {
  const parsed = parseInWords(endpoint.response, parseJson(text));
  if (parsed.success) return parsed.data as ResponseOf<E>;
  throw new AgentError('bad-answer', `${where}: the answer is not as agreed: ${inOneLine(parsed.faults)}`, {
    cause: parsed.error,
  });
}

/** True when the next proof will do what this one did not. */
async function mend(proofs: Proofs, { code, serverTime, lastSequence }: Problem): Promise<boolean> {
  if (code === 'clock-skew' && serverTime !== undefined && !Number.isNaN(Date.parse(serverTime))) {
    proofs.setTime(new Date(serverTime));
    return true;
  }
  if (code === 'replayed' && lastSequence !== undefined) {
    await proofs.goOnAfter(lastSequence);
    return true;
  }
  return false;
}

const codeOfProblem: Partial<Record<ProblemCode, AgentErrorCode>> = {
  revoked: 'revoked',
  cloned: 'cloned',
  'unknown-base': 'unknown-base',
  throttled: 'unavailable',
};

function codeOfStatus(status: number): AgentErrorCode {
  if (status === 401 || status === 403) return 'refused';
  if (status === 408 || status === 429 || status >= 500) return 'unavailable';
  return status >= 400 ? 'rejected' : 'bad-answer';
}

/** What an answer that is no success means; the broker's problem document (RFC 9457) says why. */
function refusal(answer: HttpAnswer, said: Problem | undefined, text: string, where: string): AgentError {
  const words = said === undefined ? text.slice(0, 200) : `${said.title}: ${said.detail}`;
  return new AgentError(
    (said && codeOfProblem[said.code]) ?? codeOfStatus(answer.status),
    `${where} answered ${answer.status}${words === '' ? '' : `: ${words}`}`,
    { retryAfterSeconds: answer.retryAfterSeconds ?? said?.retryAfterSeconds, problem: said?.code },
  );
}
