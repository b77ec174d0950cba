import { describe, expect, it } from 'vitest';
import { parseSchedule } from './expression.ts';

const next = (expression: string, after: string, zone = 'UTC', start = '2026-01-01T00:00:00Z'): string | undefined =>
  parseSchedule(expression, zone, new Date(start))(new Date(after))?.toISOString();

describe('schedule expressions', () => {
  it('rate: counts from the start, first after one interval', () => {
    expect(next('rate(30 minutes)', '2026-01-01T00:00:00Z')).toBe('2026-01-01T00:30:00.000Z');
    expect(next('rate(30 minutes)', '2026-01-01T00:29:59Z')).toBe('2026-01-01T00:30:00.000Z');
    expect(next('rate(30 minutes)', '2026-01-01T00:30:00Z')).toBe('2026-01-01T01:00:00.000Z');
    expect(next('rate(1 hour)', '2026-01-01T00:10:00Z')).toBe('2026-01-01T01:00:00.000Z');
    expect(next('rate(2 days)', '2026-01-01T00:00:00Z')).toBe('2026-01-03T00:00:00.000Z');
  });

  it('cron: with the fields of AWS', () => {
    expect(next('cron(15 10 * * ? *)', '2026-03-01T10:15:00Z')).toBe('2026-03-02T10:15:00.000Z');
    expect(next('cron(0 8 ? * TUE#2 *)', '2026-03-01T00:00:00Z')).toBe('2026-03-10T08:00:00.000Z');
    expect(next('cron(0 8 L * ? 2020)', '2026-03-01T00:00:00Z')).toBeUndefined();
  });

  it('cron: in a time zone, over both changes of the clock', () => {
    expect(next('cron(0 8 * * ? *)', '2026-03-28T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T06:00:00.000Z');
    expect(next('cron(0 8 * * ? *)', '2026-10-24T12:00:00Z', 'Europe/Berlin')).toBe('2026-10-25T07:00:00.000Z');
    // 02:30 does not exist on that night; it runs when the clock has been put forward.
    expect(next('cron(30 2 * * ? *)', '2026-03-28T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
  });

  it('at: once', () => {
    expect(next('at(2026-06-01T12:00:00)', '2026-01-01T00:00:00Z', 'Asia/Tokyo')).toBe('2026-06-01T03:00:00.000Z');
    expect(next('at(2026-06-01T12:00:00)', '2026-07-01T00:00:00Z')).toBeUndefined();
  });

  it.each(['rate(0 minutes)', 'rate(5 parsecs)', 'at(tomorrow)', 'cron(* *)', 'every day'])(
    'refuses %s',
    (expression) => {
      expect(() => next(expression, '2026-01-01T00:00:00Z')).toThrow(`schedule expression ${expression}: `);
    },
  );

  it('refuses a time zone that there is not', () => {
    expect(() => next('rate(1 hour)', '2026-01-01T00:00:00Z', 'Mars/Base')).toThrow(/Mars\/Base is no time zone/);
  });
});
