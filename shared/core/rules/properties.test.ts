import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as anyOf from '#test/kit/rules/arbitraries.ts';
import { judgePlainly } from '#test/kit/rules/plain.ts';
import { explain } from './explain.ts';
import { compileRules, judge } from './judge.ts';
import type { Judged, RulePackage, Verdict, WaptLists } from './model.ts';

/** A property of packages, an update and a moment, and of whatever else it needs. */
const always = <Other extends unknown[]>(
  others: { [index in keyof Other]: fc.Arbitrary<Other[index]> },
  property: (packages: readonly RulePackage[], update: Judged, now: Date, ...others: Other) => void,
): void =>
  fc.assert(
    fc.property(
      anyOf.packages,
      anyOf.update,
      anyOf.moment,
      fc.tuple<Other>(...others),
      (packages, update, now, others) => property(packages, update, now, ...others),
    ),
    { numRuns: 1000 },
  );

const verdictOf = (packages: readonly RulePackage[], update: Judged, now: Date): Verdict =>
  judge(compileRules(packages), update, now);

/** With one more rule somewhere in one of the packages, or in a new one. */
const withRule = (
  packages: readonly RulePackage[],
  rule: RulePackage['rules'][number],
  where: number,
): RulePackage[] => {
  const target = packages[where % (packages.length + 1)];
  if (target === undefined) return [...packages, { name: 'new', priority: (where % 5) - 2, rules: [rule] }];
  const rules = target.rules.toSpliced(where % (target.rules.length + 1), 0, rule);
  return packages.map((each) => (each === target ? { ...each, rules } : each));
};
const somewhere = fc.nat(1000);

const isStack = ({ title }: Judged): boolean => title?.includes('Servicing Stack Update') === true;

describe('judge, whatever the rules', () => {
  it('finds what reading the rules one by one in their order finds', () => {
    always([], (packages, update, now) => {
      const { code, by } = verdictOf(packages, update, now);
      const source = by === undefined ? undefined : `${by.package} ${by.rule}`;
      expect({ code, by: source }).toEqual(judgePlainly(packages, update, now));
    });
  });

  it('does not look at the order of the packages', () => {
    always([fc.infiniteStream(fc.nat())], (packages, update, now, numbers) => {
      const shuffled = packages
        .map((each) => ({ each, at: numbers.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ each }) => each);
      expect(verdictOf(shuffled, update, now)).toEqual(verdictOf(packages, update, now));
    });
  });

  it('one more forbid never allows an update, and forbids what it matches', () => {
    always([anyOf.rule, somewhere], (packages, update, now, rule, where) => {
      const more = withRule(packages, { ...rule, effect: 'forbid' }, where);
      if (!verdictOf(packages, update, now).allowed) expect(verdictOf(more, update, now).allowed).toBe(false);
      const byId = withRule(packages, { effect: 'forbid', when: { updates: [update.updateId] } }, where);
      expect(verdictOf(byId, update, now)).toMatchObject({ allowed: false, code: 'forbidden' });
      const everything = withRule(
        packages,
        { effect: 'forbid', when: { severities: [update.severity ?? 'Unspecified'] } },
        where,
      );
      if (!isStack(update))
        expect(verdictOf(everything, update, now)).toMatchObject({ allowed: false, code: 'forbidden' });
    });
  });

  it('one more hold never allows an update', () => {
    always([anyOf.rule, somewhere], (packages, update, now, rule, where) => {
      const more = withRule(packages, { ...rule, effect: 'hold' }, where);
      if (!verdictOf(packages, update, now).allowed) expect(verdictOf(more, update, now).allowed).toBe(false);
    });
  });

  it('one more allow never takes an update away, and lifts no forbid and no hold', () => {
    always([anyOf.rule, somewhere], (packages, update, now, rule, where) => {
      const before = verdictOf(packages, update, now);
      const after = verdictOf(withRule(packages, { ...rule, effect: 'allow' }, where), update, now);
      if (before.allowed) expect(after.allowed).toBe(true);
      if (before.code === 'forbidden' || before.code === 'held') expect(after.code).toBe(before.code);
    });
  });

  it('the same of one more entry in a list of WAPT', () => {
    always([anyOf.waptLists], (packages, update, now, { forbiddenUpdates = [], forbiddenKbs = [], ...allowing }) => {
      const before = verdictOf(packages, update, now).allowed;
      const withLists = (wapt: WaptLists) => [...packages, { name: 'new', priority: 0, rules: [], wapt }];
      if (before) expect(verdictOf(withLists(allowing), update, now).allowed).toBe(true);
      else expect(verdictOf(withLists({ forbiddenUpdates, forbiddenKbs }), update, now).allowed).toBe(false);
    });
  });

  it('expired rules are as absent', () => {
    always([], (packages, update, now) => {
      const remaining = packages.map((each) => ({
        ...each,
        rules: each.rules.filter(({ expiresAt }) => expiresAt === undefined || now < new Date(expiresAt)),
      }));
      // Numbers of rules move when others are taken away before them.
      const unnumbered = ({ reason, by, ...others }: Verdict) => ({
        ...others,
        reason: reason.replace(/rule \d+ of/, 'rule of'),
        package: by?.package,
      });
      expect(unnumbered(verdictOf(remaining, update, now))).toEqual(unnumbered(verdictOf(packages, update, now)));
    });
  });

  it('a servicing stack update is allowed unless it is forbidden by id', () => {
    always([], (packages, update, now) => {
      const stack = { ...update, title: 'Servicing Stack Update' };
      const named = packages.some(
        ({ rules, wapt }) =>
          rules.some(({ effect, when }) => effect === 'forbid' && when.updates !== undefined) ||
          (wapt?.forbiddenUpdates ?? []).length > 0,
      );
      const { code } = verdictOf(packages, stack, now);
      expect(named ? ['forbidden', 'servicing-stack'] : ['servicing-stack']).toContain(code);
    });
  });

  it('holds until the moment that it says, and without one for ever', () => {
    always([], (packages, update, now) => {
      const rules = compileRules(packages);
      const { code, until } = judge(rules, update, now);
      const later = (at: number) => judge(rules, update, new Date(at)).code;
      const end = until === undefined ? now.getTime() + 90 * 24 * 3600_000 : Date.parse(until);
      expect(end).toBeGreaterThan(now.getTime());
      const codes = new Set<string>();
      for (let at = now.getTime(); at < end; at += 6 * 3600_000) codes.add(later(at));
      expect([...codes]).toEqual([code]);
      expect(later(end - 1)).toBe(code);
      if (until !== undefined) expect(later(end)).not.toBe(code);
    });
  });

  it('explains the very verdict, by one step that decided and none that is left open', () => {
    always([], (packages, update, now) => {
      const rules = compileRules(packages);
      const { verdict, steps } = explain(rules, update, now);
      expect(verdict).toEqual(judge(rules, update, now));
      expect(steps.filter(({ decided }) => decided).map(({ said }) => said)).toEqual([verdict.reason]);
      const order = ['forbid', 'hold', 'servicing stack', 'allow', 'delay', 'default'];
      expect(steps.map(({ step }) => step)).toEqual(order.slice(0, steps.length));
      expect(steps.every(({ said }) => said !== '' && !/undefined|NaN|Infinity/.test(said))).toBe(true);
    });
  });
});

