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
  alwaysInstalled: false,
  cbsParents: [],
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

  it.each<CatalogGap['code']>(['fragment-missing', 'location-missing', 'file-facts-missing'])(
    'may have 1 %% of %s, not more',
    (code) => {
      expect(publishable(catalog({ gaps: [gap(code, 2)] }))).toEqual({ ok: true });
      expect(publishable(catalog({ gaps: [gap(code, 3)] }))).toEqual({
        ok: false,
        reason: expect.stringMatching(/^3 of 200 .* \(for instance example\), allowed is 1 %$/),
      });
    },
  );

  it('may have updates that name others it lacks, or that are called otherwise in their fragments', () => {
    const codes = ['dangling-superseder', 'dangling-bundle', 'identity-mismatch', 'no-kb'] as const;
    expect(publishable(catalog({ gaps: codes.map((code) => gap(code, 50)) }))).toEqual({ ok: true });
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
