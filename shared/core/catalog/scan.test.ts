import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Catalog, CatalogUpdate, CbsParent, PayloadFile } from './model.ts';
import { type HostFixture, type HostScan, matchesParent, scanHost } from './scan.ts';

const update = (revisionId: number, changes: Partial<CatalogUpdate> = {}): CatalogUpdate => ({
  updateId: `u${revisionId}`,
  revision: 100,
  revisionId,
  type: 'software',
  action: 'install',
  isBundle: false,
  isLeaf: true,
  createdAt: '2026-01-13T18:00:00Z',
  prerequisites: [],
  bundledBy: [],
  supersededBy: [],
  categories: { products: [], families: [], companies: [] },
  payload: [],
  kbs: [],
  bulletins: [],
  cves: [],
  alwaysInstalled: false,
  cbsParents: [],
  ...changes,
});
const category = (id: string, changes: Partial<CatalogUpdate> = {}): CatalogUpdate =>
  update(++nextCategory, { updateId: id, type: 'category', action: 'evaluate', alwaysInstalled: true, ...changes });
let nextCategory = 9000;
const leaf = (revisionId: number, bundles: readonly number[], changes: Partial<CatalogUpdate> = {}): CatalogUpdate =>
  update(revisionId, { action: 'bundle', bundledBy: bundles, payload: [`f${revisionId}`], ...changes });
const catalog = (updates: readonly CatalogUpdate[], files: readonly PayloadFile[] = []): Catalog => ({
  updates: new Map(updates.map((one) => [one.revisionId, one])),
  files: new Map(files.map((file) => [file.sha1, file])),
  gaps: [],
});
const host = (changes: Partial<HostFixture> = {}): HostFixture => ({
  detectoids: [],
  cbsPackages: [],
  installed: [],
  ...changes,
});
const neededIds = (scan: HostScan): string[] => scan.needed.map((one) => one.updateId);
const installedIds = (scan: HostScan): string[] => scan.installed.map((one) => one.updateId);

describe('prerequisites', () => {
  it('all clauses must hold, and one id of a clause is enough', () => {
    const some = catalog([update(1, { prerequisites: [['a', 'b'], ['c']] })]);
    expect(neededIds(scanHost(some, host({ detectoids: ['b', 'c'] })))).toEqual(['u1']);
    expect(neededIds(scanHost(some, host({ detectoids: ['a', 'b'] })))).toEqual([]);
    expect(neededIds(scanHost(some, host()))).toEqual([]);
  });

  it('an always-true category holds once its own prerequisites do, through any number of steps', () => {
    const some = catalog([
      update(1, { prerequisites: [['product']] }),
      category('product', { prerequisites: [['family']] }),
      category('family', { prerequisites: [['amd64']] }),
      category('amd64', { type: 'detectoid', alwaysInstalled: false }),
    ]);
    expect(neededIds(scanHost(some, host({ detectoids: ['amd64'] })))).toEqual(['u1']);
    expect(neededIds(scanHost(some, host()))).toEqual([]);
  });

  it('circles end: they hold only when something outside makes them hold', () => {
    const circle = (way: readonly string[]) =>
      catalog([
        update(1, { prerequisites: [['b']] }),
        category('a', { prerequisites: [['b', ...way]] }),
        category('b', { prerequisites: [['a']] }),
      ]);
    expect(neededIds(scanHost(circle([]), host()))).toEqual([]);
    expect(neededIds(scanHost(circle(['x']), host({ detectoids: ['x'] })))).toEqual(['u1']);
  });

  it('a chain of 50,000 categories is no deeper than one', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) =>
      update(i, {
        updateId: `c${i}`,
        type: 'category',
        action: 'evaluate',
        alwaysInstalled: true,
        prerequisites: i === 0 ? [] : [[`c${i - 1}`]],
      }),
    );
    expect(neededIds(scanHost(catalog([...chain, update(60_000, { prerequisites: [['c49999']] })]), host()))).toEqual([
      'u60000',
    ]);
  });

  it('software that is always true is still not a category', () => {
    const some = catalog([
      update(1, { prerequisites: [['u2']] }),
      update(2, { alwaysInstalled: true, prerequisites: [['no']] }),
    ]);
    expect(neededIds(scanHost(some, host()))).toEqual([]);
    expect(neededIds(scanHost(some, host({ installed: ['u2'] })))).toEqual(['u1']);
  });
});

