import type { Severity } from '../catalog/model.ts';
import type { CategoryName, Conditions, Effect, Judged, RulePackage } from './model.ts';
import { titlePattern } from './title-pattern.ts';

/** An update, prepared once for all rules that look at it. */
export interface Facts {
  readonly update: Judged;
  /** Ids and titles, lower case. */
  readonly products: readonly string[];
  readonly classification: readonly string[];
  readonly severity: Severity | 'Unspecified';
  readonly lowerCaseTitle: string | undefined;
  /** Milliseconds since 1970; NaN when it is no date. */
  readonly publishedAt: number;
}

export function factsOf(update: Judged): Facts {
  return {
    update,
    products: update.products.flatMap(categoryKeys),
    classification: update.classification === undefined ? [] : categoryKeys(update.classification),
    severity: update.severity ?? 'Unspecified',
    lowerCaseTitle: update.title?.toLowerCase(),
    publishedAt: Date.parse(update.firstPublishedAt),
  };
}

const categoryKeys = ({ id, title }: CategoryName): string[] =>
  title === undefined ? [id.toLowerCase()] : [id.toLowerCase(), title.toLowerCase()];

/** The conditions that lead to a rule without looking at each: the first that it names is the one it is filed under. */
const filedUnder = ['updates', 'kbs', 'products', 'classifications', 'severities'] as const;
export type Drawer = (typeof filedUnder)[number];

/** A rule, ready for matching. */
export interface CompiledRule {
  readonly effect: Effect;
  readonly package: string;
  /** In its package, from 1. */
  readonly place: number;
  /** Among all native rules of all packages: the smaller counts first. */
  readonly rank: number;
  readonly when: Conditions;
  readonly comment: string | undefined;
  readonly drawer: Drawer | undefined;
  /** What the drawer does not already say; times apart. */
  readonly tests: readonly ((facts: Facts) => boolean)[];
  /** Milliseconds since 1970; Infinity without an expiry. */
  readonly expiresAt: number;
}

/** @param place from 1 */
export function compileRule({ name, rules }: RulePackage, place: number, rank: number): CompiledRule | undefined {
  const rule = rules[place - 1];
  if (rule === undefined) return undefined;
  const drawer = filedUnder.find((each) => rule.when[each] !== undefined);
  return {
    effect: rule.effect,
    package: name,
    place,
    rank,
    when: rule.when,
    comment: rule.comment,
    drawer,
    tests: testsOf(rule.when, drawer),
    expiresAt: rule.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(rule.expiresAt),
  };
}

function testsOf(when: Conditions, drawer: Drawer | undefined): ((facts: Facts) => boolean)[] {
  const tests: ((facts: Facts) => boolean)[] = [];
  // The drawer of updates is opened by the UpdateId alone, so a revision is still to be compared.
  if (when.updates?.some((name) => name.includes('_'))) {
    const names = new Set(when.updates);
    tests.push(({ update }) => updateKeys(update).some((key) => names.has(key)));
  }
  if (when.kbs !== undefined && drawer !== 'kbs') {
    const kbs = new Set(when.kbs);
    tests.push(({ update }) => update.kbs.some((kb) => kbs.has(kb)));
  }
  if (when.products !== undefined && drawer !== 'products') {
    const keys = lowerCaseSet(when.products);
    tests.push(({ products }) => products.some((key) => keys.has(key)));
  }
  if (when.classifications !== undefined && drawer !== 'classifications') {
    const keys = lowerCaseSet(when.classifications);
    tests.push(({ classification }) => classification.some((key) => keys.has(key)));
  }
  if (when.severities !== undefined && drawer !== 'severities') {
    const severities = new Set(when.severities);
    tests.push(({ severity }) => severities.has(severity));
  }
  const { reboots, minBytes, maxBytes } = when;
  if (reboots !== undefined) {
    tests.push(({ update: { reboot } }) => reboot !== undefined && reboots.includes(reboot));
  }
  if (minBytes !== undefined) tests.push(({ update: { bytes } }) => bytes !== undefined && bytes >= minBytes);
  if (maxBytes !== undefined) tests.push(({ update: { bytes } }) => bytes !== undefined && bytes <= maxBytes);
  // The dearest one comes last.
  if (when.title !== undefined) {
    const matches = titlePattern(when.title);
    tests.push(({ lowerCaseTitle }) => lowerCaseTitle !== undefined && matches(lowerCaseTitle));
  }
  return tests;
}

/** The names that a rule may call an update by. */
export const updateKeys = ({ updateId, revision }: Judged): readonly [string, string] => [
  updateId,
  `${updateId}_${revision}`,
];

const lowerCaseSet = (texts: readonly string[]): ReadonlySet<string> =>
  new Set(texts.map((text) => text.toLowerCase()));

/** From when until (exclusive) a rule holds for an update; milliseconds since 1970, or infinite. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** From ever, for ever. */
export const always: Window = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/**
 * When a rule whose drawer was opened holds for an update, if ever. Ages count in whole milliseconds, and both ends of
 * an age belong to it; an update without a readable date has no age, and no condition of age holds for it.
 */
export function windowOf(rule: CompiledRule, facts: Facts): Window | undefined {
  for (const test of rule.tests) if (!test(facts)) return undefined;
  const { minAgeSeconds, maxAgeSeconds } = rule.when;
  if (minAgeSeconds === undefined && maxAgeSeconds === undefined) {
    return rule.expiresAt === Number.POSITIVE_INFINITY ? always : { from: always.from, to: rule.expiresAt };
  }
  if (Number.isNaN(facts.publishedAt)) return undefined;
  const from = minAgeSeconds === undefined ? always.from : facts.publishedAt + minAgeSeconds * 1000;
  const to = maxAgeSeconds === undefined ? always.to : facts.publishedAt + maxAgeSeconds * 1000 + 1;
  return { from, to: Math.min(to, rule.expiresAt) };
}
