import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, catalogOf, guid, unit } from '#test/kit/values.ts';
import {
  filesDiffering,
  kbsDiffering,
  mergeFile,
  mergeUnit,
  mergeUnitsOfKb,
  type UnitsOfKb,
  unitsDiffering,
} from './diff-facts.ts';
import type { CatalogUpdate, PayloadFile } from './model.ts';
import { type StoredUnit, type UnitFacts, unitFactsOf } from './unit-facts.ts';

const optional = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
/** A file of which a publication says more or less. */
const files: fc.Arbitrary<PayloadFile> = fc
  .record({
    sha256: optional(['s', 't']),
    name: optional(['a', 'b']),
    size: optional([1, 2]),
    url: optional(['u', 'v']),
  })
  .map((facts) => ({
    sha1: 'x',
    ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)),
  }));

describe('the facts of a file', () => {
  it('are settled once they were merged, and say all that was ever said, the later word counting', () => {
    fc.assert(
      fc.property(fc.option(files, { nil: undefined }), files, (kept, said) => {
        const merged = mergeFile(kept, said) ?? kept;
        expect(merged).toEqual({ ...kept, ...said });
        expect(mergeFile(merged, said)).toBeUndefined();
      }),
    );
  });

  it('are looked at where a publication says what the one before did not', () => {
    fc.assert(
      fc.property(files, files, (before, after) => {
        const differ = [...filesDiffering(new Map([['x', before]]), new Map([['x', after]]))];
        const says = Object.entries(after).some(([name, value]) =>
          Object.entries(before).every(([other, known]) => other !== name || known !== value),
        );
        expect(differ).toEqual(says ? ['x'] : []);
      }),
    );
  });
});

const factsOf = (update: CatalogUpdate): UnitFacts => {
  const facts = unitFactsOf(catalogOf([update])).get(update.updateId);
  if (facts === undefined) throw new Error('the catalogue lacks its own unit');
  return facts;
};

describe('the facts of a unit', () => {
  it.each<[string, StoredUnit | undefined, UnitFacts | undefined]>([
    ['new', undefined, factsOf(unit(1))],
    ['another title', factsOf(unit(1)), factsOf(unit(1, { title: 'other' }))],
    ['another revision', factsOf(unit(1)), factsOf(unit(1, { revision: 201, kbs: ['5000002'] }))],
    ['withdrawn', factsOf(unit(1)), undefined],
    ['back again', { ...factsOf(unit(1)), withdrawnAt: at(3) }, factsOf(unit(1))],
    ['fewer KBs', factsOf(unit(1, { kbs: ['5000001', '5000002'] })), factsOf(unit(1))],
  ])('are replaced when it is %s, and then they are settled', (_what, kept, said) => {
    const merged = mergeUnit(kept, said, at(5));
    expect(merged).toEqual(said ?? { ...kept, withdrawnAt: at(5) });
    expect(mergeUnit(merged, said, at(6))).toBeUndefined();
  });

  it('keep the first publication of their UpdateId through later revisions, and take an earlier one that is said', () => {
    const revised = (revision: number, createdAt: string): UnitFacts => factsOf(unit(1, { revision, createdAt }));
    const first = mergeUnit(undefined, revised(200, at(5)), at(50));
    expect(first).toMatchObject({ createdAt: at(5), firstPublishedAt: at(5) });
    const second = mergeUnit(first, revised(201, at(9)), at(51));
    expect(second).toMatchObject({ revision: 201, createdAt: at(9), firstPublishedAt: at(5) });
    expect(mergeUnit(second, revised(201, at(9)), at(52))).toBeUndefined();
    const gone = mergeUnit(second, undefined, at(53));
    expect(gone).toMatchObject({ firstPublishedAt: at(5), withdrawnAt: at(53) });
    expect(mergeUnit(gone, revised(202, at(60)), at(61))).toMatchObject({ createdAt: at(60), firstPublishedAt: at(5) });
    expect(mergeUnit(second, revised(201, at(1)), at(54))).toMatchObject({ createdAt: at(1), firstPublishedAt: at(1) });
  });

  it('stay when a publication leaves out what the same revision said, and when it never had the unit', () => {
    const { title: _, ...untitled } = unit(1, { kbs: [] });
    const full = factsOf(unit(1, { severity: 'Low', reboot: 'can', bulletins: ['MS16-001'], cves: ['CVE-2026-1'] }));
    expect(mergeUnit(full, factsOf(untitled), at(5))).toBeUndefined();
    expect(mergeUnit(undefined, undefined, at(5))).toBeUndefined();
    expect(mergeUnit({ ...full, withdrawnAt: at(1) }, undefined, at(5))).toBeUndefined();
  });

  it('keep the titles of categories that a publication leaves out, whichever revision it has', () => {
    const categories = { classification: guid(901), products: [guid(902), guid(903)], families: [guid(904)] };
    const titled = (...titles: number[]) => titles.map((n) => unit(n, { ...category, title: `Category ${n}` }));
    const category = { action: 'evaluate', type: 'category', kbs: [], payload: [] } as const;
    const of = (update: CatalogUpdate, ...titles: number[]): UnitFacts => {
      const facts = unitFactsOf(catalogOf([update, ...titled(...titles)])).get(guid(1));
      if (facts === undefined) throw new Error('the catalogue lacks its own unit');
      return facts;
    };
    const one = unit(1, { categories: { ...categories, companies: [] } });
    const full = of(one, 901, 902, 903, 904);
    expect(mergeUnit(full, of(one, 903), at(5))).toBeUndefined();
    expect(mergeUnit(full, of(one), at(5))).toBeUndefined();
    const next = { ...one, revision: 201, categories: { ...one.categories, products: [guid(903), guid(905)] } };
    expect(mergeUnit(full, of(next, 905), at(5))).toMatchObject({
      revision: 201,
      classification: { id: guid(901), title: 'Category 901' },
      products: [
        { id: guid(903), title: 'Category 903' },
        { id: guid(905), title: 'Category 905' },
      ],
      families: [{ id: guid(904), title: 'Category 904' }],
    });
  });

  it('keep how long a list was together with the list', () => {
    const many = (n: number, of: number) => Array.from({ length: n }, (_, each) => `${of + each}`);
    const long = factsOf(unit(1, { kbs: many(30, 5_000_000), cves: many(600, 1000) }));
    expect(long.totals).toEqual({ kbs: 30, cves: 600 });
    const said = factsOf(unit(1, { kbs: [], cves: [], bulletins: many(60, 1) }));
    expect(mergeUnit(long, said, at(5))).toMatchObject({
      kbs: { length: 20 },
      cves: { length: 500 },
      totals: { kbs: 30, cves: 600, bulletins: 60 },
    });
    expect(mergeUnit(long, factsOf(unit(1, { kbs: [], cves: [] })), at(5))).toBeUndefined();
    const cured = factsOf(unit(1, { cves: [] }));
    expect(mergeUnit(long, cured, at(5))).toMatchObject({ kbs: ['5000001'], totals: { cves: 600 } });
    expect(mergeUnit(long, factsOf(unit(1, { cves: ['CVE-2026-1'] })), at(5))).not.toHaveProperty('totals');
  });

  it('differ where a unit is new, changed or gone, and not where RevisionIds are', () => {
    const before = catalogOf([unit(1, { supersededBy: [2] }), unit(2), unit(3), unit(4)]);
    const after = catalogOf([
      unit(1, { revisionId: 21, supersededBy: [22] }),
      unit(2, { revisionId: 22 }),
      unit(3, { reboot: 'always' }),
      unit(5),
    ]);
    expect([...unitsDiffering(unitFactsOf(before), unitFactsOf(after))]).toEqual([3, 5, 4].map(guid));
  });
});