describe('bundles', () => {
  const parent: CbsParent = {
    name: 'Foundation',
    version: '10.0.100.5',
    architecture: 'amd64',
    buildCompare: 'EQ',
    serviceCompare: 'GE',
  };
  const some = catalog(
    [update(1, { isBundle: true }), leaf(2, [1], { cbsParents: [parent] }), leaf(3, [1], { prerequisites: [['x86']] })],
    [{ sha1: 'f2', size: 7, name: 'two.cab' }],
  );
  const amd64 = host({ cbsPackages: [{ name: 'foundation', version: '10.0.100.9', architecture: 'AMD64' }] });

  it('a bundle without an applicable leaf is not offered', () => {
    expect(scanHost(some, host())).toEqual({ needed: [], installed: [] });
  });

  it('brings the files of the applicable leaves only, with the facts of the catalogue', () => {
    const [one] = scanHost(some, amd64).needed;
    expect(one?.leaves).toEqual([{ updateId: 'u2', revision: 100 }]);
    expect(one?.files).toEqual([{ sha1: 'f2', size: 7, name: 'two.cab' }]);
    expect(scanHost(some, host({ detectoids: ['x86'] })).needed[0]?.files).toEqual([{ sha1: 'f3' }]);
  });

  it('a file that two leaves share is named once', () => {
    const shared = catalog([update(1), leaf(2, [1], { payload: ['f', 'g'] }), leaf(3, [1], { payload: ['g', 'h'] })]);
    expect(scanHost(shared, host()).needed[0]?.files.map((file) => file.sha1)).toEqual(['f', 'g', 'h']);
  });

  it('is installed when it is declared so, or when all its applicable leaves are', () => {
    expect(installedIds(scanHost(some, { ...amd64, installed: ['u1'] }))).toEqual(['u1']);
    expect(installedIds(scanHost(some, { ...amd64, installed: ['u2'] }))).toEqual(['u1']);
    expect(neededIds(scanHost(some, { ...amd64, installed: ['u3'] }))).toEqual(['u1']);
    expect(scanHost(some, { ...amd64, detectoids: ['x86'], installed: ['u2'] }).needed[0]?.files).toEqual([
      { sha1: 'f3' },
    ]);
  });

  it('categories, leaves and updates without a core fragment are never units', () => {
    const rest = catalog([category('c'), leaf(2, []), update(3, { type: 'unknown' })]);
    expect(scanHost(rest, host({ installed: ['c', 'u2', 'u3'] }))).toEqual({ needed: [], installed: [] });
  });
});

describe('revisions', () => {
  it('the newest revision of an id counts, wherever it stands', () => {
    const revisions = [
      update(10, { updateId: 'u', revision: 101, kbs: ['50002'] }),
      update(20, { updateId: 'u', revision: 100, kbs: ['50001'] }),
    ];
    for (const order of [revisions, revisions.toReversed()]) {
      expect(scanHost(catalog(order), host()).needed.map((one) => [one.revision, one.kbs])).toEqual([[101, ['50002']]]);
    }
  });

  it('a bundle takes the leaves that name its own revision', () => {
    const some = catalog([
      update(10, { updateId: 'u', revision: 101 }),
      update(20, { updateId: 'u', revision: 100 }),
      leaf(30, [20], { updateId: 'l', revision: 100 }),
      leaf(31, [10], { updateId: 'l', revision: 101 }),
    ]);
    expect(scanHost(some, host()).needed[0]?.files).toEqual([{ sha1: 'f31' }]);
  });
});

describe('supersedence', () => {
  const months = catalog([
    update(1, { supersededBy: [2], createdAt: '2026-01-01T00:00:00Z' }),
    update(2, { supersededBy: [3], prerequisites: [['other']], createdAt: '2026-02-01T00:00:00Z' }),
    update(3, { createdAt: '2026-03-01T00:00:00Z' }),
  ]);
  const supersededBy = (scan: HostScan) =>
    Object.fromEntries(scan.needed.map((one) => [one.updateId, one.supersededBy]));

  it('goes through updates that do not apply themselves, and names only those that do', () => {
    expect(supersededBy(scanHost(months, host()))).toEqual({ u1: ['u3'], u3: [] });
    expect(supersededBy(scanHost(months, host({ detectoids: ['other'] })))).toEqual({
      u1: ['u2', 'u3'],
      u2: ['u3'],
      u3: [],
    });
  });

  it('names an installed superseder', () => {
    const scan = scanHost(months, host({ installed: ['u3'] }));
    expect(supersededBy(scan)).toEqual({ u1: ['u3'] });
    expect(installedIds(scan)).toEqual(['u3']);
  });

  it('updates that replace each other in a circle replace nothing of that circle', () => {
    const circle = catalog([update(1, { supersededBy: [2] }), update(2, { supersededBy: [1, 3] }), update(3)]);
    expect(supersededBy(scanHost(circle, host()))).toEqual({ u1: ['u3'], u2: ['u3'], u3: [] });
  });

  it('follows a superseder to its newest revision and ignores what the publication lacks', () => {
    const some = catalog([
      update(1, { supersededBy: [2, 99] }),
      update(2, { updateId: 'n', revision: 100 }),
      update(3, { updateId: 'n', revision: 101 }),
    ]);
    expect(supersededBy(scanHost(some, host()))).toEqual({ u1: ['n'], n: [] });
  });
});

