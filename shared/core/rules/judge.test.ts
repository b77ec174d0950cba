import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Severity } from '../catalog/model.ts';
import { judge } from './judge.ts';
import type { Judged, RuleSet } from './model.ts';

const nothing: RuleSet = { defaultAllow: false, allowedKbs: [], forbiddenKbs: [], allowedSeverities: [] };

describe('judge, case by case', () => {
  const update: Judged = { kbs: ['5001'], severity: 'Critical' };
  const cases: readonly [string, Partial<RuleSet>, Judged, boolean, string, string][] = [
    [
      'holds back what nothing mentions',
      {},
      update,
      false,
      'default-deny',
      'no rule allows KB5001 with severity Critical',
    ],
    ['allows by default', { defaultAllow: true }, update, true, 'default-allow', 'the default is to allow'],
    ['allows a KB', { allowedKbs: ['5001'] }, update, true, 'allowed-kb', 'KB5001 is allowed'],
    ['forbids a KB', { forbiddenKbs: ['5001'] }, update, false, 'forbidden-kb', 'KB5001 is forbidden'],
    [
      'forbids against the default',
      { forbiddenKbs: ['5001'], defaultAllow: true },
      update,
      false,
      'forbidden-kb',
      'KB5001',
    ],
    [
      'forbids what is also allowed',
      { forbiddenKbs: ['5001'], allowedKbs: ['5001'], allowedSeverities: ['Critical'] },
      update,
      false,
      'forbidden-kb',
      'KB5001',
    ],
    [
      'forbids by the second KB of an update although the first is allowed',
      { forbiddenKbs: ['5002'], allowedKbs: ['5001'] },
      { kbs: ['5001', '5002'] },
      false,
      'forbidden-kb',
      'KB5002 is forbidden',
    ],
    [
      'allows a severity',
      { allowedSeverities: ['Important', 'Critical'] },
      update,
      true,
      'allowed-severity',
      'severity Critical is allowed',
    ],
    [
      'names the KB before the severity',
      { allowedKbs: ['5001'], allowedSeverities: ['Critical'] },
      update,
      true,
      'allowed-kb',
      'KB5001',
    ],
    [
      'does not guess a severity',
      { allowedSeverities: ['Low'] },
      { kbs: [] },
      false,
      'default-deny',
      'without a severity',
    ],
    ['compares whole numbers', { allowedKbs: ['50011', '500'] }, update, false, 'default-deny', 'KB5001'],
  ];
  it.each(cases)('%s', (_name, rules, judged, allowed, code, reason) => {
    const verdict = judge({ ...nothing, ...rules }, judged);
    expect(verdict).toMatchObject({ allowed, code });
    expect(verdict.reason).toContain(reason);
  });
});

describe('judge, whatever the rules', () => {
  // A small alphabet, so that lists and updates meet often.
  const kb = fc.constantFrom('10001', '10002', '10003', '10004', '10005');
  const severity = fc.constantFrom<Severity>('Critical', 'Important', 'Moderate', 'Low');
  const rules = fc.record({
    defaultAllow: fc.boolean(),
    allowedKbs: fc.array(kb, { maxLength: 5 }),
    forbiddenKbs: fc.array(kb, { maxLength: 5 }),
    allowedSeverities: fc.array(severity, { maxLength: 4 }),
  });
  const update = fc.record({ kbs: fc.array(kb, { maxLength: 3 }), severity: fc.option(severity, { nil: undefined }) });

  it('a forbidden KB always wins', () => {
    fc.assert(
      fc.property(rules, update, kb, (some, judged, bad) => {
        const verdict = judge(
          { ...some, forbiddenKbs: [...some.forbiddenKbs, bad] },
          { ...judged, kbs: [...judged.kbs, bad] },
        );
        expect(verdict).toMatchObject({ allowed: false, code: 'forbidden-kb' });
      }),
    );
  });

  it('the order of lists, and of the KB numbers, does not change the decision', () => {
    fc.assert(
      fc.property(rules, update, (some, judged) => {
        const turned = {
          ...some,
          allowedKbs: some.allowedKbs.toReversed(),
          forbiddenKbs: some.forbiddenKbs.toReversed(),
          allowedSeverities: some.allowedSeverities.toReversed(),
        };
        const { allowed, code } = judge(some, judged);
        expect(judge(turned, judged)).toEqual(judge(some, judged));
        expect(judge(turned, { ...judged, kbs: judged.kbs.toReversed() })).toMatchObject({ allowed, code });
      }),
    );
  });

  it('one more allowed KB never takes an update away, one more forbidden KB never adds one', () => {
    fc.assert(
      fc.property(rules, update, kb, (some, judged, extra) => {
        const before = judge(some, judged).allowed;
        if (before) expect(judge({ ...some, allowedKbs: [...some.allowedKbs, extra] }, judged).allowed).toBe(true);
        else expect(judge({ ...some, forbiddenKbs: [...some.forbiddenKbs, extra] }, judged).allowed).toBe(false);
      }),
    );
  });

  it('the default counts only where no list matches, and a reason is always given', () => {
    fc.assert(
      fc.property(rules, update, (some, judged) => {
        const verdict = judge(some, judged);
        const flipped = judge({ ...some, defaultAllow: !some.defaultAllow }, judged);
        const byDefault = verdict.code === 'default-allow' || verdict.code === 'default-deny';
        expect(flipped.allowed === verdict.allowed).toBe(!byDefault);
        expect(verdict.reason.length).toBeGreaterThan(0);
      }),
    );
  });
});
