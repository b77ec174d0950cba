import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostState } from './applicability/host-state.ts';
import type { ApplicabilityRules, Rule, RuleLookup } from './applicability/model.ts';
import type { Catalog, CatalogUpdate, PayloadFile } from './model.ts';
import { type HostScan, scanHost } from './scan.ts';

/** An update and its rules. */
interface Ruled {
  readonly update: CatalogUpdate;
  readonly rules: ApplicabilityRules;
}
type Changes = Partial<CatalogUpdate> & { readonly rules?: ApplicabilityRules };

/** True on hosts whose registry says so. */
const flag = (id: string): Rule => ({
  op: 'b.RegDword',
  value: { root: 'machine', subkey: 'SOFTWARE\\Test', view32: false, value: id },
  comparison: 'EqualTo',
  data: 1,
});
const always: Rule = { op: 'True' };

/** Installed where the registry has its id; installable everywhere. */
const update = (revisionId: number, { rules, ...changes }: Changes = {}): Ruled => {
  const updateId = changes.updateId ?? `u${revisionId}`;
  return {
    update: {
      updateId,
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
      ...changes,
    },
    rules: rules ?? { isInstalled: flag(updateId), isInstallable: always },
  };
};
const bundle = (revisionId: number, changes: Changes = {}): Ruled =>
  update(revisionId, { isBundle: true, rules: {}, ...changes });
const leaf = (revisionId: number, bundles: readonly number[], changes: Changes = {}): Ruled =>
  update(revisionId, { action: 'bundle', bundledBy: bundles, payload: [`f${revisionId}`], ...changes });
let nextCategory = 9000;
/** Holds everywhere. */
const category = (id: string, changes: Changes = {}): Ruled =>
  update(++nextCategory, {
    updateId: id,
    type: 'category',
    action: 'evaluate',
    rules: { isInstalled: always },
    ...changes,
  });
/** Holds where the registry has its id. */
const detectoid = (id: string, changes: Changes = {}): Ruled =>
  category(id, { type: 'detectoid', rules: { isInstalled: flag(id) }, ...changes });

interface Index {
  readonly catalog: Catalog;
  readonly rules: RuleLookup;
}
const index = (updates: readonly Ruled[], files: readonly PayloadFile[] = []): Index => ({
  catalog: {
    updates: new Map(updates.map(({ update: one }) => [one.revisionId, one])),
    files: new Map(files.map((file) => [file.sha1, file])),
    gaps: [],
  },
  rules: new Map(updates.map((one) => [one.update.revisionId, one.rules])),
});
/** A host whose registry has these ids, and no others if it is described completely. */
const host = (ids: readonly string[] = [], complete = true): HostState => ({
  registry: {
    complete,
    keys: { 'SOFTWARE\\Test': Object.fromEntries(ids.map((id) => [id, { type: 'REG_DWORD' as const, data: 1 }])) },
  },
});
/** A host of which these ids are known, to be there or not. */
const described = (known: readonly (readonly [id: string, truth: string])[]): HostState => ({
  registry: {
    complete: false,
    keys: {
      'SOFTWARE\\Test': Object.fromEntries(
        known.map(([id, truth]) => [id, { type: 'REG_DWORD' as const, data: truth.endsWith('yes') ? 1 : 0 }]),
      ),
    },
  },
});
const scan = ({ catalog, rules }: Index, state: HostState): HostScan => scanHost(catalog, rules, state);
const neededIds = (result: HostScan): string[] => result.needed.map((one) => one.updateId);
const installedIds = (result: HostScan): string[] => result.installed.map((one) => one.updateId);
const nothing = { needed: [], installed: [], unknown: { updates: 0, operators: [] } };

