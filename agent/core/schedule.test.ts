import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstDelaySeconds, nextDelaySeconds, type Schedule } from './schedule.ts';

const schedule: Schedule = {
  intervalSeconds: 7200,
  firstWithinSeconds: 600,
  backOffSeconds: 60,
  maxBackOffSeconds: 3600,
};

describe('nextDelaySeconds', () => {
  it.each([
    ['after a good cycle the interval', 0, undefined, 0, 7200],
    ['after one failure, least', 1, undefined, 0, 30],
    ['after one failure, most', 1, undefined, 1, 60],
    ['after three failures, most', 3, undefined, 1, 240],
    ['capped', 50, undefined, 1, 3600],
    ['Retry-After beyond the back-off, in seconds', 1, 120, 0.5, 120],
    ['Retry-After below the back-off', 3, 10, 1, 240],
    ['Retry-After beyond the cap', 1, 7000, 1, 7000],
    ['a Retry-After without measure', 1, 1e9, 1, 86_400],
    ['Retry-After with a good cycle', 0, 9000, 1, 9000],
  ])('%s', (_name, failures, retryAfter, random, expected) => {
    expect(nextDelaySeconds(schedule, failures, retryAfter, random)).toBe(expected);
  });

  it('is never negative, never endless, and never less than was asked for', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(2000), fc.option(fc.nat(100_000), { nil: undefined }), chance, (failures, asked, random) => {
        const delay = nextDelaySeconds(schedule, failures, asked, random);
        expect(delay).toBeGreaterThanOrEqual(Math.min(asked ?? 0, 86_400));
        expect(delay).toBeLessThanOrEqual(Math.max(7200, 86_400));
        expect(delay).toBeGreaterThan(0);
      }),
    );
  });
});

describe('firstDelaySeconds', () => {
  it('spreads the fleet over the first delay', () => {
    expect([0, 0.5, 0.999].map((random) => firstDelaySeconds(schedule, random))).toEqual([0, 300, 599.4]);
  });
});
