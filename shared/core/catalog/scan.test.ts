import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  always,
  bundle,
  category,
  detectoid,
  flag,
  host,
  index,
  installedIds,
  leaf,
  neededIds,
  nothing,
  scan,
  update,
} from '#test/kit/scan.ts';
import type { ApplicabilityRules, Rule, RuleLookup } from './applicability/model.ts';
import { type HostScan, scanHost } from './scan.ts';
import { unitFactsOf } from './unit-facts.ts';

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

  it('says of a unit what rules ask for, over all its parts', () => {
    const categories = { classification: 'c', products: ['p', 'untitled'], families: [], companies: [] };
    const known = index(
      [
        bundle(1, { categories, reboot: 'never' }),
        leaf(2, [1], { payload: ['f', 'g'] }),
        leaf(3, [1], { payload: ['g', 'h'], prerequisites: [['x86']], reboot: 'can' }),
        detectoid('x86'),
        category('p', { title: 'Windows 11' }),
        category('c', { title: 'Security Updates' }),
      ],
      ['f', 'g', 'h'].map((sha1, at) => ({ sha1, size: 10 ** at })),
    );
    const [one] = scan(known, host()).needed;
    expect(one?.files.map(({ sha1 }) => sha1)).toEqual(['f', 'g']);
    expect(one).toMatchObject({
      products: [{ id: 'p', title: 'Windows 11' }, { id: 'untitled' }],
      classification: { id: 'c', title: 'Security Updates' },
      bytes: 111,
      reboot: 'can',
    });
    const facts = unitFactsOf(known.catalog).get('u1');
    const { products, classification, bytes, reboot } = facts ?? {};
    expect(one).toMatchObject({ products, classification, bytes, reboot });
    // A size that is not known is not guessed.
    const [unsized] = scan(some, host(['x86'])).needed;
    expect(unsized).not.toHaveProperty('bytes');
    expect(unsized).not.toHaveProperty('classification');
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