describe('prerequisites', () => {
  const abc = [detectoid('a'), detectoid('b'), detectoid('c')];

  it('all clauses must hold, and one id of a clause is enough', () => {
    const some = index([update(1, { prerequisites: [['a', 'b'], ['c']] }), ...abc]);
    expect(neededIds(scan(some, host(['b', 'c'])))).toEqual(['u1']);
    expect(scan(some, host(['a', 'b']))).toEqual(nothing);
    expect(scan(some, host())).toEqual(nothing);
  });

  it('that the publication lacks are unknown, unless they are noted as installed', () => {
    const some = index([update(1, { prerequisites: [['x']] }), update(2, { prerequisites: [['x', 'a']] }), ...abc]);
    const about = 'x, which the publication lacks';
    const unknown = { updates: 2, operators: [{ operator: 'IsInstalled', updates: 2, examples: [about] }] };
    expect(scan(some, host(['x']))).toEqual({ ...nothing, unknown });
    expect(neededIds(scan(some, host(['a'])))).toEqual(['u2']);
    expect(neededIds(scan(some, { ...host(), installedUpdates: ['x'] }))).toEqual(['u1', 'u2']);
  });

  it('without a rule that says when they are installed are unknown, unless they are noted as installed', () => {
    const some = index([update(1, { prerequisites: [['x']] }), category('x', { rules: {} })]);
    const operators = [{ operator: 'IsInstalled', updates: 1, examples: ['the update x has no such rule'] }];
    expect(scan(some, host())).toEqual({ ...nothing, unknown: { updates: 1, operators } });
    expect(neededIds(scan(some, { ...host(), installedUpdates: ['x'] }))).toEqual(['u1']);
  });

  it('without a rule do not matter where their own prerequisites do not hold', () => {
    const some = index([
      update(1, { prerequisites: [['x']] }),
      category('x', { rules: {}, prerequisites: [['a']] }),
      ...abc,
    ]);
    expect(scan(some, host())).toEqual(nothing);
    expect(scan(some, host(['a'])).unknown).toMatchObject({ updates: 1 });
  });

  it('a category holds once its rule and its own prerequisites do, through any number of steps', () => {
    const some = index([
      update(1, { prerequisites: [['product']] }),
      category('product', { prerequisites: [['family']] }),
      category('family', { prerequisites: [['amd64']] }),
      detectoid('amd64'),
    ]);
    expect(neededIds(scan(some, host(['amd64'])))).toEqual(['u1']);
    expect(scan(some, host())).toEqual(nothing);
  });

  it('circles end: they hold only when something outside makes them hold', () => {
    const circle = (way: readonly string[]) =>
      index([
        update(1, { prerequisites: [['b']] }),
        category('a', { prerequisites: [['b', ...way]] }),
        category('b', { prerequisites: [['a']] }),
        detectoid('x'),
      ]);
    expect(neededIds(scan(circle([]), host(['x'])))).toEqual([]);
    expect(neededIds(scan(circle(['x']), host(['x'])))).toEqual(['u1']);
  });

  it('a chain of 50,000 categories is no deeper than one', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) =>
      category(`c${i}`, { revisionId: i, prerequisites: i === 0 ? [] : [[`c${i - 1}`]] }),
    );
    expect(neededIds(scan(index([...chain, update(60_000, { prerequisites: [['c49999']] })]), host()))).toEqual([
      'u60000',
    ]);
  });

  it('software holds as a prerequisite where it is installed', () => {
    const some = index([update(1, { prerequisites: [['u2']] }), update(2)]);
    expect(neededIds(scan(some, host()))).toEqual(['u2']);
    expect(neededIds(scan(some, host(['u2'])))).toEqual(['u1']);
  });
});

describe('a whole publication', () => {
  it('of 137,000 updates costs rules only where prerequisites may hold', () => {
    const products = Array.from({ length: 1000 }, (_, number) => detectoid(`p${number}`));
    const units = Array.from({ length: 21_000 }, (_, number) =>
      bundle(100_000 + number, { prerequisites: [[`p${number % 1000}`]] }),
    );
    const leaves = Array.from({ length: 115_000 }, (_, number) => {
      const unit = number % units.length;
      return leaf(200_000 + number, [100_000 + unit], { prerequisites: [[`p${unit % 1000}`]] });
    });
    const some = index([...products, ...units, ...leaves]);
    let asked = 0;
    const rules: RuleLookup = {
      get(revisionId) {
        asked += 1;
        return some.rules.get(revisionId);
      },
    };
    const result = scanHost(some.catalog, rules, host(['p7']));
    expect(result.needed).toHaveLength(21);
    expect(asked).toBeLessThanOrEqual(1000 + 21 * 6);
  }, 20_000);
});

