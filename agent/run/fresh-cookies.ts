import { AgentError } from '../ports/agent-error.ts';
import type { Repository } from '../ports/repository.ts';

/**
 * The repository with cookies that are renewed when it refuses them: then once more. What is refused with fresh cookies,
 * too, is not there.
 *
 * @param renew gets fresh cookies; false when those at hand are fresh already, or there are none
 */
export function withFreshCookies(repository: Repository, renew: () => Promise<boolean>): Repository {
  const attempt = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (!(await renew())) throw notThere(error);
    }
    try {
      return await call();
    } catch (error) {
      throw isRefusal(error) ? notThere(error) : error;
    }
  };
  return {
    open: (key, resume, signal) => attempt(() => repository.open(key, resume, signal)),
  };
}

const isRefusal = (error: unknown): error is AgentError => error instanceof AgentError && error.code === 'refused';

const notThere = (error: AgentError): AgentError => new AgentError('not-found', error.message, { cause: error });
