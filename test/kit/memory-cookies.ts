/** The issuer of cookies without a key, for tests of use cases. It passes the same contract suite as the AWS adapter. */
import type { RepositoryCookies } from '#shared/contract/agent/check-in.ts';
import type { CookieIssuer } from '#shared/stores/cookies/port.ts';

const reissueMilliseconds = 600_000;
const lifeMilliseconds = 8 * 3_600_000;

export class MemoryCookieIssuer implements CookieIssuer {
  /** How often cookies were made. */
  made = 0;
  #last: { readonly at: number; readonly cookies: RepositoryCookies } | undefined;

  async issue(now: Date): Promise<RepositoryCookies> {
    const at = now.getTime();
    if (this.#last === undefined || at - this.#last.at >= reissueMilliseconds) {
      this.made += 1;
      const expiresAt = new Date(at + lifeMilliseconds).toISOString();
      this.#last = { at, cookies: { values: { 'CloudFront-Policy': `until ${expiresAt}` }, expiresAt } };
    }
    return structuredClone(this.#last.cookies);
  }
}
