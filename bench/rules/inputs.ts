import type { Severity } from '#shared/core/catalog/model.ts';
import type { Conditions, Effect, Judged, Rule, RulePackage } from '#shared/core/rules/model.ts';

const day = 24 * 3600;
/** When the newest invented update is published. */
export const judgedAt = new Date('2026-11-01T00:00:00Z');

const lines = [
  'Windows 10',
  'Windows 11',
  'Windows Server 2016',
  'Windows Server 2019',
  'Office 2016',
  'SQL Server 2022',
];
const products = Array.from({ length: 60 }, (_, number) => ({
  id: guidOf(0xa0000000 + number),
  title: `${lines[number % lines.length]}, version ${1507 + number * 7}`,
}));
const classifications = ['Security Updates', 'Critical Updates', 'Updates', 'Update Rollups', 'Definition Updates'].map(
  (title, number) => ({ id: guidOf(0xc0000000 + number), title }),
);
/** Most updates of the real index have none. */
const severities: readonly (Severity | undefined)[] = ['Critical', 'Important', 'Important', 'Moderate', undefined];

/** Invents updates with what rules look at, spread over ten years; the same ones each time. */
export function inventUpdates(count: number): readonly Judged[] {
  const random = randomOf(1);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  return Array.from({ length: count }, (_, number): Judged => {
    const [product, classification, severity] = [pick(products), pick(classifications), pick(severities)];
    const kb = String(4_000_000 + (number >> 1));
    const published = new Date(judgedAt.getTime() - Math.floor(random() * 3650 * day) * 1000);
    const kind = pick(['Cumulative Update', 'Security Update', 'Update', 'Cumulative Update Preview', 'Security Only']);
    return {
      updateId: guidOf(number),
      revision: 200 + (number % 3),
      kbs: [kb],
      title: `${published.toISOString().slice(0, 7)} ${kind} for ${product.title} for x64-based Systems (KB${kb})`,
      ...(severity !== undefined && { severity }),
      products: number % 4 === 0 ? [product, pick(products)] : [product],
      classification,
      reboot: pick(['never', 'always', 'can']),
      bytes: Math.floor(random() * 1e9),
      firstPublishedAt: published.toISOString(),
    };
  });
}

/**
 * Invents that many rules, in four packages. Of a hundred there are 50 by KB number and 15 by id (half of them of updates that
 * are not there), 14 of a product with a classification or severity, 8 of a product with an age, a size or a restart, 6 of a
 * product with a title pattern, 5 of a classification and severity with an age, and 2 title patterns alone. One in ten expires.
 * Most rules allow, as in practice: those that name one update also forbid and hold.
 */
export function inventRules(count: number, updates: readonly Judged[]): readonly RulePackage[] {
  const random = randomOf(2);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const inAnyCase = (text: string): string => (random() < 0.5 ? text.toUpperCase() : text);
  const someUpdate = (): Judged => {
    const update = pick(updates);
    return random() < 0.5
      ? update
      : { ...update, updateId: guidOf(0xf0000000 + Math.floor(random() * 1e6)), kbs: ['9999999'] };
  };
  const someKb = (): string => someUpdate().kbs[0] ?? '';
  const product = (): Conditions => ({
    products: [inAnyCase(random() < 0.3 ? pick(products).id : pick(products).title)],
  });
  const title = (): string =>
    pick([
      '*Preview*',
      '*Security Only*',
      `20${17 + Math.floor(random() * 9)}-*Update for Windows 1?*`,
      '*(KB40??123)',
    ]);
  const conditions = (kind: number): Conditions => {
    if (kind < 50) return { kbs: Array.from({ length: 1 + Math.floor(random() * 3) }, someKb) };
    if (kind < 65) return { updates: [random() < 0.5 ? someUpdate().updateId : `${someUpdate().updateId}_200`] };
    if (kind < 72) return { ...product(), classifications: [inAnyCase(pick(classifications).title)] };
    if (kind < 79) return { ...product(), severities: [pick(['Critical', 'Moderate', 'Unspecified'] as const)] };
    if (kind < 82) return { ...product(), minAgeSeconds: Math.floor(random() * 60) * day };
    if (kind < 85) return { ...product(), maxBytes: Math.floor(random() * 1e8) };
    if (kind < 87) return { ...product(), reboots: ['never'] };
    if (kind < 93) return { ...product(), title: title() };
    if (kind < 98) {
      return {
        classifications: [pick(classifications).title],
        severities: [pick(['Low', 'Important'] as const)],
        maxAgeSeconds: Math.floor(random() * 30) * day,
      };
    }
    return { title: title() };
  };
  const effect = (kind: number): Effect => {
    const chance = random();
    if (kind >= 65) return chance < 0.02 ? 'forbid' : chance < 0.04 ? 'hold' : 'allow';
    return chance < 0.3 ? 'forbid' : chance < 0.5 ? 'hold' : 'allow';
  };
  const names = ['base', 'pilot', 'servers', 'exceptions'];
  const rules = Array.from({ length: count }, (_, number): Rule => {
    // 37 shares no factor with 100: each hundred has every kind once, and so do ten rules have several, one by title.
    const kind = (number * 37 + 98) % 100;
    return {
      effect: effect(kind),
      when: conditions(kind),
      ...(random() < 0.1 && {
        expiresAt: new Date(judgedAt.getTime() + (random() - 0.3) * 90 * day * 1000).toISOString(),
      }),
    };
  });
  return names.map((name, index) => ({
    name,
    priority: index * 10,
    rules: rules.filter((_, number) => number % names.length === index),
    ...(name === 'base' && { settings: { installDelaySeconds: 7 * day, installDelaysBySeverity: { Critical: 0 } } }),
  }));
}

/** The worst there is: rules that can only be tried one after the other. */
export const patternsOnly = (count: number): readonly RulePackage[] => [
  {
    name: 'patterns',
    priority: 0,
    rules: Array.from({ length: count }, (_, number) => ({
      effect: 'allow' as const,
      when: { title: `*Update*for Windows*(KB9${String(number).padStart(6, '0')})` },
    })),
  },
];

function guidOf(number: number): string {
  return `${number.toString(16).padStart(8, '0')}-1111-4111-8111-111111111111`;
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
