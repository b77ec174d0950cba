import { describe, expect, it } from 'vitest';
import { at, catalogOf, guid, sha1, unit } from '#test/kit/values.ts';
import type { CatalogUpdate } from './model.ts';
import { earlierOf, unitFactsOf } from './unit-facts.ts';

const leaf = (n: number, more: Partial<CatalogUpdate>) => unit(n, { action: 'bundle', kbs: [], ...more });

describe('the facts of units', () => {
  it('name files once, the leaves in the order of their ids, whatever their RevisionIds', () => {
    const first = leaf(10, { revisionId: 30, bundledBy: [1], payload: [sha1('a'), sha1('b')], reboot: 'can' });
    const second = leaf(11, { revisionId: 20, bundledBy: [1, 2], payload: [sha1('b'), sha1('c')], reboot: 'always' });
    const facts = unitFactsOf(catalogOf([second, first, unit(1, { payload: [] }), unit(2, { payload: [] })]));
    expect(facts.get(guid(1))).toMatchObject({
      files: ['a', 'b', 'c'].map(sha1),
      bytes: 18,
      reboot: 'always',
    });
    expect(facts.get(guid(2))).toMatchObject({ files: ['b', 'c'].map(sha1), bytes: 12 });
    expect([...facts.keys()]).toEqual([guid(1), guid(2)]);
    expect(facts.get(guid(10))).toBeUndefined();
  });

  it('name superseders and superseded with their identities, the newest first', () => {
    const facts = unitFactsOf(
      catalogOf([
        unit(1, { supersededBy: [2, 3] }),
        unit(2, { createdAt: at(5), supersededBy: [3] }),
        unit(3, { revision: 7, createdAt: at(9) }),
      ]),
    );
    expect(facts.get(guid(1))?.supersededBy).toEqual([
      { updateId: guid(3), revision: 7 },
      { updateId: guid(2), revision: 200 },
    ]);
    expect(facts.get(guid(3))?.supersedes.map(({ updateId }) => updateId)).toEqual([guid(2), guid(1)]);
  });

  it('are those of the newest revision, and so are the titles of categories', () => {
    const category = (revisionId: number, revision: number, title: string) =>
      unit(50, { revisionId, revision, title, action: 'evaluate', type: 'category' });
    const categories = { products: [guid(50)], families: [], companies: [] };
    const facts = unitFactsOf(
      catalogOf([
        category(5, 2, 'new name'),
        category(6, 1, 'old name'),
        unit(1, { revisionId: 8, revision: 201, title: 'newer', categories }),
        unit(1, { revisionId: 9, revision: 200, title: 'older' }),
      ]),
    );
    expect(facts.size).toBe(1);
    expect(facts.get(guid(1))).toMatchObject({ title: 'newer', products: [{ id: guid(50), title: 'new name' }] });
  });

  it('say when the UpdateId was first published, in whichever revision', () => {
    const revised = (revisionId: number, revision: number, createdAt: string) =>
      unit(1, { revisionId, revision, createdAt });
    const listed = [revised(1, 201, at(9)), revised(2, 200, at(3)), revised(3, 202, at(20)), unit(4)];
    for (const order of [listed, listed.toReversed()]) {
      const facts = unitFactsOf(catalogOf(order));
      expect(facts.get(guid(1))).toMatchObject({ revision: 202, createdAt: at(20), firstPublishedAt: at(3) });
      expect(facts.get(guid(4))).toMatchObject({ createdAt: at(0), firstPublishedAt: at(0) });
    }
  });

  it.each([
    ['2026-01-02T00:00:00Z', '2026-01-01T23:00:00Z', '2026-01-01T23:00:00Z'],
    ['2026-01-01T23:00:00Z', '2026-01-02T00:00:00Z', '2026-01-01T23:00:00Z'],
    // The same moment keeps its spelling, so that nothing is written anew for it.
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00Z'],
    ['2026-01-01T00:00:00Z', 'in spring', '2026-01-01T00:00:00Z'],
    ['in spring', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
    ['in spring', 'in autumn', 'in spring'],
  ])('of %s and %s the earlier one is %s', (a, b, earlier) => {
    expect(earlierOf(a, b)).toBe(earlier);
  });

  it('stay far below the 400 KB of an item, and say how long the lists are', () => {
    const many = <T>(length: number, make: (n: number) => T): T[] => Array.from({ length }, (_, n) => make(n));
    const long = '€'.repeat(5000);
    const facts = unitFactsOf(
      catalogOf([
        unit(1, {
          title: long,
          kbs: many(900, (n) => String(5_000_000 + n)),
          cves: many(900, () => long),
          bulletins: many(900, () => long),
          payload: many(900, (n) => sha1(`${n}`)),
          supersededBy: many(900, (n) => n + 1000),
          categories: { products: many(900, guid), families: many(900, guid), companies: [] },
        }),
        ...many(900, (n) => unit(n + 1000)),
        ...many(900, (n) => unit(n + 5000, { supersededBy: [1] })),
        ...many(900, (n) => unit(n, { revisionId: n + 9000, action: 'evaluate', title: long })),
      ]),
    ).get(guid(1));
    expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(250_000);
    expect(facts?.totals).toEqual({
      kbs: 900,
      products: 900,
      families: 900,
      bulletins: 900,
      cves: 900,
      supersededBy: 900,
      supersedes: 900,
      files: 900,
    });
    expect(facts?.bytes).toBe(900 * 6);
    expect(facts?.supersededBy).toHaveLength(200);
  });
});
