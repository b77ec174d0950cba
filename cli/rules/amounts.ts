/** Durations and sizes as rule packages spell them. */

const secondsIn: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const bytesIn: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** The longest that the contract takes: ten years. */
export const maxSeconds = 3660 * 86_400;

/**
 * Seconds of `90s`, `15m`, `12h`, `7d`, `2w`; without a unit it is days, as WAPT reads it.
 *
 * @returns `undefined` when it is no duration
 */
export function secondsOf(text: string): number | undefined {
  const [, digits, unit = 'd'] = /^([0-9]{1,9})([smhdw])?$/.exec(text.trim().toLowerCase()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (secondsIn[unit] ?? 1);
}

/** The shortest spelling that gives the same seconds again. */
export function durationOf(seconds: number): string {
  const units = ['d', 'h', 'm'] as const;
  const unit = seconds === 0 ? 'd' : (units.find((one) => seconds % (secondsIn[one] ?? 1) === 0) ?? 's');
  return `${seconds / (secondsIn[unit] ?? 1)}${unit}`;
}

/**
 * Bytes of `500MB`, `1.5 GB`; decimal units.
 *
 * @returns `undefined` when it is no size
 */
export function bytesOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^([0-9]{1,12}(?:\.[0-9]{1,3})?) ?([kKMGT]?B)$/.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : Math.round(Number(digits) * (bytesIn[unit.toUpperCase()] ?? 1));
}

/** The shortest spelling that gives the same bytes again. */
export function sizeOf(bytes: number): string {
  const units = ['TB', 'GB', 'MB'] as const;
  const unit = bytes === 0 ? 'B' : (units.find((one) => bytes % (bytesIn[one] ?? 1) === 0) ?? 'B');
  return `${bytes / (bytesIn[unit] ?? 1)}${unit}`;
}