describe('what is not known', () => {
  const wmi: Rule = { op: 'b.WmiQuery', namespace: 'root\\cimv2', query: 'SELECT * FROM Win32_Battery' };
  const about = { operator: 'b.WmiQuery', updates: 1, examples: ['SELECT * FROM Win32_Battery'] };

  it('keeps an update out of both lists, and the operators are named with the number of updates', () => {
    const some = index([
      update(1, { rules: { isInstalled: flag('u1'), isInstallable: wmi } }),
      update(2),
      update(3, { rules: { isInstalled: { op: 'unsupported', name: 'b.Memory', reason: 'r' }, isInstallable: wmi } }),
    ]);
    expect(scan(some, host())).toMatchObject({
      needed: [{ updateId: 'u2' }],
      installed: [],
      unknown: {
        updates: 2,
        operators: [
          { ...about, updates: 2 },
          { operator: 'b.Memory', updates: 1, examples: ['r'] },
        ],
      },
    });
  });

  it('does not matter where something else decides', () => {
    const some = index([
      update(1, { rules: { isInstalled: always, isInstallable: wmi } }),
      update(2, { rules: { isInstalled: wmi, isInstallable: { op: 'False' } } }),
      update(3, { prerequisites: [['no']], rules: { isInstalled: wmi, isInstallable: wmi } }),
      update(4, { prerequisites: [['maybe', 'yes']] }),
      update(5, { prerequisites: [['maybe'], ['no']] }),
      detectoid('no'),
      detectoid('yes'),
      detectoid('maybe', { rules: { isInstalled: wmi } }),
    ]);
    expect(scan(some, host(['yes']))).toMatchObject({
      needed: [{ updateId: 'u4' }],
      installed: [{ updateId: 'u1' }],
      unknown: { updates: 0, operators: [] },
    });
  });

  it('of a prerequisite is passed on to all that wait for it', () => {
    const some = index([
      update(1, { prerequisites: [['product']] }),
      category('product', { prerequisites: [['maybe']] }),
      detectoid('maybe', { rules: { isInstalled: wmi } }),
    ]);
    expect(scan(some, host())).toEqual({ ...nothing, unknown: { updates: 1, operators: [about] } });
    expect(scan(some, { ...host(), installedUpdates: ['maybe'] }).needed).toHaveLength(1);
  });

  it('of one part does not hide what another part needs', () => {
    const some = index([
      bundle(1),
      leaf(2, [1], { rules: { isInstalled: flag('u2'), isInstallable: wmi } }),
      leaf(3, [1]),
    ]);
    expect(scan(some, host()).needed).toMatchObject([{ updateId: 'u1', leaves: [{ updateId: 'u3' }] }]);
    expect(scan(some, host(['u3']))).toEqual({ ...nothing, unknown: { updates: 1, operators: [about] } });
  });

  it('an update without rules is unknown', () => {
    const some = index([update(1, { rules: {} })]);
    expect(scan(some, host()).unknown).toMatchObject({
      updates: 1,
      operators: [{ operator: 'IsInstalled' }, { operator: 'IsInstallable' }],
    });
  });

  it('is decided, and never otherwise than before, when more gets known', () => {
    const ids = ['a', 'b', 'c', 'u1', 'u2', 'u3'];
    const some = index([
      detectoid('a'),
      detectoid('b', { prerequisites: [['a']] }),
      detectoid('c', { prerequisites: [['b'], ['a', 'c']] }),
      update(1, { prerequisites: [['b', 'c']] }),
      bundle(10, { prerequisites: [['a']] }),
      leaf(2, [10], { prerequisites: [['c']] }),
      leaf(3, [10]),
    ]);
    const anything = fc.constantFrom('yes', 'no', 'later yes', 'later no');
    fc.assert(
      fc.property(fc.tuple(...ids.map(() => anything)), (truths) => {
        const known = ids.map((id, at) => [id, truths[at] ?? 'no'] as const);
        const before = scan(some, described(known.filter(([, truth]) => !truth.startsWith('later'))));
        const after = scan(some, described(known));
        expect(after.unknown?.updates).toBe(0);
        for (const id of neededIds(before)) expect(neededIds(after)).toContain(id);
        for (const id of installedIds(before)) expect(installedIds(after)).toContain(id);
        const open = 3 - before.needed.length - before.installed.length;
        expect(before.unknown?.updates ?? 0).toBeLessThanOrEqual(open);
      }),
    );
  });
});

