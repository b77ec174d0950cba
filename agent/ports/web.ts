import type { BodyAnswer, Resume } from './repository.ts';

/** An answer that only names another address, as the server spelt it. */
interface Elsewhere {
  readonly location: string;
}

/**
 * Servers that are not the broker's, such as Microsoft's. Who asks decides which addresses may be contacted, also after a
 * redirect: none is followed here. Nothing of this host travels along.
 */
export interface Web {
  /**
   * Throws AgentError: `not-found` also for what is not given to everybody, `stopped` when the signal ends it. The signal
   * also ends the body.
   */
  open(url: URL, resume?: Resume, signal?: AbortSignal): Promise<BodyAnswer | Elsewhere>;
}
