import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeOne } from './allowance.ts';

const rate = { burst: 3, perMinute: 6 };

describe('an allowance', () => {
  it('of a new host is full', () => {
    expect(takeOne({ left: 0, at: 0 }, rate, 1_000_000_000)).toEqual({ allowance: { left: 2, at: 1_000_000_000 } });
  });

  it('runs out, says when there is room again, and fills up', () => {
    expect(takeOne({ left: 0.5, at: 1000 }, rate, 1000)).toEqual({ retryAfterSeconds: 5 });
    expect(takeOne({ left: 0.5, at: 1000 }, rate, 5999)).toEqual({ retryAfterSeconds: 1 });
    expect(takeOne({ left: 0.5, at: 1000 }, rate, 6000)).toEqual({ allowance: { left: 0, at: 6000 } });
    expect(takeOne({ left: 3, at: 1000 }, rate, 3_600_000)).toEqual({ allowance: { left: 2, at: 3_600_000 } });
  });

  it('gains nothing by a clock that was set back', () => {
    expect(takeOne({ left: 0, at: 1_000_000 }, rate, 0)).toEqual({ retryAfterSeconds: 10 });
  });

  it('never lets through more than the burst and what came per minute', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (pauses) => {
        let allowance = { left: 0, at: 0 };
        let [now, through] = [1_000_000_000, 0];
        for (const pause of pauses) {
          now += pause;
          const taken = takeOne(allowance, rate, now);
          if ('retryAfterSeconds' in taken) continue;
          allowance = taken.allowance;
          through += 1;
        }
        const passed = now - 1_000_000_000;
        expect(through).toBeLessThanOrEqual(rate.burst + (passed / 60_000) * rate.perMinute + 1e-6);
      }),
    );
  });
});