describe('bundles', () => {
  const some = index(
    [
      bundle(1),
      leaf(2, [1], { prerequisites: [['amd64']] }),
      leaf(3, [1], { prerequisites: [['x86']] }),
      detectoid('amd64'),
      detectoid('x86'),
    ],
    [{ sha1: 'f2', size: 7, name: 'two.cab' }],
  );

  it('a bundle without an applicable part is not offered', () => {
    expect(scan(some, host())).toEqual(nothing);
    expect(scan(index([bundle(1)]), host())).toEqual(nothing);
  });

  it('brings the files of the applicable parts only, with the facts of the catalogue', () => {
    const [one] = scan(some, host(['amd64'])).needed;
    expect(one?.leaves).toEqual([{ updateId: 'u2', revision: 100 }]);
    expect(one?.files).toEqual([{ sha1: 'f2', size: 7, name: 'two.cab' }]);
    expect(scan(some, host(['x86'])).needed[0]?.files).toEqual([{ sha1: 'f3' }]);
  });

  it('a file that two parts share is named once', () => {
    const shared = index([bundle(1), leaf(2, [1], { payload: ['f', 'g'] }), leaf(3, [1], { payload: ['g', 'h'] })]);
    expect(scan(shared, host()).needed[0]?.files.map((file) => file.sha1)).toEqual(['f', 'g', 'h']);
  });

  it('is installed when it is noted so, or when all its applicable parts are', () => {
    expect(installedIds(scan(some, { ...host(['amd64']), installedUpdates: ['u1'] }))).toEqual(['u1']);
    expect(installedIds(scan(some, { ...host(['amd64']), installedUpdates: ['u2'] }))).toEqual(['u1']);
    expect(installedIds(scan(some, host(['amd64', 'u2'])))).toEqual(['u1']);
    expect(neededIds(scan(some, host(['amd64', 'u3'])))).toEqual(['u1']);
    expect(scan(some, host(['amd64', 'x86', 'u2'])).needed[0]?.files).toEqual([{ sha1: 'f3' }]);
  });

  it('a part that is superseded by its own rule, or not installable, is not needed', () => {
    const with_ = (rules: ApplicabilityRules) => index([bundle(1), leaf(2, [1], { rules })]);
    const isInstalled: Rule = { op: 'False' };
    expect(neededIds(scan(with_({ isInstalled, isInstallable: always }), host()))).toEqual(['u1']);
    expect(scan(with_({ isInstalled, isInstallable: { op: 'False' } }), host())).toEqual(nothing);
    expect(scan(with_({ isInstalled, isInstallable: always, isSuperseded: always }), host())).toEqual(nothing);
  });

  it('categories, parts and updates without a core fragment are never units', () => {
    const rest = index([category('c'), leaf(2, []), update(3, { type: 'unknown' })]);
    expect(scan(rest, { ...host(), installedUpdates: ['c', 'u2', 'u3'] })).toEqual(nothing);
  });
});

describe('revisions', () => {
  it('the newest revision of an id counts, wherever it stands', () => {
    const revisions = [
      update(10, { updateId: 'u', revision: 101, kbs: ['50002'] }),
      update(20, { updateId: 'u', revision: 100, kbs: ['50001'] }),
    ];
    for (const order of [revisions, revisions.toReversed()]) {
      expect(scan(index(order), host()).needed.map((one) => [one.revision, one.kbs])).toEqual([[101, ['50002']]]);
    }
  });

  it('a bundle takes the leaves that name its own revision', () => {
    const some = index([
      bundle(10, { updateId: 'u', revision: 101 }),
      bundle(20, { updateId: 'u', revision: 100 }),
      leaf(30, [20], { updateId: 'l', revision: 100 }),
      leaf(31, [10], { updateId: 'l', revision: 101 }),
    ]);
    expect(scan(some, host()).needed[0]?.files).toEqual([{ sha1: 'f31' }]);
  });
});

