import { describe, expect, it } from 'vitest';
import { type RulePackageDocument, ruleBook, rulesChange } from '#shared/contract/rules.ts';
import { compileRules, judge } from '#shared/core/rules/judge.ts';
import { guid } from '#test/kit/values.ts';
import { removalToolKb, withdrawnKb } from '../upstream/invent/world.ts';
import { demonstrationRules, forbidsKb } from './rules.ts';

describe('the rules of the demonstration', () => {
  const rules = compileRules(demonstrationRules.packages);
  const reasonFor = (kb: string, severity?: 'Critical' | 'Important' | 'Low') => {
    const update = {
      updateId: guid(1),
      revision: 1,
      kbs: [kb],
      severity,
      products: [],
      firstPublishedAt: '2026-01-01T00:00:00Z',
    };
    return judge(rules, update, new Date('2026-06-01T00:00:00Z'));
  };

  it('can be written by the API', () => {
    expect(() => rulesChange.parse({ version: 2, expectedRevision: 0, book: demonstrationRules })).not.toThrow();
  });

  it('forbid one KB, and allow one and two severities', () => {
    expect(reasonFor(withdrawnKb, 'Important')).toMatchObject({
      code: 'forbidden',
      reason: `forbidden by rule 1 of "demonstration": KB${withdrawnKb}; comment: breaks printing`,
    });
    expect(reasonFor(removalToolKb)).toMatchObject({ code: 'allowed' });
    expect(reasonFor('5000001', 'Critical')).toMatchObject({ code: 'allowed' });
    expect(reasonFor('5000001', 'Important')).toMatchObject({ code: 'allowed' });
    expect(reasonFor('5000001', 'Low')).toMatchObject({ code: 'default-deny' });
    expect(reasonFor('5000001')).toMatchObject({ code: 'default-deny' });
  });
});

describe('that a KB is forbidden', () => {
  const forbid: RulePackageDocument['rules'][number] = { effect: 'forbid', when: { kbs: ['5999101'] } };
  const packageOf = (more: Partial<RulePackageDocument>): RulePackageDocument => ({
    name: 'some',
    priority: 0,
    rules: [],
    ...more,
  });
  it.each<[string, Partial<RulePackageDocument>, boolean]>([
    ['by a rule', { rules: [forbid] }, true],
    ['by a list of WAPT', { wapt: { forbiddenKbs: ['5999101'] } }, true],
    ['by nothing', {}, false],
    ['by a rule for some products', { rules: [{ ...forbid, when: { ...forbid.when, products: ['x'] } }] }, false],
    ['by a rule that has expired', { rules: [{ ...forbid, expiresAt: '2020-01-01T00:00:00Z' }] }, false],
    ['by a rule of another KB', { rules: [{ ...forbid, when: { kbs: ['5999102'] } }] }, false],
    ['by an allowing rule', { rules: [{ ...forbid, effect: 'allow' }] }, false],
  ])('%s', (_how, more, forbidden) => {
    const book = ruleBook.parse({
      packages: [packageOf(more)],
      assignments: { groups: { everyone: ['some'], others: [] }, hosts: {} },
    });
    expect(forbidsKb({ version: 2, revision: 1, book }, '5999101')).toBe(forbidden);
    const elsewhere = { ...book, assignments: { groups: { others: ['some'] }, hosts: {} } };
    expect(forbidsKb({ version: 2, revision: 1, book: elsewhere }, '5999101')).toBe(false);
  });
});