describe('scanHost, whatever the catalogue', () => {
  const ids = fc.integer({ min: 1, max: 12 });
  const anyUpdate = fc.record({
    revisionId: ids,
    type: fc.constantFrom('software', 'category', 'detectoid', 'unknown'),
    action: fc.constantFrom('install', 'bundle', 'evaluate'),
    prerequisites: fc.array(
      fc.array(
        ids.map((id) => `u${id}`),
        { minLength: 1, maxLength: 3 },
      ),
      { maxLength: 3 },
    ),
    bundledBy: fc.array(ids, { maxLength: 2 }),
    supersededBy: fc.array(ids, { maxLength: 3 }),
    alwaysInstalled: fc.boolean(),
  } as const);
  const anyCatalog = fc
    .uniqueArray(anyUpdate, { selector: (one) => one.revisionId, maxLength: 12 })
    .map((list) => catalog(list.map(({ revisionId, ...changes }) => update(revisionId, changes))));
  const some = fc.uniqueArray(
    ids.map((id) => `u${id}`),
    { maxLength: 6 },
  );

  it('ends, never lists an update twice, and someone is left whom nobody needed replaces', () => {
    fc.assert(
      fc.property(anyCatalog, some, some, (cat, detectoids, installed) => {
        const scan = scanHost(cat, host({ detectoids, installed }));
        const all = [...neededIds(scan), ...installedIds(scan)];
        expect(new Set(all).size).toBe(all.length);
        for (const one of scan.needed) for (const id of one.supersededBy) expect(all).toContain(id);
        if (scan.needed.length > 0 && scan.installed.length === 0) {
          expect(scan.needed.some((one) => one.supersededBy.length === 0)).toBe(true);
        }
      }),
    );
  });

  it('installing everything that is needed leaves no need of it', () => {
    fc.assert(
      fc.property(anyCatalog, some, (cat, detectoids) => {
        const first = scanHost(cat, host({ detectoids }));
        const done = first.needed.flatMap((one) => [one.updateId, ...one.leaves.map((part) => part.updateId)]);
        const second = scanHost(cat, host({ detectoids, installed: done }));
        expect(neededIds(second).filter((id) => done.includes(id))).toEqual([]);
        for (const id of neededIds(first)) expect(installedIds(second)).toContain(id);
      }),
    );
  });
});

describe('matchesParent', () => {
  const parent: CbsParent = {
    name: 'P',
    version: '6.1.7601.17514',
    architecture: 'amd64',
    buildCompare: 'EQ',
    serviceCompare: 'GE',
  };
  const cases: readonly [string, Partial<CbsParent>, string, boolean][] = [
    ['the same version', {}, '6.1.7601.17514', true],
    ['a newer revision where at least is asked', {}, '6.1.7601.18000', true],
    ['an older revision', {}, '6.1.7601.17513', false],
    ['another revision where equality is asked', { serviceCompare: 'EQ' }, '6.1.7601.18000', false],
    ['a newer build where equality is asked', {}, '6.1.7602.17514', false],
    ['a newer build where at least is asked, with a small revision', { buildCompare: 'GE' }, '6.1.7602.1', true],
    ['an older build', { buildCompare: 'GE' }, '6.1.7600.99999', false],
    ['another minor version', { buildCompare: 'GE' }, '6.2.7601.17514', false],
    ['a version that is none', {}, '6.1', false],
  ];
  it.each(cases)('%s', (_name, changes, version, matches) => {
    expect(matchesParent({ name: 'p', version, architecture: 'AMD64' }, { ...parent, ...changes })).toBe(matches);
  });
  it('compares name and architecture', () => {
    expect(matchesParent({ name: 'P', version: parent.version, architecture: 'x86' }, parent)).toBe(false);
    expect(matchesParent({ name: 'Q', version: parent.version, architecture: 'amd64' }, parent)).toBe(false);
  });
});
