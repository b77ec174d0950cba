import { expect, it } from 'vitest';
import { explain } from './explain.ts';
import { compileRules, judge } from './judge.ts';
import type { Judged, RulePackage } from './model.ts';

const update: Judged = {
  updateId: '11111111-1111-4111-8111-111111111111',
  revision: 2,
  kbs: ['500001'],
  products: [{ id: 'aaaaaaaa-0000-4000-8000-000000000001', title: 'Windows 10' }],
  firstPublishedAt: '2026-01-01T00:00:00Z',
};
const now = new Date('2026-01-04T00:00:00Z');

it('says why, and until when', () => {
  const packages: readonly RulePackage[] = [
    {
      name: 'pilot',
      priority: 0,
      rules: [
        { effect: 'allow', when: { kbs: ['500001'] } },
        { effect: 'hold', when: { products: ['windows 10'] }, expiresAt: '2026-01-05T00:00:00Z', comment: 'ticket 17' },
      ],
      settings: { installDelaySeconds: 7 * 24 * 3600 },
    },
  ];
  const { verdict, steps } = explain(compileRules(packages), update, now);
  expect(verdict).toEqual(judge(compileRules(packages), update, now));
  expect(verdict).toEqual({
    allowed: false,
    code: 'held',
    reason: 'held back by rule 2 of "pilot": product Windows 10; comment: ticket 17',
    by: { package: 'pilot', rule: 2 },
    until: '2026-01-05T00:00:00.000Z',
  });
  expect(steps.map(({ step, decided }) => [step, decided])).toEqual([
    ['forbid', false],
    ['hold', true],
  ]);
});
