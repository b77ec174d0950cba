import type { MergedSettings, Setting } from './book.ts';
import type { Facts } from './match.ts';
import { updateKeys } from './match.ts';
import type { CategoryName, Conditions, Judged } from './model.ts';
import type { Delay, Match } from './weigh.ts';

/*
 * A host reports the reason of each verdict, and a reported reason is at most 1024 characters long (shared/contract): what
 * people wrote is therefore cut, so that the longest sentence stays below 900.
 */

/** `rule 2 of "pilot": product Windows 10; comment: see ticket 17`, or `wapt.allowedKbs of "pilot": KB5001`. */
export function matchInWords(match: Match, facts: Facts): string {
  if ('list' in match) return `wapt.${match.list} of "${match.package}": ${match.what}`;
  const { package: name, place, when, comment } = match.rule;
  const remark = comment === undefined || comment === '' ? '' : `; comment: ${cut(comment, 150)}`;
  return `rule ${place} of "${name}": ${conditionsInWords(when, facts)}${remark}`;
}

/** What of the update met each condition. */
function conditionsInWords(when: Conditions, { update, severity }: Facts): string {
  const words: string[] = [];
  const { updates, kbs, products, classifications } = when;
  if (updates !== undefined) words.push(`update ${updateKeys(update).find((key) => updates.includes(key))}`);
  if (kbs !== undefined) words.push(`KB${update.kbs.find((kb) => kbs.includes(kb))}`);
  if (products !== undefined) words.push(`product ${categoryInWords(update.products, products)}`);
  if (classifications !== undefined) {
    const own = update.classification === undefined ? [] : [update.classification];
    words.push(`classification ${categoryInWords(own, classifications)}`);
  }
  if (when.severities !== undefined) words.push(`severity ${severity}`);
  if (when.title !== undefined) words.push(`title like "${cut(when.title, 60)}"`);
  if (when.minAgeSeconds !== undefined) words.push(`at least ${durationInWords(when.minAgeSeconds)} old`);
  if (when.maxAgeSeconds !== undefined) words.push(`at most ${durationInWords(when.maxAgeSeconds)} old`);
  if (when.reboots !== undefined) words.push(`reboot ${update.reboot}`);
  if (when.minBytes !== undefined) words.push(`at least ${when.minBytes} bytes`);
  if (when.maxBytes !== undefined) words.push(`at most ${when.maxBytes} bytes`);
  return words.join(', ');
}

function categoryInWords(own: readonly CategoryName[], named: readonly string[]): string {
  const keys = new Set(named.map((name) => name.toLowerCase()));
  const found = own.find(
    ({ id, title }) => keys.has(id.toLowerCase()) || (title !== undefined && keys.has(title.toLowerCase())),
  );
  return categoryName(found ?? { id: '' });
}

/** The title, where there is one. */
export const categoryName = ({ id, title }: CategoryName): string => cut(title ?? id, 60);

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

/** `7 days for severity Critical since its first publication at 2026-01-01T00:00:00Z`. */
export function delayInWords(delay: Delay, { update, severity }: Facts): string {
  const own = delay.bySeverity ? ` for severity ${severity}` : '';
  const since = Number.isNaN(delay.endsAt)
    ? `, and since when it is published is not known (${JSON.stringify(cut(update.firstPublishedAt, 40))})`
    : ` since its first publication at ${update.firstPublishedAt}`;
  return `${durationInWords(delay.value)}${own}${since}`;
}

/** `"pilot" allows by default`, or `the default is to hold back`. */
export function defaultInWords(setting: Setting<boolean> | undefined): string {
  const what = setting?.value === true ? 'allow' : 'hold back';
  return setting === undefined ? `the default is to ${what}` : `the default of "${setting.package}" is to ${what}`;
}

/** Why nothing is installed, whatever the verdicts are; `undefined` when that is not so. */
export const switchedOffInWords = ({ enabled }: MergedSettings): string | undefined =>
  enabled?.value === false
    ? `nothing is installed on this host: "${enabled.package}" sets enabled to false`
    : undefined;

/** `KB5001, KB5002 with severity Critical`; of many KB numbers the first five. */
export function updateInWords({ kbs, severity }: Judged): string {
  const named = kbs.slice(0, 5).map((kb) => `KB${kb}`);
  const more = kbs.length - named.length;
  if (more > 0) named.push(`${more} more`);
  const number = kbs.length === 0 ? 'an update without a KB number' : named.join(', ');
  return severity === undefined ? `${number} without a severity` : `${number} with severity ${severity}`;
}

const units = [
  [24 * 3600, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
] as const;

/** In the largest unit of which it is a whole number: `7 days`, `36 hours`, `1 minute`, `0 seconds`. */
export function durationInWords(seconds: number): string {
  for (const [unit, name] of units) {
    if (seconds >= unit && seconds % unit === 0) return counted(seconds / unit, name);
  }
  return counted(seconds, 'second');
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
