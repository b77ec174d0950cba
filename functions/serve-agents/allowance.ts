import type { HostRecord } from '#shared/contract/host-records.ts';

/** How many requests a host may make: so many at once, and so many more per minute. A token bucket. */
export interface AllowanceRate {
  readonly burst: number;
  readonly perMinute: number;
}

export type Taken =
  | { readonly allowance: HostRecord['allowance'] }
  /** Time until there is room for a request again. Seconds, at least 1. */
  | { readonly retryAfterSeconds: number };

/**
 * Takes one request out of a host's allowance.
 *
 * @param before as the row has it; a clock that was set back gives nothing
 * @param now milliseconds since 1970
 */
export function takeOne(before: HostRecord['allowance'], { burst, perMinute }: AllowanceRate, now: number): Taken {
  const perMillisecond = perMinute / 60_000;
  const there = Math.min(burst, before.left + Math.max(0, now - before.at) * perMillisecond);
  if (there < 1) return { retryAfterSeconds: Math.max(1, Math.ceil((1 - there) / perMillisecond / 1000)) };
  // Thousandths are enough, and keep the row small.
  return { allowance: { left: Math.floor((there - 1) * 1000) / 1000, at: now } };
}