describe('the units of a KB', () => {
  const ofKb = (units: readonly CatalogUpdate[]): UnitsOfKb => ({
    units: units.map(({ updateId, createdAt }) => ({ updateId, createdAt })),
  });
  const merge = (kept: UnitsOfKb | undefined, units: readonly CatalogUpdate[]) => {
    const publication = unitFactsOf(catalogOf(units));
    return mergeUnitsOfKb('5000001', kept, publication.byKb().get('5000001') ?? [], publication);
  };

  it('are the newest first, those that left the index among them', () => {
    const newer = unit(2, { kbs: ['5000001'], createdAt: at(9) });
    expect(merge(ofKb([unit(1)]), [newer])).toEqual(ofKb([newer, unit(1)]));
    expect(merge(ofKb([newer, unit(1)]), [newer])).toBeUndefined();
  });

  it('lose a unit that has another KB now, and not one of which no KB is said', () => {
    expect(merge(ofKb([unit(1)]), [unit(1, { kbs: ['5000009'] })])).toEqual({ units: [] });
    expect(merge(ofKb([unit(1)]), [unit(1, { kbs: [] })])).toBeUndefined();
    expect(merge(undefined, [])).toBeUndefined();
  });

  it('are kept up to a number, the newest', () => {
    const many = Array.from({ length: 3005 }, (_, n) => unit(n + 1, { kbs: ['5000001'], createdAt: at(n) }));
    const kept = merge(undefined, many);
    expect(kept).toMatchObject({ total: 3005, units: { length: 3000, 0: { updateId: guid(3005) } } });
    expect(merge(kept, many)).toBeUndefined();
    expect(JSON.stringify(kept).length).toBeLessThan(300_000);
  });

  it('are looked at where they differ', () => {
    const byKb = (...updates: CatalogUpdate[]) => unitFactsOf(catalogOf(updates)).byKb();
    const before = byKb(unit(1), unit(2), unit(3));
    expect([...kbsDiffering(before, byKb(unit(2), unit(1), unit(4)), new Set())]).toEqual(['5000004', '5000003']);
    const redated = byKb(unit(1), unit(2), unit(3, { createdAt: at(4) }));
    expect([...kbsDiffering(before, redated, new Set())]).toEqual(['5000003']);
    const left = new Set(['5000001', '5000003', '5000009']);
    expect([...kbsDiffering(before, redated, left)]).toEqual(['5000001', '5000003', '5000009']);
  });
});
