import * as z from 'zod/mini';
import { timestamp } from '#shared/contract/primitives.ts';
import { CliError } from './cli-error.ts';

const secondsIn: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const examples = 'as in 90s, 15m, 12h or 7d';

/**
 * Seconds of a duration: `90s`, `15m`, `12h`, `7d`.
 *
 * @throws CliError `usage`
 */
export function readDuration(text: string): number {
  const seconds = secondsOf(text);
  if (seconds !== undefined) return seconds;
  throw new CliError('usage', `not a duration: got ${JSON.stringify(text)}, expected one ${examples}`);
}

/**
 * A moment: an ISO 8601 time, or a duration that counts back from now.
 *
 * @returns ISO 8601 in UTC
 * @throws CliError `usage`
 */
export function readMoment(text: string, now: Date): string {
  const ago = secondsOf(text);
  if (ago !== undefined) return new Date(now.getTime() - ago * 1000).toISOString();
  if (z.safeParse(timestamp, text).success) return text;
  throw new CliError(
    'usage',
    `not a time: got ${JSON.stringify(text)}, expected one as in 2026-11-26T08:30:00Z, or how long ago ${examples}`,
  );
}

function secondsOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (secondsIn[unit] ?? 1);
}

/** How old an answer from the snapshot of the fleet is, in words. Before the first snapshot it is from 1970. */
export function describeAge({ asOf, ageSeconds }: { readonly asOf: string; readonly ageSeconds: number }): string {
  if (Date.parse(asOf) <= 0) return 'no snapshot of the fleet was made yet';
  return `as of ${asOf} (${formatAge(ageSeconds)} ago)`;
}

/** How long that is, in the largest unit that it has one of, rounded down: `45 s`, `4 min`, `3 h`, `2 d`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
