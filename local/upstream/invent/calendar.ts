/** Months since January of the year 0: `2026 * 12` is January 2026. */
export type Month = number;

export const monthOf = (year: number, month: number): Month => year * 12 + month - 1;

/** `2026-01`, as titles begin. */
export const monthName = (month: Month): string =>
  `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;

/** Second Tuesday of the month, when Microsoft publishes, at the given time of day (UTC). */
export function patchTuesday(month: Month, hours: number, minutes: number, seconds: number): Date {
  const first = new Date(Date.UTC(Math.floor(month / 12), month % 12, 1));
  const day = ((2 - first.getUTCDay() + 7) % 7) + 8;
  return new Date(Date.UTC(Math.floor(month / 12), month % 12, day, hours, minutes, seconds));
}

/** ISO 8601 in whole seconds, the spelling of the index. */
export const wholeSeconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
