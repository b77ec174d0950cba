/** When the loop goes round. All in seconds. */
export interface Schedule {
  /** Between the ends of two good cycles. */
  readonly intervalSeconds: number;
  /** The first cycle begins somewhere within this time, so that a fleet that starts together does not ask together. */
  readonly firstWithinSeconds: number;
  /** Wait after the first failed cycle; doubled with each further one. */
  readonly backOffSeconds: number;
  /** No wait after a failure is longer, unless the server asks for it. */
  readonly maxBackOffSeconds: number;
}

export const defaultSchedule: Schedule = {
  intervalSeconds: 2 * 3600,
  firstWithinSeconds: 600,
  backOffSeconds: 60,
  maxBackOffSeconds: 3600,
};

/** No server may silence an agent for longer. Seconds. */
const maxRetryAfterSeconds = 24 * 3600;

export const firstDelaySeconds = (schedule: Schedule, random: number): number => schedule.firstWithinSeconds * random;

/**
 * Wait before the next cycle: the interval after a good one; after failures the doubled and capped back-off, half of it
 * by chance, and never less than the server asked for in `Retry-After`.
 *
 * @param failures cycles that failed one after another, 0 after a good one
 * @param random from 0 to 1
 */
export function nextDelaySeconds(
  schedule: Schedule,
  failures: number,
  retryAfterSeconds: number | undefined,
  random: number,
): number {
  const wait =
    failures === 0
      ? schedule.intervalSeconds
      : Math.min(schedule.maxBackOffSeconds, schedule.backOffSeconds * 2 ** Math.min(failures - 1, 30)) *
        (0.5 + random / 2);
  return Math.max(wait, Math.min(retryAfterSeconds ?? 0, maxRetryAfterSeconds));
}
