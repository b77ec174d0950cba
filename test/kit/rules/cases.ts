import { expect, it } from 'vitest';
import { explain } from '#shared/core/rules/explain.ts';
import { compileRules, judge } from '#shared/core/rules/judge.ts';
import type { Judged, Rule, RulePackage, Verdict, VerdictCode } from '#shared/core/rules/model.ts';

/** What every case judges unless it says otherwise: thirty days old, and with something for each condition. */
export const update: Judged = {
  updateId: '0000000a-0000-4000-8000-000000000000',
  revision: 200,
  kbs: ['5000001', '5000002'],
  title: '2026-01 Cumulative Update for Windows 10 Version 22H2 (KB5000001)',
  severity: 'Critical',
  products: [
    { id: '000000b1-0000-4000-8000-000000000000', title: 'Windows 10, version 1903 and later' },
    { id: '000000b2-0000-4000-8000-000000000000' },
  ],
  classification: { id: '000000c1-0000-4000-8000-000000000000', title: 'Security Updates' },
  reboot: 'can',
  bytes: 1_000_000,
  firstPublishedAt: '2026-01-01T00:00:00Z',
};
export const now = '2026-01-31T00:00:00Z';

export const servicingStack: Judged = {
  ...update,
  title: '2026-01 Servicing Stack Update for Windows Server 2016 (KB5000001)',
};

/** A package; of priority 0 unless it says otherwise. */
export const pack = (
  name: string,
  { priority = 0, rules = [], ...others }: Partial<Omit<RulePackage, 'name'>>,
): RulePackage => ({ name, priority, rules, ...others });

/** Rules in few letters. */
export const forbid = (when: Rule['when'], more: Partial<Rule> = {}): Rule => ({ effect: 'forbid', when, ...more });
export const hold = (when: Rule['when'], more: Partial<Rule> = {}): Rule => ({ effect: 'hold', when, ...more });
export const allow = (when: Rule['when'], more: Partial<Rule> = {}): Rule => ({ effect: 'allow', when, ...more });

export interface Case {
  readonly name: string;
  readonly packages: readonly RulePackage[];
  /** What differs from {@link update}. */
  readonly update?: Partial<Judged>;
  /** @default {@link now} */
  readonly at?: string;
  readonly code: VerdictCode;
  /** The whole sentence. */
  readonly reason: string;
  /** `pilot 2`: rule 2 of it; `pilot wapt`, `pilot settings`; absent: nobody's. */
  readonly by?: string;
  readonly until?: string;
}

/**
 * Tests each case: the verdict as a whole, whatever the order of the packages, and that the explanation says the same. Where
 * it changes by itself, the new verdict is another one and the old one holds until then.
 */
export function testCases(cases: readonly Case[]): void {
  it.each(cases)('$name', (each) => {
    const judged = { ...update, ...each.update };
    const at = new Date(each.at ?? now);
    const expected: Verdict = {
      allowed: ['allowed', 'servicing-stack', 'default-allow'].includes(each.code),
      code: each.code,
      reason: each.reason,
      ...(each.by !== undefined && { by: sourceOf(each.by) }),
      ...(each.until !== undefined && { until: each.until }),
    };
    const rules = compileRules(each.packages);
    expect(judge(rules, judged, at)).toEqual(expected);
    expect(judge(compileRules(each.packages.toReversed()), judged, at)).toEqual(expected);
    const { verdict, steps } = explain(rules, judged, at);
    expect(verdict).toEqual(expected);
    expect(steps.filter(({ decided }) => decided).map(({ said }) => said)).toEqual([each.reason]);
    if (each.until !== undefined) {
      const change = Date.parse(each.until);
      expect(judge(rules, judged, new Date(change)).code).not.toBe(each.code);
      expect(judge(rules, judged, new Date(change - 1)).code).toBe(each.code);
    }
  });
}

function sourceOf(text: string): NonNullable<Verdict['by']> {
  const [name = '', rule = ''] = text.split(' ');
  return { package: name, rule: rule === 'wapt' || rule === 'settings' ? rule : Number(rule) };
}
