import { AgentError } from '../../ports/agent-error.ts';
import type { Web } from '../../ports/web.ts';
import { type HttpAnswer, type HttpOptions, send } from './http.ts';
import { describeObject, isLater, isPastTheEnd, resumeHeaders } from './object-answer.ts';

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Servers of the open web by HTTP. */
export const createHttpWeb = (options: HttpOptions): Web => ({
  async open(url, resume, signal) {
    const answer = await send(options, { method: 'GET', url, headers: resumeHeaders(resume), signal });
    if (isPastTheEnd(answer, resume)) {
      await answer.discard();
      return this.open(url, undefined, signal);
    }
    const location = answer.header('location');
    if (redirects.has(answer.status) && location !== undefined) {
      await answer.discard();
      return { location };
    }
    return describeObject(answer, nameOf(url), resume, (refused) => refusal(refused, url));
  },
});

/** Without the query, which may be a signature. */
const nameOf = (url: URL): string => `${url.origin}${url.pathname}`;

function refusal({ status, retryAfterSeconds }: HttpAnswer, url: URL): AgentError {
  const message = `${nameOf(url)} answered ${status}`;
  if ([401, 403, 404, 410].includes(status)) return new AgentError('not-found', message);
  return new AgentError(isLater(status) ? 'unavailable' : 'bad-answer', message, { retryAfterSeconds });
}
