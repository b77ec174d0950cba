import { buildKey, type RepositoryKey } from '#shared/contract/keys.ts';
import { AgentError } from '../../ports/agent-error.ts';
import type { BodyAnswer, Repository, Resume } from '../../ports/repository.ts';
import { type HttpAnswer, type HttpOptions, send } from './http.ts';

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
      const answer = await get(
        key,
        resume === undefined ? {} : { range: `bytes=${resume.from}-`, 'if-range': resume.etag },
        signal,
      );
      // The range begins after the end: what is here is no beginning of the object, so the whole is asked for.
      if (answer.status === 416 && resume !== undefined) {
        await answer.discard();
        return this.open(key, undefined, signal);
      }
      return describe(answer, key, resume);
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

async function describe(answer: HttpAnswer, key: RepositoryKey, resume: Resume | undefined): Promise<BodyAnswer> {
  const etag = strongEtag(answer.header('etag'));
  const common = { body: answer.body, discard: answer.discard, ...(etag === undefined ? {} : { etag }) };
  if (answer.status === 200) {
    const length = answer.header('content-length');
    return { ...common, from: 0, ...(length === undefined ? {} : { totalBytes: Number(length) }) };
  }
  if (answer.status !== 206) throw await refusal(answer, key);
  // RFC 9110, section 14.4: `bytes 5-9/10`, or `bytes 5-9/*` when the length is not known.
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
  if (resume === undefined || match === null) {
    await answer.discard();
    throw new AgentError(
      'bad-answer',
      resume === undefined
        ? `${buildKey(key)}: a range was answered though none was asked for`
        : `${buildKey(key)}: Content-Range is ${JSON.stringify(answer.header('content-range'))}, allowed is bytes FIRST-LAST/TOTAL`,
    );
  }
  return { ...common, from: Number(match[1]), ...(match[3] === '*' ? {} : { totalBytes: Number(match[3]) }) };
}

/** If-Range takes strong ETags only (RFC 9110, section 13.1.5). */
const strongEtag = (etag: string | undefined): string | undefined => (etag?.startsWith('"') ? etag : undefined);

async function refusal(answer: HttpAnswer, key: RepositoryKey): Promise<AgentError> {
  await answer.discard();
  const { status, retryAfterSeconds } = answer;
  const message = `${buildKey(key)}: the repository answered ${status}`;
  // 403: cookies that have ended, or, of a private bucket behind a CDN, an object that is not there (S3, GetObject without
  // s3:ListBucket). Whoever has fresh cookies knows which.
  if (status === 401 || status === 403) return new AgentError('refused', message);
  if (status === 404) return new AgentError('not-found', message);
  const later = status === 408 || status === 429 || status >= 500;
  return new AgentError(later ? 'unavailable' : 'bad-answer', message, { retryAfterSeconds });
}