describe('a book of one package with nothing but WAPT lists', () => {
  /** First match wins: windows-updates, section 1, written out. It says nothing of servicing stack updates. */
  const asWapt = (wapt: WaptLists, defaultAllow: boolean, update: Judged): boolean => {
    const listed = (list: readonly string[] | undefined, ...names: (string | undefined)[]): boolean =>
      (list ?? []).some((entry) => names.some((name) => name?.toLowerCase() === entry.toLowerCase()));
    const ids = [update.updateId, `${update.updateId}_${update.revision}`];
    if (listed(wapt.forbiddenUpdates, ...ids)) return false;
    if (listed(wapt.forbiddenKbs, ...update.kbs)) return false;
    if (listed(wapt.allowedUpdates, ...ids)) return true;
    if (listed(wapt.allowedKbs, ...update.kbs)) return true;
    if (
      listed(
        wapt.allowedProducts,
        ...update.products.flatMap(({ id, title }: { id: string; title?: string }) => [id, title]),
      )
    ) {
      return true;
    }
    if (listed(wapt.allowedSeverities, update.severity)) return true;
    if (listed(wapt.allowedClassifications, update.classification?.id, update.classification?.title)) return true;
    return defaultAllow;
  };

  it('judges as WAPT does', () => {
    fc.assert(
      fc.property(anyOf.waptLists, fc.boolean(), anyOf.update, anyOf.moment, (wapt, defaultAllow, update, now) => {
        fc.pre(!isStack(update));
        const book = [{ name: 'wapt', priority: 0, rules: [], wapt, settings: { defaultAllow } }];
        expect(verdictOf(book, update, now).allowed).toBe(asWapt(wapt, defaultAllow, update));
      }),
      { numRuns: 3000 },
    );
  });
});
