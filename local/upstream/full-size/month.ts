/** Months as numbers, so that they can be counted: year × 12 + month - 1. */
export type Month = number;

export const firstMonth: Month = 2026 * 12;
const lastMonth: Month = 2035 * 12 + 11;
/** The month whose publication has the measured numbers of updates. */
export const measuredMonth: Month = 2026 * 12 + 6;

/** @returns undefined when the text is no month from 2026-01 to 2035-12 */
export function parseMonth(text: string): Month | undefined {
  const [, year, number] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  const month = Number(year) * 12 + Number(number) - 1;
  return month >= firstMonth && month <= lastMonth ? month : undefined;
}

export const monthText = (month: Month): string =>
  `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;

/** Second Tuesday of the month at 13:54:06 UTC: publications come out on it, some hours before the updates. */
export function publicationTime(month: Month): Date {
  const [year, number] = [Math.floor(month / 12), month % 12];
  const weekday = new Date(Date.UTC(year, number, 1)).getUTCDay();
  return new Date(Date.UTC(year, number, 8 + ((9 - weekday) % 7), 13, 54, 6));
}

/** ISO 8601 in UTC without a fraction, as the index writes times. */
export const timeText = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
