import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import { noRules, type RuleBook } from '../../contract/rules.ts';
import type { RuleStore, RulesRevision } from './port.ts';

const bookOf = (...kbs: readonly string[]): RuleBook => ({
  packages: [{ name: 'pilot', priority: 0, rules: [{ effect: 'allow', when: { kbs: [...kbs] } }] }],
  assignments: { groups: { pilots: ['pilot'] }, hosts: { 'pc-1': ['pilot'] } },
});

/** What every RuleStore does. `make` gives one that nobody wrote to. */
export function ruleStoreContract(name: string, make: () => Promise<RuleStore>): void {
  describe(`${name} keeps rules`, () => {
    const by = (seconds: number) => ({ changedAt: at(seconds), changedBy: `ada-${seconds}@example.org` });
    const conflict = { name: 'StoreError', code: 'conflict' };

    it('allows nothing until somebody writes rules', async () => {
      const store = await make();
      expect(await store.get()).toEqual(noRules);
      expect(await store.getIfNewer(0)).toBeUndefined();
      expect(await store.revisions({ limit: 10 })).toEqual({ items: [], unreadable: [] });
    });

    it('counts revisions, and refuses a change of rules that are not in force any more', async () => {
      const store = await make();
      const first = { version: 2, revision: 1, ...by(1), book: bookOf('5000001') };
      expect(await store.put({ book: first.book, ...by(1) }, 0)).toEqual(first);
      await expect(store.put({ book: noRules.book, ...by(2) }, 0)).rejects.toMatchObject(conflict);
      expect(await store.get()).toEqual(first);
      const second = { version: 2, revision: 2, ...by(2), book: bookOf('5000002') };
      expect(await store.put({ book: second.book, ...by(2) }, 1)).toEqual(second);
      for (const wrong of [0, 1, 7])
        await expect(store.put({ book: noRules.book, ...by(3) }, wrong)).rejects.toMatchObject(conflict);
      expect(await store.get()).toEqual(second);
      expect((await store.revisions({ limit: 10 })).items).toHaveLength(2);
    });

    it('a change before there is any must not claim a revision', async () => {
      const store = await make();
      await expect(store.put({ book: noRules.book, ...by(1) }, 3)).rejects.toMatchObject(conflict);
      expect(await store.revisions({ limit: 10 })).toEqual({ items: [], unreadable: [] });
      expect(await store.revision(4)).toBeUndefined();
    });

    it('of two changes at once one wins', async () => {
      const store = await make();
      const books = [bookOf('5000001'), bookOf('5000002')];
      const results = await Promise.allSettled(books.map((book, n) => store.put({ book, ...by(n) }, 0)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const winner = results.findIndex(({ status }) => status === 'fulfilled');
      expect(await store.get()).toMatchObject({ revision: 1, book: books[winner] });
      expect((await store.revisions({ limit: 10 })).items).toEqual([{ revision: 1, ...by(winner) }]);
    });

    it('says whether other rules are in force than somebody has', async () => {
      const store = await make();
      await store.put({ book: bookOf('5000001'), ...by(1) }, 0);
      expect(await store.getIfNewer(0)).toEqual(await store.get());
      expect(await store.getIfNewer(1)).toBeUndefined();
      // Of a table that was put back to an earlier time.
      expect(await store.getIfNewer(8)).toMatchObject({ revision: 1 });
    });

    it('keeps every revision, and lists who made them, the newest first', async () => {
      const store = await make();
      const count = 12;
      for (let n = 1; n <= count; n += 1) await store.put({ book: bookOf(`50000${n + 10}`), ...by(n) }, n - 1);
      const seen: RulesRevision[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.revisions({ cursor, limit: 5 });
        expect(page.items.length).toBeLessThanOrEqual(5);
        seen.push(...page.items);
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual(Array.from({ length: count }, (_, n) => ({ revision: count - n, ...by(count - n) })));
      for (const n of [1, 9, 10, count])
        expect(await store.revision(n)).toEqual({
          version: 2,
          revision: n,
          ...by(n),
          book: bookOf(`50000${n + 10}`),
        });
      expect(await store.revision(0)).toEqual(noRules);
      expect(await store.revision(count + 1)).toBeUndefined();
    });

    it('keeps why a revision was written', async () => {
      const store = await make();
      const why = { ...by(1), comment: 'see ticket 17' };
      const written = { version: 2, revision: 1, ...by(1), comment: why.comment, book: bookOf('5000001') };
      expect(await store.put({ book: written.book, ...why }, 0)).toEqual(written);
      await store.put({ book: bookOf('5000002'), ...by(2) }, 1);
      expect(await store.revision(1)).toEqual(written);
      expect(await store.get()).not.toHaveProperty('comment');
      expect((await store.revisions({ limit: 10 })).items).toEqual([
        { revision: 2, ...by(2) },
        { revision: 1, ...why },
      ]);
    });

    it('keeps what administrators signed beside the revision that it is for', async () => {
      const store = await make();
      expect(await store.signed(0)).toBeUndefined();
      await store.putSigned(0, 'signed by ada');
      await store.putSigned(0, 'signed by bob');
      expect(await store.signed(0)).toBe('signed by bob');
      await store.put({ book: bookOf('5000001'), ...by(1) }, 0);
      expect(await store.signed(1)).toBeUndefined();
      await store.put({ book: bookOf('5000002'), ...by(2), signed: 'signed ü' }, 1);
      expect(await store.signed(2)).toBe('signed ü');
      await expect(store.put({ book: bookOf('5000003'), ...by(3), signed: 'late' }, 1)).rejects.toMatchObject(conflict);
      expect(await store.signed(2)).toBe('signed ü');
      expect((await store.revisions({ limit: 10 })).items).toHaveLength(2);
      const noise = Array.from({ length: 9_000 }, (_, n) => createHash('sha512').update(`${n}`).digest('base64')).join(
        '',
      );
      await expect(store.putSigned(2, noise)).rejects.toMatchObject({ code: 'refused' });
    });

    it('refuses cursors that its list did not give out', async () => {
      const refused = { name: 'StoreError', code: 'refused' };
      await expect((await make()).revisions({ cursor: 'made up', limit: 5 })).rejects.toMatchObject(refused);
    });

    it('refuses in words what is too large, and keeps what it has', async () => {
      const store = await make();
      await store.put({ book: bookOf('5000001'), ...by(1) }, 0);
      const noise = (n: number): string => createHash('sha512').update(`${n}`).digest('base64').repeat(11);
      const withComments = (count: number, comment: (n: number) => string): RuleBook => ({
        packages: [
          {
            name: 'large',
            priority: 0,
            rules: Array.from({ length: count }, (_, n) => ({
              effect: 'hold',
              when: { kbs: ['5000001'] },
              comment: comment(n),
            })),
          },
        ],
        assignments: { groups: {}, hosts: {} },
      });
      const refused = (message: RegExp) => ({ code: 'refused', message: expect.stringMatching(message) });
      const packed = withComments(9_000, (n) => noise(n).slice(0, 80));
      await expect(store.put({ book: packed, ...by(2) }, 1)).rejects.toMatchObject(
        refused(/the rules have \d+ bytes gzipped, at most \d+ are kept/),
      );
      const long = withComments(9_000, () => 'x'.repeat(1000));
      await expect(store.put({ book: long, ...by(2) }, 1)).rejects.toMatchObject(
        refused(/the rules have \d+ bytes as JSON, at most \d+ are kept/),
      );
      // An answer carries its body as a text, in which each of these takes four bytes.
      const quotes = withComments(2_000, () => '"'.repeat(1000));
      await expect(store.put({ book: quotes, ...by(2) }, 1)).rejects.toMatchObject(
        refused(/the rules have \d+ bytes as JSON, at most \d+ are kept/),
      );
      expect(await store.get()).toMatchObject({ revision: 1 });
      const large = withComments(4_000, () => 'x'.repeat(1000));
      expect(await store.put({ book: large, ...by(2) }, 1)).toMatchObject({ revision: 2 });
      expect((await store.get()).book).toEqual(large);
    });
  });
}
