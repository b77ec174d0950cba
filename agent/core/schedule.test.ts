import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstDelaySeconds, nextRound, type Rounds, type Schedule } from './schedule.ts';

const fixed: Schedule = {
  intervalSeconds: 7200,
  firstWithinSeconds: 600,
  backOffSeconds: 60,
  maxBackOffSeconds: 3600,
};
const polling: Schedule = { ...fixed, poll: { minSeconds: 30, speed: 1 } };
const good: Rounds = { failures: 0, sinceFullSeconds: 0 };

describe('nextRound', () => {
  it.each([
    ['after a good cycle the interval', 0, undefined, 0.5, 7200],
    ['a tenth earlier', 0, undefined, 0, 6480],
    ['a tenth later', 0, undefined, 1, 7920],
    ['after one failure, least', 1, undefined, 0, 30],
    ['after one failure, most', 1, undefined, 1, 60],
    ['after three failures, most', 3, undefined, 1, 240],
    ['capped', 50, undefined, 1, 3600],
    ['Retry-After beyond the back-off, in seconds', 1, 120, 0.5, 120],
    ['Retry-After below the back-off', 3, 10, 1, 240],
    ['Retry-After beyond the cap', 1, 7000, 1, 7000],
    ['a Retry-After without measure', 1, 1e9, 1, 86_400],
    ['Retry-After with a good cycle', 0, 9000, 1, 9000],
  ])('%s', (_name, failures, retryAfterSeconds, random, expected) => {
    expect(nextRound(fixed, { ...good, failures, retryAfterSeconds }, random).seconds).toBeCloseTo(expected, 6);
  });

  it.each([
    ['the wish of the broker is heeded', polling, { pollSeconds: 60 }, { seconds: 60, full: false }],
    ['but not below the bound', polling, { pollSeconds: 1 }, { seconds: 30, full: false }],
    ['the usual wish is a full cycle', polling, { pollSeconds: 7200 }, { seconds: 7200, full: true }],
    ['fewer check-ins, fewer full cycles', polling, { pollSeconds: 14_400 }, { seconds: 14_400, full: true }],
    ['nothing is wished: the interval', polling, {}, { seconds: 7200, full: true }],
    [
      'a full cycle is due before the next check-in',
      polling,
      { pollSeconds: 3600, sinceFullSeconds: 5000 },
      { seconds: 2200, full: true },
    ],
    [
      'one that is due soon after it takes its place',
      polling,
      { pollSeconds: 60, sinceFullSeconds: 7000 },
      { seconds: 60, full: true },
    ],
    ['one is overdue', polling, { pollSeconds: 60, sinceFullSeconds: 9000 }, { seconds: 0, full: true }],
    ['none was good yet', polling, { pollSeconds: 60, sinceFullSeconds: undefined }, { seconds: 0, full: true }],
    ['no wish counts when there is a fixed interval', fixed, { pollSeconds: 60 }, { seconds: 7200, full: true }],
    [
      'simulated time runs faster',
      { ...polling, intervalSeconds: 60, poll: { minSeconds: 5, speed: 120 } },
      { pollSeconds: 1200 },
      { seconds: 10, full: false },
    ],
    [
      'a failed check-in does not hurry the full cycle',
      polling,
      { failures: 1, sinceFullSeconds: 100 },
      { seconds: 45, full: false },
    ],
    [
      'a failed full cycle is tried again',
      polling,
      { failures: 1, sinceFullSeconds: 7300 },
      { seconds: 45, full: true },
    ],
  ] as const)('%s', (_name, schedule, rounds, expected) => {
    expect(nextRound(schedule, { ...good, ...rounds }, 0.5)).toEqual(expected);
  });

  it('is never negative, never endless, and never less than was asked for', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    const seconds = fc.option(fc.nat(100_000), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(2000), seconds, seconds, seconds, chance, (failures, asked, poll, since, random) => {
        const rounds = { failures, retryAfterSeconds: asked, pollSeconds: poll, sinceFullSeconds: since };
        const delay = nextRound(polling, rounds, random).seconds;
        expect(delay).toBeGreaterThanOrEqual(Math.min(asked ?? 0, 86_400));
        expect(delay).toBeLessThanOrEqual(1.1 * 86_400);
      }),
    );
  });
});

describe('firstDelaySeconds', () => {
  it('spreads the fleet over the first delay', () => {
    expect([0, 0.5, 0.999].map((random) => firstDelaySeconds(fixed, random))).toEqual([0, 300, 599.4]);
  });
});
