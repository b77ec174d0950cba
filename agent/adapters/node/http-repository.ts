import { buildKey, type RepositoryKey } from '#shared/contract/keys.ts';
import { AgentError } from '../../ports/agent-error.ts';
import type { BodyAnswer, Repository } from '../../ports/repository.ts';
import { type HttpAnswer, type HttpOptions, send } from './http.ts';
import { describeObject, isLater, isPastTheEnd, resumeHeaders } from './object-answer.ts';

export interface HttpRepositoryOptions extends HttpOptions {
  /** Address of the CDN, with or without a path. */
  readonly repository: URL;
  /** Cookies that open it, by name; asked at each request. They go to this address only: redirects are not followed. */
  readonly cookies: () => Promise<Readonly<Record<string, string>> | undefined>;
}

/** The repository over HTTP. */
export function createHttpRepository(options: HttpRepositoryOptions): Repository {
  const base = options.repository.href.replace(/\/$/, '');
  const get = async (
    key: RepositoryKey,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> => {
    const url = new URL(`${base}/${buildKey(key)}`);
    const cookie = cookieHeader((await options.cookies()) ?? {});
    return send(options, {
      method: 'GET',
      url,
      headers: { ...headers, ...(cookie !== '' && { cookie }) },
      signal,
    });
  };
  return {
    async open(key, resume, signal): Promise<BodyAnswer> {
      const answer = await get(key, resumeHeaders(resume), signal);
      if (isPastTheEnd(answer, resume)) {
        await answer.discard();
        return this.open(key, undefined, signal);
      }
      return describeObject(answer, buildKey(key), resume, (refused) => refusal(refused, key));
    },
  };
}

/**
 * The header Cookie (RFC 6265, section 4.2.1).
 *
 * @throws AgentError `bad-answer` for what does not fit into it
 */
export function cookieHeader(cookies: Readonly<Record<string, string>>): string {
  for (const [name, value] of Object.entries(cookies)) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(value)) continue;
    throw new AgentError('bad-answer', `the broker gave a cookie ${JSON.stringify(name)} that is none (RFC 6265)`);
  }
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}

function refusal({ status, retryAfterSeconds }: HttpAnswer, key: RepositoryKey): AgentError {
  const message = `${buildKey(key)}: the repository answered ${status}`;
  // 403: cookies that have ended, or, of a private bucket behind a CDN, an object that is not there (S3, GetObject without
  // s3:ListBucket). Whoever has fresh cookies knows which.
  if (status === 401 || status === 403) return new AgentError('refused', message);
  if (status === 404) return new AgentError('not-found', message);
  return new AgentError(isLater(status) ? 'unavailable' : 'bad-answer', message, { retryAfterSeconds });
}
