import { UpstreamError, type UpstreamErrorCode } from './upstream-error.ts';

/** Time and chance, passed in so that tests need neither. */
export interface Timing {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Resolves after so many milliseconds; rejects when the signal fires. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly maxAttempts: number;
  /** Upper bound of the first wait; doubles with each further one. Milliseconds. */
  readonly firstWaitMilliseconds: number;
  /** Upper bound of one wait of our own choice. Milliseconds. */
  readonly maxWaitMilliseconds: number;
  /** All waits together never pass it: a Retry-After beyond it ends the tries at once. Milliseconds. */
  readonly budgetMilliseconds: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  maxAttempts: 5,
  firstWaitMilliseconds: 500,
  maxWaitMilliseconds: 8_000,
  budgetMilliseconds: 30_000,
};

/**
 * Retry-After in seconds from now: a number of seconds or an HTTP date (RFC 9110, section 10.2.3). `undefined` when
 * there is none or it is neither.
 */
export function retryAfterSeconds(header: string | undefined, nowMilliseconds: number): number | undefined {
  if (header === undefined) return undefined;
  const value = header.trim();
  if (/^\d{1,9}$/.test(value)) return Number(value);
  // Date.parse also takes forms that are no HTTP dates, such as a lone number: an HTTP date names its weekday first.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value)) return undefined;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return undefined;
  return Math.max(0, Math.ceil((at - nowMilliseconds) / 1000));
}

/** What may succeed later, but not a moment later. */
const notAtOnce: ReadonlySet<UpstreamErrorCode> = new Set(['aborted', 'proxy-refused']);

/**
 * Runs `attempt` until it succeeds, fails for good, or the policy is used up; then the last error is thrown. Waits
 * double and are drawn at random below their bound ("full jitter"). Retry-After comes on top of that, so that all who were
 * told the same time do not come back at the same moment.
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  timing: Timing,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  let waited = 0;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      const again = error instanceof UpstreamError && error.retryable && !notAtOnce.has(error.code);
      if (!again || attempts >= policy.maxAttempts) throw error;
      const bound = Math.min(policy.maxWaitMilliseconds, policy.firstWaitMilliseconds * 2 ** (attempts - 1));
      const wait = (error.retryAfterSeconds ?? 0) * 1000 + Math.round(bound * timing.random());
      if (waited + wait > policy.budgetMilliseconds) throw error;
      waited += wait;
      await pause(timing, wait, signal);
    }
  }
}

async function pause(timing: Timing, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await timing.sleep(milliseconds, signal);
  } catch (cause) {
    // The only reason for a sleep to fail is the signal.
    throw new UpstreamError('aborted', 'stopped while waiting to try again', { cause });
  }
}
