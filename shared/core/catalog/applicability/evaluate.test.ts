import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOperators, op } from '#test/kit/operators.ts';
import {
  conjunction,
  decided,
  disjunction,
  evaluateApplicability,
  evaluateRule,
  negated,
  undecided,
} from './evaluate.ts';
import { HostFacts } from './host-facts.ts';
import type { HostState, RegistryData } from './host-state.ts';
import type { Rule } from './model.ts';

/** What is known of some values: true, false, or nothing. */
type Known = Readonly<Record<string, boolean | undefined>>;
const names = ['a', 'b', 'c', 'd'];
const known = fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom(true, false, undefined)])));

const flag = (name: string): Rule => ({
  op: 'b.RegDword',
  value: { root: 'machine', subkey: 'SOFTWARE\\Test', view32: false, value: name },
  comparison: 'EqualTo',
  data: 1,
});
const state = (truths: Known): HostState => ({
  registry: {
    complete: false,
    keys: {
      'SOFTWARE\\Test': Object.fromEntries(
        Object.entries(truths).flatMap(([name, truth]): [string, RegistryData][] =>
          truth === undefined ? [] : [[name, { type: 'REG_DWORD', data: truth ? 1 : 0 }]],
        ),
      ),
    },
  },
});
const verdict = (rule: Rule, truths: Known) => evaluateRule(rule, {}, new HostFacts(state(truths)));

const { rule: anyRule } = fc.letrec<{ rule: Rule; leaf: Rule; inner: Rule }>((tie) => ({
  leaf: fc.oneof(fc.constantFrom(...names).map(flag), fc.constantFrom<Rule>({ op: 'True' }, { op: 'False' })),
  inner: fc.oneof(
    tie('rule').map((rule): Rule => ({ op: 'Not', rule })),
    fc
      .tuple(fc.constantFrom('And', 'Or'), fc.array(tie('rule'), { minLength: 1, maxLength: 4 }))
      .map(([op, rules]): Rule => ({ op: op === 'And' ? 'And' : 'Or', rules })),
  ),
  rule: fc.oneof({ maxDepth: 5 }, tie('leaf'), tie('inner')),
}));
const not = (rule: Rule): Rule => ({ op: 'Not', rule });

describe('three-valued logic', () => {
  const yes: Rule = { op: 'True' };
  const no: Rule = { op: 'False' };
  const maybe = flag('a');
  it.each<[string, Rule, boolean | undefined]>([
    ['True and unknown', { op: 'And', rules: [yes, maybe] }, undefined],
    ['False and unknown', { op: 'And', rules: [maybe, no] }, false],
    ['True or unknown', { op: 'Or', rules: [maybe, yes] }, true],
    ['False or unknown', { op: 'Or', rules: [no, maybe] }, undefined],
    ['not unknown', not(maybe), undefined],
  ])('%s', (_name, rule, value) => {
    expect(verdict(rule, {}).value).toBe(value);
  });

  it('names what keeps a rule open, and nothing that does not', () => {
    const rule: Rule = {
      op: 'And',
      rules: [{ op: 'Or', rules: [flag('a'), yes] }, { op: 'Or', rules: [flag('b'), no] }, not(flag('c'))],
    };
    expect(verdict(rule, {}).unknown.map(({ about }) => about)).toEqual(['SOFTWARE\\Test: b', 'SOFTWARE\\Test: c']);
    expect(verdict(rule, { b: false })).toEqual({ value: false, unknown: [] });
  });

  it('obeys De Morgan', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 1, maxLength: 4 }), known, (rules, truths) => {
        const all = verdict(not({ op: 'And', rules }), truths);
        expect(verdict({ op: 'Or', rules: rules.map(not) }, truths).value).toBe(all.value);
        const any = verdict(not({ op: 'Or', rules }), truths);
        expect(verdict({ op: 'And', rules: rules.map(not) }, truths).value).toBe(any.value);
        const parts = rules.map((rule) => verdict(rule, truths));
        expect(verdict({ op: 'And', rules }, truths).value).toBe(conjunction(parts).value);
        expect(verdict({ op: 'Or', rules }, truths).value).toBe(disjunction(parts).value);
      }),
    );
  });

  it('is decided when everything is known, and what is decided stays so when more gets known', () => {
    fc.assert(
      fc.property(anyRule, known, known, (rule, first, then) => {
        const before = verdict(rule, first);
        const later = Object.fromEntries(names.map((name) => [name, first[name] ?? then[name]]));
        if (before.value !== undefined) expect(verdict(rule, later)).toEqual({ value: before.value, unknown: [] });
        else expect(before.unknown.length).toBeGreaterThan(0);
        const all = Object.fromEntries(names.map((name) => [name, later[name] ?? false]));
        expect(verdict(rule, all).value).toBeTypeOf('boolean');
      }),
    );
  });

  it('combines verdicts alike', () => {
    const open = undecided([{ operator: 'b.WmiQuery', about: 'x' }]);
    expect(conjunction([])).toEqual(decided(true));
    expect(disjunction([])).toEqual(decided(false));
    expect(conjunction([open, decided(false)])).toEqual(decided(false));
    expect(disjunction([open, decided(false)])).toEqual(open);
    expect(negated(open)).toEqual(open);
  });
});

describe('an update', () => {
  const rules = (isInstalled: Rule, isInstallable: Rule, isSuperseded?: Rule) => ({
    isInstalled,
    isInstallable,
    ...(isSuperseded === undefined ? {} : { isSuperseded }),
  });
  const [yes, no, open]: Rule[] = [{ op: 'True' }, { op: 'False' }, flag('a')];
  const needed = (...all: Parameters<typeof rules>): boolean | undefined =>
    evaluateApplicability(rules(...all), new HostFacts({})).needed.value;

  it('is needed when it is not installed, not superseded, and installable', () => {
    if (yes === undefined || no === undefined || open === undefined) throw new Error('no rules');
    expect(needed(no, yes)).toBe(true);
    expect(needed(no, yes, no)).toBe(true);
    expect(needed(yes, yes)).toBe(false);
    expect(needed(no, no)).toBe(false);
    expect(needed(no, yes, yes)).toBe(false);
    expect(needed(open, yes)).toBeUndefined();
    expect(needed(no, open)).toBeUndefined();
    expect(needed(no, yes, open)).toBeUndefined();
    expect(needed(open, no)).toBe(false);
    expect(needed(yes, open)).toBe(false);
    expect(needed(open, open, yes)).toBe(false);
  });
});

checkOperators([
  ['True', op('True'), { yes: [{}], no: [], unknown: [] }],
  ['False', op('False'), { yes: [], no: [{}], unknown: [] }],
  ['an operator that is not evaluated', op('b.Memory', {}), { yes: [], no: [], unknown: [{}] }],
]);

describe('an operator', () => {
  it('that is unknown is named, with what is not known', () => {
    const rule = op('b.RegDword', {
      Key: 'HKEY_LOCAL_MACHINE',
      Subkey: 'SOFTWARE\\A',
      Value: 'V',
      Comparison: 'EqualTo',
      Data: '1',
    });
    expect(evaluateRule(rule, {}, new HostFacts({})).unknown).toEqual([
      { operator: 'b.RegDword', about: 'SOFTWARE\\A: V' },
    ]);
    expect(
      evaluateRule(
        rule,
        {},
        new HostFacts({
          registry: { complete: false, keys: { 'SOFTWARE\\A': { V: { type: 'REG_DWORD', data: 1 } } } },
        }),
      ).unknown,
    ).toEqual([]);
  });
});
