import { noHost } from './columns.ts';
import type { Fleet } from './fleet.ts';

/** Bytes that came to a host, by what they were and who gave them. */
export interface ReceivedBytes {
  /** Of indexes, from the repository. */
  readonly index: number;
  /** Of update files, from the repository. */
  readonly files: number;
  /** Of update files, from Microsoft itself. */
  readonly direct: number;
}

/** What came to a host in one month of UTC, as it counted it. */
export interface ReceivedInMonth extends ReceivedBytes {
  /** `2026-11` */
  readonly month: string;
}

/** The month of UTC that a moment is in. */
export const monthOf = (at: Date): string => at.toISOString().slice(0, 7);

/** A month as a number for columns: months since the year 0. 0 stands for none. */
export function monthNumber(month: string): number {
  const [year, ofYear] = month.split('-').map(Number);
  return (year ?? 0) * 12 + (ofYear ?? 1) - 1;
}
/** The inverse of {@link monthNumber}. */
export const monthName = (number: number): string =>
  `${String(Math.floor(number / 12)).padStart(4, '0')}-${String((number % 12) + 1).padStart(2, '0')}`;

/** Adds to what came in the month; another month begins with nothing. */
export function addReceived(
  before: ReceivedInMonth | undefined,
  month: string,
  kind: keyof ReceivedBytes,
  bytes: number,
): ReceivedInMonth {
  const base = before?.month === month ? before : { month, index: 0, files: 0, direct: 0 };
  return { ...base, [kind]: base[kind] + bytes };
}

/** What came to all hosts in a month, and how many were seen in it. */
export interface MonthOfFleet extends ReceivedBytes {
  /** Revoked ones are none of them. */
  readonly hosts: number;
}

/** Hosts count for themselves; whatever they claim, the sum stays an integer. */
export function receivedBy({ partitions }: Pick<Fleet, 'partitions'>, month: string): MonthOfFleet {
  const wanted = monthNumber(month);
  const sums = { index: 0, files: 0, direct: 0 };
  const begin = Date.parse(`${month}-01T00:00:00Z`);
  let hosts = 0;
  for (const { columns } of partitions) {
    for (let place = 0; place < columns.state.length; place++) {
      if (columns.state[place] === noHost) continue;
      if ((columns.lastSeenAt[place] ?? 0) >= begin && columns.revokedAt[place] === 0) hosts += 1;
      if (columns.receivedMonth[place] !== wanted) continue;
      sums.index += columns.receivedIndex[place] ?? 0;
      sums.files += columns.receivedFiles[place] ?? 0;
      sums.direct += columns.receivedDirect[place] ?? 0;
    }
  }
  const bounded = (sum: number): number => Math.min(sum, Number.MAX_SAFE_INTEGER);
  return { index: bounded(sums.index), files: bounded(sums.files), direct: bounded(sums.direct), hosts };
}
