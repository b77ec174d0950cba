import type {
  CategoryName,
  Conditions,
  Effect,
  Judged,
  Rule,
  RulePackage,
  WaptLists,
} from '#shared/core/rules/model.ts';

/**
 * The order as it is written down, read rule by rule: no index, no caches, no times to come. What judging is held against.
 */
export function judgePlainly(packages: readonly RulePackage[], update: Judged, now: Date): PlainVerdict {
  const ordered = packages.toSorted((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
  const stack = /servicing stack update/i.test(update.title ?? '');
  const native = (effect: Effect, counts: (rule: Rule) => boolean = () => true): PlainVerdict['by'] => {
    for (const { name, rules } of ordered) {
      for (const [index, rule] of rules.entries()) {
        const there = rule.expiresAt === undefined || now < new Date(rule.expiresAt);
        if (there && rule.effect === effect && counts(rule) && holds(rule.when, update, now))
          return `${name} ${index + 1}`;
      }
    }
    return undefined;
  };
  const listed = (list: keyof WaptLists): PlainVerdict['by'] => {
    const found = ordered.find(({ wapt }) => waptLists[list](wapt?.[list] ?? [], update));
    return found === undefined ? undefined : `${found.name} wapt`;
  };
  const forbidden = stack
    ? (native('forbid', ({ when }) => when.updates !== undefined) ?? listed('forbiddenUpdates'))
    : (native('forbid') ?? listed('forbiddenUpdates') ?? listed('forbiddenKbs'));
  if (forbidden !== undefined) return { code: 'forbidden', by: forbidden };
  const held = stack ? undefined : native('hold');
  if (held !== undefined) return { code: 'held', by: held };
  if (stack) return { code: 'servicing-stack', by: undefined };
  const allowed =
    native('allow') ??
    listed('allowedUpdates') ??
    listed('allowedKbs') ??
    listed('allowedProducts') ??
    listed('allowedSeverities') ??
    listed('allowedClassifications');
  const byDefault = ordered.find(({ settings }) => settings?.defaultAllow !== undefined);
  const source = byDefault === undefined ? undefined : `${byDefault.name} settings`;
  if (allowed === undefined && byDefault?.settings?.defaultAllow !== true) return { code: 'default-deny', by: source };
  const severity = update.severity ?? 'Unspecified';
  const own = ordered.find(({ settings }) => settings?.installDelaysBySeverity?.[severity] !== undefined);
  const general = ordered.find(({ settings }) => settings?.installDelaySeconds !== undefined);
  const delay = own?.settings?.installDelaysBySeverity?.[severity] ?? general?.settings?.installDelaySeconds ?? 0;
  if (ageOf(update, now) < delay) return { code: 'delayed', by: `${(own ?? general)?.name} settings` };
  return allowed === undefined ? { code: 'default-allow', by: source } : { code: 'allowed', by: allowed };
}

export interface PlainVerdict {
  readonly code: string;
  readonly by: string | undefined;
}

const ageOf = ({ firstPublishedAt }: Judged, now: Date): number =>
  (now.getTime() - new Date(firstPublishedAt).getTime()) / 1000;

const isNamed = (list: readonly string[], category: CategoryName | undefined): boolean =>
  category !== undefined &&
  list.some((name) => [category.id, category.title].some((own) => own?.toLowerCase() === name.toLowerCase()));

const isCalled = (list: readonly string[], { updateId, revision }: Judged): boolean =>
  list.includes(updateId) || list.includes(`${updateId}_${revision}`);

function holds(when: Conditions, update: Judged, now: Date): boolean {
  const { title, minAgeSeconds, maxAgeSeconds, minBytes, maxBytes } = when;
  const age = ageOf(update, now);
  return [
    when.kbs?.some((kb) => update.kbs.includes(kb)),
    when.updates && isCalled(when.updates, update),
    when.products && update.products.some((product) => isNamed(when.products ?? [], product)),
    when.classifications && isNamed(when.classifications, update.classification),
    when.severities?.includes(update.severity ?? 'Unspecified'),
    title === undefined ? undefined : update.title !== undefined && likeTitle(title).test(update.title),
    minAgeSeconds === undefined ? undefined : age >= minAgeSeconds,
    maxAgeSeconds === undefined ? undefined : age <= maxAgeSeconds,
    when.reboots && update.reboot !== undefined && when.reboots.includes(update.reboot),
    minBytes === undefined ? undefined : update.bytes !== undefined && update.bytes >= minBytes,
    maxBytes === undefined ? undefined : update.bytes !== undefined && update.bytes <= maxBytes,
  ].every((held) => held !== false);
}

/** The pattern as a regular expression: fine for the short ones of tests. */
export function likeTitle(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[\\^$.+|()[\]{}]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`, 'i');
}

const waptLists: Readonly<Record<keyof WaptLists, (list: readonly string[], update: Judged) => boolean>> = {
  forbiddenUpdates: isCalled,
  forbiddenKbs: (list, { kbs }) => kbs.some((kb) => list.includes(kb)),
  allowedUpdates: isCalled,
  allowedKbs: (list, { kbs }) => kbs.some((kb) => list.includes(kb)),
  allowedProducts: (list, { products }) => products.some((product) => isNamed(list, product)),
  allowedSeverities: (list, { severity }) => severity !== undefined && list.includes(severity),
  allowedClassifications: (list, { classification }) => isNamed(list, classification),
};
