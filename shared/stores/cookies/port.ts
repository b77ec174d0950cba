import type { RepositoryCookies } from '../../contract/agent/check-in.ts';

/** Makes the cookies with which enrolled hosts read the repository. */
export interface CookieIssuer {
  /** Cookies that are good for some hours; the same ones for some minutes, since they do not name a host. */
  issue(now: Date): Promise<RepositoryCookies>;
}
