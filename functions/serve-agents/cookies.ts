import type { RepositoryCookies } from '#shared/contract/agent/check-in.ts';
import type { AgentPorts } from './ports.ts';

/** After a failure nobody asks for so long: each host would wait for Secrets Manager, and each call costs. */
const backOffMilliseconds = 30_000;

/**
 * Cookies of the repository, or none while they cannot be signed: rules, commands and reports do not depend on them, and a
 * host goes on with the cookies that it has.
 *
 * @returns what gives them at a time
 */
export function cookiesOrNone({
  cookies,
  onNoCookies,
}: Pick<AgentPorts, 'cookies' | 'onNoCookies'>): (at: Date) => Promise<RepositoryCookies | undefined> {
  let failedAt = Number.NEGATIVE_INFINITY;
  return async (at) => {
    if (at.getTime() - failedAt < backOffMilliseconds) {
      onNoCookies({});
      return undefined;
    }
    try {
      return await cookies.issue(at);
    } catch (error) {
      failedAt = at.getTime();
      onNoCookies({ error });
      return undefined;
    }
  };
}
