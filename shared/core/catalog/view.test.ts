import { expect, it } from 'vitest';
import type { Catalog, CatalogUpdate } from './model.ts';
import { queryCatalog } from './queries.ts';
import { viewHead, viewUpdate } from './view.ts';

const update = (revisionId: number, changes: Partial<CatalogUpdate> = {}): CatalogUpdate => ({
  updateId: `id-${revisionId}`,
  revision: 100,
  revisionId,
  type: 'software',
  action: 'install',
  isBundle: false,
  isLeaf: false,
  createdAt: '2026-01-01T00:00:00Z',
  prerequisites: [],
  bundledBy: [],
  supersededBy: [],
  categories: { products: [], families: [], companies: [] },
  payload: [],
  kbs: [],
  bulletins: [],
  cves: [],
  ...changes,
});

const bundle = update(20, {
  isBundle: true,
  kbs: ['123'],
  title: 'Update',
  categories: { classification: 'security', products: ['windows', 'unheard of'], families: [], companies: [] },
  reboot: 'never',
});
const updates = [
  update(1, { updateId: 'windows', action: 'evaluate', title: 'Windows', revision: 2 }),
  update(2, { updateId: 'windows', action: 'evaluate', title: 'Old name', revision: 1 }),
  update(3, { updateId: 'security', action: 'evaluate', title: 'Security Updates' }),
  bundle,
  update(700, { action: 'bundle', bundledBy: [20], payload: ['aa', 'bb'], reboot: 'can' }),
  update(701, { action: 'bundle', bundledBy: [20], payload: ['bb', 'cc'], reboot: 'always' }),
  update(10, { isBundle: true, kbs: ['99'], supersededBy: [20] }),
];
const catalog: Catalog = {
  packageId: 'package',
  updates: new Map(updates.map((one) => [one.revisionId, one])),
  files: new Map([
    ['aa', { sha1: 'aa', size: 5, name: 'a.cab' }],
    ['bb', { sha1: 'bb' }],
  ]),
  gaps: [],
};
const queries = queryCatalog(catalog);

it('shows a bundle with titles, identities, the files of all its parts and the strongest restart', () => {
  expect(viewUpdate(catalog, queries, bundle)).toEqual({
    updateId: 'id-20',
    revision: 100,
    revisionId: 20,
    type: 'software',
    action: 'install',
    isBundle: true,
    createdAt: '2026-01-01T00:00:00Z',
    title: 'Update',
    kbs: ['123'],
    classification: { id: 'security', title: 'Security Updates' },
    products: [{ id: 'windows', title: 'Windows' }, { id: 'unheard of' }],
    families: [],
    supersededBy: [],
    supersedes: [{ updateId: 'id-10', revision: 100, kbs: ['99'] }],
    bundledBy: [],
    bulletins: [],
    cves: [],
    reboot: 'always',
    files: [{ sha1: 'aa', size: 5, name: 'a.cab' }, { sha1: 'bb' }, { sha1: 'cc' }],
  });
});

it('shows the links of the others, too', () => {
  const [leaf, old] = [catalog.updates.get(700), catalog.updates.get(10)];
  if (leaf === undefined || old === undefined) throw new Error('the sample lacks its own updates');
  expect(viewUpdate(catalog, queries, leaf)).toMatchObject({
    bundledBy: [{ updateId: 'id-20', revision: 100, kbs: ['123'] }],
    files: [{ sha1: 'aa' }, { sha1: 'bb' }],
  });
  expect(viewUpdate(catalog, queries, old).supersededBy).toEqual([{ updateId: 'id-20', revision: 100, kbs: ['123'] }]);
});

it('counts, and says whether it may be published', () => {
  const file = { sha256: 'x', bytes: 1, layout: 'wsusscn2', members: 2, skipped: [] };
  expect(viewHead(catalog, file)).toEqual({
    version: 1,
    ...file,
    packageId: 'package',
    counts: { updates: 7, units: 2, leaves: 2, evaluated: 3, files: 2, payloadBytes: 5 },
    gaps: [],
    publishable: { ok: true },
  });
});
