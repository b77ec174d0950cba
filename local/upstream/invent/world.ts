import { type Month, monthName, monthOf } from './calendar.ts';
import { productLines } from './lines.ts';
import type { Clause } from './model.ts';
import type { Invention } from './random.ts';

/** The invented world begins here; the first publication already has the months up to {@link firstMonth}. */
export const originMonth: Month = monthOf(2025, 10);
export const firstMonth: Month = monthOf(2026, 1);

/** KB of the removal tool: the same each month, and without a severity. */
export const removalToolKb = '890830';
/** A security update that an operator has reason to forbid (of {@link firstMonth}, for the Windows clients). */
export const withdrawnKb = '5999101';

/** Clauses of prerequisites. */
export const category = (...ids: readonly string[]): Clause => ({ ids, isCategory: true });
export const detector = (...ids: readonly string[]): Clause => ({ ids, isCategory: false });

const groups = [...new Set(productLines.map((line) => line.group))];

/** KB numbers grow with the months and are shared inside a group of lines. */
export const kbOf = (month: Month, group: string, kind: number): string =>
  String(5_066_000 + (month - originMonth) * 5_400 + groups.indexOf(group) * 97 + kind * 11);

/** Folder of classic files, by kind (`secu`, `updt`, `uprl`) and month. */
export const softwareFolder = (month: Month, kind: string): string =>
  `/${month % 2 === 0 ? 'c' : 'd'}/msdownload/update/software/${kind}/${monthName(month).replace('-', '/')}`;

/** One to so many CVEs, with numbers that none has. */
export const cvesOf = (invention: Invention, month: Month, what: string, upTo: number): string[] =>
  Array.from(
    { length: invention.int(`cves ${what} ${month}`, 1, upTo) },
    (_, index) => `CVE-${Math.floor(month / 12)}-${90_000 + invention.int(`cve ${what} ${month} ${index}`, 0, 9_999)}`,
  );
