import { describe, expect, it } from 'vitest';
import type { CookieIssuer } from './port.ts';

/** What every CookieIssuer does. `make` gives one that issued nothing yet. */
export function cookieIssuerContract(name: string, make: () => Promise<CookieIssuer>): void {
  describe(`${name} issues cookies`, () => {
    const start = Date.parse('2026-07-14T12:00:00Z');
    const minutes = (count: number): Date => new Date(start + count * 60_000);

    it('that are good for some hours', async () => {
      const { values, expiresAt } = await (await make()).issue(minutes(0));
      expect(Object.keys(values)).not.toEqual([]);
      expect(Date.parse(expiresAt)).toBeGreaterThan(minutes(4 * 60).getTime());
      expect(Date.parse(expiresAt)).toBeLessThanOrEqual(minutes(12 * 60).getTime());
    });

    it('that stay the same for some minutes, and no longer', async () => {
      const issuer = await make();
      const first = await issuer.issue(minutes(0));
      expect(await issuer.issue(minutes(9))).toEqual(first);
      const later = await issuer.issue(minutes(60));
      expect(later).not.toEqual(first);
      expect(Date.parse(later.expiresAt)).toBeGreaterThan(Date.parse(first.expiresAt));
    });
  });
}
