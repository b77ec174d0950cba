import { describe, expect, it } from 'vitest';
import type { NeededUpdate } from '#shared/core/catalog/scan.ts';
import type { RulePackage, VerdictCode } from '#shared/core/rules/model.ts';
import { ageFrom, keepPublications, unknownPublications } from './first-published.ts';

const needed = (number: number): NeededUpdate => ({
  updateId: `u${number}`,
  revision: 1,
  kbs: [],
  createdAt: '2026-01-10T00:00:00Z',
  leaves: [],
  files: [],
  products: [],
  supersededBy: [],
});
const judged = (code: VerdictCode, number = 1) => ({ update: needed(number), verdict: { code } });
const pack = (when: RulePackage['rules'][number]['when']): RulePackage => ({
  name: 'pilot',
  priority: 0,
  rules: [{ effect: 'hold', when }],
});

describe('first publications', () => {
  it.each([
    ['nothing is known', undefined, '2026-01-10T00:00:00Z'],
    ['the answer is earlier', '2025-12-01T00:00:00Z', '2025-12-01T00:00:00Z'],
    ['the answer is later', '2026-01-11T00:00:00Z', '2026-01-10T00:00:00Z'],
    ['the answer is earlier in another zone', '2026-01-10T01:00:00+02:00', '2026-01-10T01:00:00+02:00'],
  ])('the age is counted from the earlier moment: %s', (_name, told, expected) => {
    expect(ageFrom(needed(1), new Map(told === undefined ? [] : [['u1', told]]))).toBe(expected);
  });

  it('are believed of an update whose own date is none', () => {
    const odd = { ...needed(1), createdAt: 'in spring' };
    expect(ageFrom(odd, new Map([['u1', '2026-01-11T00:00:00Z']]))).toBe('2026-01-11T00:00:00Z');
    expect(ageFrom(odd, new Map())).toBe('in spring');
  });

  it('are asked for where they may change a verdict, and once', () => {
    const all = [judged('delayed', 1), judged('allowed', 2), judged('delayed', 3)];
    const known = new Map([['u3', '2026-01-01T00:00:00Z']]);
    expect(unknownPublications(all, [pack({ kbs: ['5000001'] })], known)).toEqual(['u1']);
    expect(unknownPublications(all, [pack({ maxAgeSeconds: 60 })], known)).toEqual(['u1', 'u2']);
    expect(unknownPublications(all, [pack({ minAgeSeconds: 60 })], known)).toEqual(['u1', 'u2']);
  });

  it('are kept for updates that are needed, the newest 2000', () => {
    const many = Array.from({ length: 2500 }, (_, number) => needed(number));
    const known = new Map(many.map(({ updateId, createdAt }) => [updateId, createdAt]));
    expect([...keepPublications(known, [needed(7), needed(9999)]).keys()]).toEqual(['u7']);
    const kept = [...keepPublications(known, many).keys()];
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([2000, 'u500', 'u2499']);
  });
});
