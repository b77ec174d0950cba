import fc from 'fast-check';
import type { Severity } from '#shared/core/catalog/model.ts';
import type { Conditions, Effect, Judged, Rule, RulePackage, WaptLists } from '#shared/core/rules/model.ts';

/** Small alphabets, so that rules and updates meet often. */
const updateIds = ['0000000a-0000-4000-8000-000000000000', '0000000b-0000-4000-8000-000000000000'] as const;
const kb = fc.constantFrom('5000001', '5000002', '5000003', '5000004');
const updateId = fc.constantFrom(...updateIds);
const updateName = fc.oneof(
  updateId,
  fc.tuple(updateId, fc.integer({ min: 1, max: 2 })).map(([id, of]) => `${id}_${of}`),
);
const severity = fc.constantFrom<Severity>('Critical', 'Important', 'Moderate', 'Low');
const products = [{ id: 'b1', title: 'Windows 10' }, { id: 'b2', title: 'Windows 11' }, { id: 'b3' }] as const;
const classifications = [{ id: 'c1', title: 'Updates' }, { id: 'c2' }] as const;
const productName = fc.constantFrom('b1', 'B3', 'WINDOWS 10', 'windows 11', 'Office');
const classificationName = fc.constantFrom('C1', 'c2', 'updates', 'Drivers');
const day = 24 * 3600;
const seconds = fc.constantFrom(0, day, 3 * day, 10 * day);

/** When it is judged; the updates are a day to a month old, and rules expire around it. */
export const moment = fc.constantFrom('2026-01-10T00:00:00Z', '2026-01-11T06:00:00Z').map((text) => new Date(text));

const some = <Value>(of: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> => fc.array(of, { minLength: 1, maxLength: 3 });

const conditions: fc.Arbitrary<Conditions> = fc
  .record(
    {
      kbs: some(kb),
      updates: some(updateName),
      products: some(productName),
      classifications: some(classificationName),
      severities: some(fc.oneof(severity, fc.constant('Unspecified' as const))),
      title: fc.constantFrom('*', '*preview*', '2026-0?*', 'Servicing*', 'no such title'),
      minAgeSeconds: seconds,
      maxAgeSeconds: seconds,
      reboots: some(fc.constantFrom('never', 'always', 'can')),
      minBytes: fc.constantFrom(0, 100),
      maxBytes: fc.constantFrom(50, 1000),
    },
    { requiredKeys: [] },
  )
  // Of many conditions hardly ever all hold: mostly one or two are kept.
  .chain((all) => {
    const names = Object.keys(all) as (keyof Conditions)[];
    return fc
      .subarray(names, { minLength: Math.min(1, names.length), maxLength: Math.min(2, names.length) })
      .map((kept): Conditions => Object.fromEntries(kept.map((name) => [name, all[name]])));
  })
  .filter((when) => Object.keys(when).length > 0);

export const rule: fc.Arbitrary<Rule> = fc
  .record({
    effect: fc.constantFrom<Effect>('forbid', 'hold', 'allow', 'allow'),
    when: conditions,
    expiresAt: fc.option(
      fc.constantFrom('2026-01-09T00:00:00Z', '2026-01-10T00:00:00Z', '2026-01-12T00:00:00Z', '2026-02-01T00:00:00Z'),
      { nil: undefined },
    ),
  })
  .map(({ expiresAt, ...others }) => ({ ...others, ...(expiresAt !== undefined && { expiresAt }) }));

const list = <Value>(of: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> => fc.array(of, { maxLength: 2 });

export const waptLists: fc.Arbitrary<WaptLists> = fc.record(
  {
    forbiddenUpdates: list(updateName),
    forbiddenKbs: list(kb),
    allowedUpdates: list(updateName),
    allowedKbs: list(kb),
    allowedProducts: list(productName),
    allowedSeverities: list(severity),
    allowedClassifications: list(classificationName),
  },
  { requiredKeys: [] },
);

const settings = fc.record(
  {
    defaultAllow: fc.boolean(),
    installDelaySeconds: seconds,
    installDelaysBySeverity: fc.record({ Critical: seconds, Low: seconds, Unspecified: seconds }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const rulePackage: fc.Arbitrary<RulePackage> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'ring-9', 'ring-10'),
    priority: fc.integer({ min: -1, max: 1 }),
    rules: fc.array(rule, { maxLength: 4 }),
    wapt: fc.option(waptLists, { nil: undefined }),
    settings: fc.option(settings, { nil: undefined }),
  })
  .map(({ wapt, settings: set, ...others }) => ({
    ...others,
    ...(wapt !== undefined && { wapt }),
    ...(set !== undefined && { settings: set }),
  }));

/** Packages with a name each. */
export const packages = fc.uniqueArray(rulePackage, { selector: ({ name }) => name, maxLength: 4 });

export const update: fc.Arbitrary<Judged> = fc.record({
  updateId,
  revision: fc.integer({ min: 1, max: 2 }),
  kbs: fc.uniqueArray(kb, { maxLength: 2 }),
  title: fc.option(
    fc.constantFrom('2026-01 Update Preview', '2026-01 Update', '2026-01 Servicing Stack Update for Windows'),
    { nil: undefined },
  ),
  severity: fc.option(severity, { nil: undefined }),
  products: fc.subarray([...products]),
  classification: fc.option(fc.constantFrom(...classifications), { nil: undefined }),
  reboot: fc.option(fc.constantFrom('never', 'always', 'can'), { nil: undefined }),
  bytes: fc.option(fc.constantFrom(0, 75, 5000), { nil: undefined }),
  firstPublishedAt: fc.constantFrom('2025-12-10T00:00:00Z', '2026-01-07T00:00:00Z', '2026-01-09T00:00:00Z'),
});
