import { describe, expect, it } from 'vitest';
import type { Catalog, CatalogGap, CatalogUpdate, PayloadFile } from './model.ts';
import { publishable } from './publishable.ts';

const unit = (revisionId: number, changes: Partial<CatalogUpdate> = {}): CatalogUpdate => ({
  updateId: `${String(revisionId).padStart(8, '0')}-0000-4000-8000-000000000000`,
  revision: 1,
  revisionId,
  type: 'software',
  action: 'install',
  isBundle: true,
  isLeaf: false,
  createdAt: '2026-01-01T00:00:00Z',
  prerequisites: [],
  bundledBy: [],
  supersededBy: [],
  categories: { products: [], families: [], companies: [] },
  payload: [],
  kbs: ['1'],
  bulletins: [],
  cves: [],
  ...changes,
});

/** A catalogue of so many units and files, without a gap unless one is given. */
function catalog(options: {
  updates?: readonly CatalogUpdate[];
  files?: number;
  gaps?: readonly CatalogGap[];
}): Catalog {
  const updates = options.updates ?? Array.from({ length: 200 }, (_, index) => unit(index + 1));
  const files = Array.from({ length: options.files ?? 200 }, (_, index): PayloadFile => ({ sha1: `f${index}` }));
  return {
    updates: new Map(updates.map((update) => [update.revisionId, update])),
    files: new Map(files.map((file) => [file.sha1, file])),
    gaps: options.gaps ?? [],
  };
}
const gap = (code: CatalogGap['code'], count: number): CatalogGap => ({ code, count, examples: ['example'] });