describe('supersedence', () => {
  const months = index([
    update(1, { supersededBy: [2], createdAt: '2026-01-01T00:00:00Z' }),
    update(2, { supersededBy: [3], prerequisites: [['other']], createdAt: '2026-02-01T00:00:00Z' }),
    update(3, { createdAt: '2026-03-01T00:00:00Z' }),
    detectoid('other'),
  ]);
  const supersededBy = (result: HostScan) =>
    Object.fromEntries(result.needed.map((one) => [one.updateId, one.supersededBy]));

  it('goes through updates that do not apply themselves, and names only those that do', () => {
    expect(supersededBy(scan(months, host()))).toEqual({ u1: ['u3'], u3: [] });
    expect(supersededBy(scan(months, host(['other'])))).toEqual({
      u1: ['u2', 'u3'],
      u2: ['u3'],
      u3: [],
    });
  });

  it('names an installed superseder', () => {
    const result = scan(months, host(['u3']));
    expect(supersededBy(result)).toEqual({ u1: ['u3'] });
    expect(installedIds(result)).toEqual(['u3']);
  });

  it('updates that replace each other in a circle replace nothing of that circle', () => {
    const circle = index([update(1, { supersededBy: [2] }), update(2, { supersededBy: [1, 3] }), update(3)]);
    expect(supersededBy(scan(circle, host()))).toEqual({ u1: ['u3'], u2: ['u3'], u3: [] });
  });

  it('follows a superseder to its newest revision and ignores what the publication lacks', () => {
    const some = index([
      update(1, { supersededBy: [2, 99] }),
      update(2, { updateId: 'n', revision: 100 }),
      update(3, { updateId: 'n', revision: 101 }),
    ]);
    expect(supersededBy(scan(some, host()))).toEqual({ u1: ['n'], n: [] });
  });
});

describe('scanHost, whatever the catalogue', () => {
  const ids = fc.integer({ min: 1, max: 12 });
  const id = ids.map((number) => `u${number}`);
  const anyRule = (updateId: string) =>
    fc.constantFrom<Rule>(flag(updateId), flag(updateId), always, { op: 'False' }, { op: 'Not', rule: flag('u1') });
  const anyUpdate = fc
    .record({
      revisionId: ids,
      type: fc.constantFrom('software', 'category', 'detectoid', 'unknown'),
      action: fc.constantFrom('install', 'bundle', 'evaluate'),
      isBundle: fc.boolean(),
      prerequisites: fc.array(fc.array(id, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
      bundledBy: fc.array(ids, { maxLength: 2 }),
      supersededBy: fc.array(ids, { maxLength: 3 }),
    } as const)
    .chain((changes) =>
      fc
        .record({ isInstalled: anyRule(`u${changes.revisionId}`), isInstallable: anyRule('u3') })
        .map((rules) => update(changes.revisionId, { ...changes, rules })),
    );
  const anyIndex = fc
    .uniqueArray(anyUpdate, { selector: (one) => one.update.revisionId, maxLength: 12 })
    .map((list) => index(list));
  const some = fc.uniqueArray(id, { maxLength: 6 });

  it('ends, never lists an update twice, and someone is left whom nobody needed replaces', () => {
    fc.assert(
      fc.property(anyIndex, some, fc.boolean(), (any, present, complete) => {
        const result = scan(any, host(present, complete));
        const all = [...neededIds(result), ...installedIds(result)];
        expect(new Set(all).size).toBe(all.length);
        for (const one of result.needed) for (const newer of one.supersededBy) expect(all).toContain(newer);
        if (result.needed.length > 0 && result.installed.length === 0) {
          expect(result.needed.some((one) => one.supersededBy.length === 0)).toBe(true);
        }
      }),
    );
  });

  it('noting everything that is needed as installed leaves no need of it', () => {
    fc.assert(
      fc.property(anyIndex, some, (any, present) => {
        const first = scan(any, host(present));
        const done = first.needed.flatMap((one) => [one.updateId, ...one.leaves.map((part) => part.updateId)]);
        const second = scan(any, { ...host(present), installedUpdates: done });
        expect(neededIds(second).filter((one) => done.includes(one))).toEqual([]);
        for (const one of neededIds(first)) expect(installedIds(second)).toContain(one);
      }),
    );
  });
});
