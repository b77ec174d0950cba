import { describe, expect, it } from 'vitest';
import { at, sha256, tokenOf } from '#test/kit/values.ts';
import type { TokenStore } from './port.ts';

/** What every TokenStore does. `make` gives an empty one. How a use is spent is part of hosts' contract. */
export function tokenStoreContract(name: string, make: () => Promise<TokenStore>): void {
  describe(`${name} keeps enrolment tokens`, () => {
    const digest = sha256('secret');

    it('gives back what it was given, without the secret', async () => {
      const store = await make();
      expect(await store.get(tokenOf(1).tokenId)).toBeUndefined();
      await store.create(tokenOf(1, { note: 'front desk', rootSha256: sha256('root') }), digest);
      const got = await store.get(tokenOf(1).tokenId);
      expect(got).toEqual(tokenOf(1, { note: 'front desk', rootSha256: sha256('root') }));
      expect(JSON.stringify(got)).not.toContain(digest);
    });

    it('keeps the first of two with one id', async () => {
      const store = await make();
      await store.create(tokenOf(1), digest);
      await expect(store.create(tokenOf(1, { group: 'others' }), digest)).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.get(tokenOf(1).tokenId)).toEqual(tokenOf(1));
    });

    it('lists all once over pages', async () => {
      const store = await make();
      const all = Array.from({ length: 7 }, (_, n) => tokenOf(n));
      for (const token of all) await store.create(token, digest);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ cursor, limit: 3 });
        expect(page.items.length).toBeLessThanOrEqual(3);
        expect(page.unreadable).toEqual([]);
        expect(JSON.stringify(page)).not.toContain(digest);
        seen.push(...page.items.map(({ tokenId }) => tokenId));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen.sort()).toEqual(all.map(({ tokenId }) => tokenId).sort());
    });

    it('refuses a cursor that it did not give out', async () => {
      const store = await make();
      for (const cursor of ['', '!', 'eyJhIjoxfQ'])
        await expect(store.list({ cursor, limit: 3 })).rejects.toMatchObject({ name: 'StoreError', code: 'refused' });
    });

    it('revokes once: the first time stays', async () => {
      const store = await make();
      await store.create(tokenOf(1), digest);
      expect(await store.revoke(tokenOf(1).tokenId, at(5))).toBe(true);
      expect(await store.revoke(tokenOf(1).tokenId, at(6))).toBe(true);
      expect(await store.get(tokenOf(1).tokenId)).toEqual(tokenOf(1, { revokedAt: at(5) }));
      expect(await store.revoke(tokenOf(2).tokenId, at(6))).toBe(false);
      expect(await store.get(tokenOf(2).tokenId)).toBeUndefined();
    });
  });
}