describe('a publication', () => {
  it('without gaps may be published', () => {
    expect(publishable(catalog({}))).toEqual({ ok: true });
  });

  it.each<CatalogGap['code']>([
    'fragment-missing',
    'location-missing',
    'file-facts-missing',
    'identity-mismatch',
    'dangling-bundle',
  ])('may have 1 %% of %s, not more', (code) => {
    expect(publishable(catalog({ gaps: [gap(code, 2)] }))).toEqual({ ok: true });
    expect(publishable(catalog({ gaps: [gap(code, 3)] }))).toEqual({
      ok: false,
      reason: expect.stringMatching(/^3 of 200 .* \(for instance example\), allowed is 1 %$/),
    });
  });

  it('may have updates that are replaced by others it lacks, or without a KB number', () => {
    const codes = ['dangling-superseder', 'no-kb'] as const;
    expect(publishable(catalog({ gaps: codes.map((code) => gap(code, 50)) }))).toEqual({ ok: true });
  });

  it('may have 1 % of updates whose type is not known, not more', () => {
    const unknown = (count: number): Catalog =>
      catalog({
        updates: Array.from({ length: 200 }, (_, n) => unit(n + 1, n < count ? { type: 'unknown' } : {})),
      });
    expect(publishable(unknown(2))).toEqual({ ok: true });
    expect(publishable(unknown(3))).toEqual({
      ok: false,
      reason: '3 of 200 updates are of no known type, allowed is 1 %',
    });
  });

  it('may not have more bytes than a number can count', () => {
    const sized = (size: number): Catalog => ({
      ...catalog({}),
      files: new Map(['a', 'b'].map((sha1) => [sha1, { sha1, size }])),
    });
    expect(publishable(sized(2 ** 51))).toEqual({ ok: true });
    expect(publishable(sized(2 ** 52))).toEqual({
      ok: false,
      reason: 'its payload files are said to have 9007199254740992 bytes together',
    });
  });

  it.each<[string, Catalog, RegExp]>([
    ['no updates', catalog({ updates: [] }), /lists no updates/],
    [
      'only categories',
      catalog({ updates: [unit(1, { action: 'evaluate' })] }),
      /none of its 1 updates can be installed/,
    ],
    ['no KB', catalog({ updates: [unit(1, { kbs: [] }), unit(2, { kbs: [] })] }), /none of the 2 updates .* KB number/],
    ['no payload', catalog({ files: 0 }), /none of its 200 updates has a payload file/],
    [
      'no locations',
      catalog({ gaps: [{ code: 'no-file-locations', count: 1, examples: [] }, gap('location-missing', 200)] }),
      /^it has no FileLocations, so none of its 200 payload files can be fetched$/,
    ],
    ['a contradiction', catalog({ gaps: [gap('file-facts-conflict', 1)] }), /contradicts itself .* 1 payload files/],
    [
      'several faults',
      catalog({ updates: [unit(1, { kbs: [] })], files: 0 }),
      /none of the 1 updates .*; none of its 1 updates has a payload file/,
    ],
  ])('with %s is refused', (_name, refused, reason) => {
    expect(publishable(refused)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });
});

describe('a publication beside the current one', () => {
  /** So many units, of which some have no KB, and so many files. */
  const sized = (units: number, files: number, withoutKb = 0): Catalog =>
    catalog({
      updates: Array.from({ length: units }, (_, n) => unit(n + 1, n < withoutKb ? { kbs: [] } : {})),
      files,
    });
  const current = sized(200, 100);

  it('may be larger, equal, or smaller by 20 %', () => {
    for (const next of [sized(300, 200), current, sized(160, 80)])
      expect(publishable(next, { previous: current })).toEqual({ ok: true });
  });

  it.each<[string, Catalog, RegExp]>([
    ['updates', sized(159, 100), /159 updates where the current publication has 200 \(20.5 % less\)/],
    ['files', sized(200, 79), /: 79 payload files where the current publication has 100 \(21 % less\)/],
    ['KB numbers', sized(200, 100, 41), /: 159 updates .* have a KB number where the current publication has 200/],
  ])('that lost more than that of its %s is refused, and it is said how to let it pass', (_what, next, reason) => {
    const verdict = publishable(next, { previous: current });
    expect(verdict).toEqual({ ok: false, reason: expect.stringMatching(reason) });
    expect(verdict).toEqual({
      ok: false,
      reason: expect.stringMatching(/allowed are 20 % less\..*MAX_SHRINK_PERCENT.*maxShrinkPercent/),
    });
  });

  it('that lost units only, among as many updates, is refused', () => {
    const leaves = Array.from({ length: 100 }, (_, n) => unit(n + 101, { action: 'bundle' }));
    const next = catalog({ updates: [...sized(100, 100).updates.values(), ...leaves], files: 100 });
    expect(publishable(next, { previous: current })).toEqual({
      ok: false,
      reason: expect.stringMatching(
        /^it shrank: 100 updates that can be installed where .* \(50 % less\), 100 updates/,
      ),
    });
  });

  it('that lost links from parts to bundles, among as many updates, is refused', () => {
    const linked = (links: number): Catalog =>
      catalog({ updates: Array.from({ length: 200 }, (_, n) => unit(n + 1, { bundledBy: n < links ? [1] : [] })) });
    expect(publishable(linked(80), { previous: linked(100) })).toEqual({ ok: true });
    expect(publishable(linked(79), { previous: linked(100) })).toEqual({
      ok: false,
      reason: expect.stringMatching(
        /^it shrank: 79 links from parts to bundles where .* has 100 \(21 % less\); allowed/,
      ),
    });
  });

  it('is measured by the limit that is set', () => {
    expect(publishable(sized(159, 100), { previous: current, maxShrinkPercent: 25 })).toEqual({ ok: true });
    expect(publishable(sized(100, 50), { previous: current, maxShrinkPercent: 100 })).toEqual({ ok: true });
    expect(publishable(sized(199, 100), { previous: current, maxShrinkPercent: 0 })).toEqual({
      ok: false,
      reason: expect.stringContaining('allowed are 0 % less'),
    });
  });

  it('that is empty is refused for that alone, whatever the limit', () => {
    expect(publishable(catalog({ updates: [] }), { previous: current, maxShrinkPercent: 100 })).toEqual({
      ok: false,
      reason: 'it lists no updates',
    });
  });
});
