/** When the loop goes round. All in seconds. */
export interface Schedule {
  /** Between full cycles: with index, scan, report, downloads and installations. */
  readonly intervalSeconds: number;
  /**
   * Between full cycles the agent checks in as often as the broker wishes, and does what it is told.
   *
   * @default - full cycles only, at the interval
   */
  readonly poll?: {
    /** No two check-ins are closer, whatever the broker wishes. */
    readonly minSeconds: number;
    /** Divides what the broker wishes: simulated machines live faster. 1 for real ones. */
    readonly speed: number;
  };
  /** The first cycle begins somewhere within this time, so that a fleet that starts together does not ask together. */
  readonly firstWithinSeconds: number;
  /** Wait after the first failed cycle; doubled with each further one. */
  readonly backOffSeconds: number;
  /** No wait after a failure is longer, unless the server asks for it. */
  readonly maxBackOffSeconds: number;
}

export const defaultSchedule: Schedule = {
  intervalSeconds: 2 * 3600,
  poll: { minSeconds: 30, speed: 1 },
  firstWithinSeconds: 600,
  backOffSeconds: 60,
  maxBackOffSeconds: 3600,
};

/** No server may silence an agent for longer. Seconds. */
const maxRetryAfterSeconds = 24 * 3600;
/** Good waits are up to so much shorter or longer, so that hosts that came together part. */
const jitter = 0.1;

export const firstDelaySeconds = (schedule: Schedule, random: number): number => schedule.firstWithinSeconds * random;

/** What the next wait is decided from. */
export interface Rounds {
  /** Cycles that failed one after another, 0 after a good one. */
  readonly failures: number;
  /** The largest `Retry-After` of the last cycle. Seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** The broker's wish in its last answer; undefined when there was none. Seconds. */
  readonly pollSeconds?: number | undefined;
  /** Since the last full cycle that was good; undefined when there was none. Seconds. */
  readonly sinceFullSeconds?: number | undefined;
}

export interface NextRound {
  readonly seconds: number;
  /** A full cycle is due then; else a check-in. */
  readonly full: boolean;
}

/**
 * Wait before the next cycle, and whether it is a full one. After a good cycle: until the next check-in that the broker
 * wishes for, at most until the next full cycle is due, give or take a tenth. After failures: the doubled and capped
 * back-off, half of it by chance. Never less than the server asked for in `Retry-After`.
 *
 * @param random from 0 to 1
 */
export function nextRound(schedule: Schedule, rounds: Rounds, random: number): NextRound {
  const { failures, pollSeconds, sinceFullSeconds } = rounds;
  const atLeast = Math.min(rounds.retryAfterSeconds ?? 0, maxRetryAfterSeconds);
  const { poll, intervalSeconds } = schedule;
  const wish =
    poll === undefined || pollSeconds === undefined
      ? intervalSeconds
      : Math.max(poll.minSeconds, Math.min(pollSeconds / poll.speed, maxRetryAfterSeconds));
  // A broker that wants fewer check-ins than there would be full cycles gets fewer of these.
  const fullEvery = Math.max(intervalSeconds, wish);
  const left = sinceFullSeconds === undefined ? 0 : fullEvery - sinceFullSeconds;
  if (failures > 0) {
    const backOff = Math.min(schedule.maxBackOffSeconds, schedule.backOffSeconds * 2 ** Math.min(failures - 1, 30));
    const seconds = Math.max(backOff * (0.5 + random / 2), atLeast);
    return { seconds, full: left <= seconds };
  }
  // A full cycle that is due soon after the check-in takes its place.
  const full = left <= wish + fullEvery * jitter;
  const wait = full ? Math.max(0, Math.min(wish, left)) : wish;
  return { seconds: Math.max(wait * (1 - jitter + 2 * jitter * random), atLeast), full };
}
