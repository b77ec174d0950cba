import { expect, it } from 'vitest';
import { monthPriceOf, shareOfMonth } from './month-price.ts';

const gibibyte = 2 ** 30;

it('reckons storage and hosts by the time of the month that is over, and transfer by what was sent', () => {
  const usage = { heldBytes: 100 * gibibyte, servedBytes: 10 * gibibyte, hosts: 1000 };
  expect(monthPriceOf({ now: new Date('2026-11-16T00:00:00Z'), ...usage })).toEqual({
    region: 'us-east-1',
    currency: 'USD',
    asOf: '2026-11',
    storage: 1.15,
    transfer: 0.85,
    hosts: 0.495,
    total: 2.495,
  });
  expect(monthPriceOf({ now: new Date('2026-11-01T00:00:00Z'), ...usage })).toMatchObject({ storage: 0, hosts: 0 });
});

it('knows months of any length, and the turn of the year', () => {
  expect(shareOfMonth(new Date('2024-02-15T12:00:00Z'))).toBe(0.5);
  expect(shareOfMonth(new Date('2026-12-31T23:59:59.999Z'))).toBeLessThan(1);
});
