import { describe, expect, it } from 'vitest';
import { describeAge, formatAge, readDuration, readMoment } from './times.ts';

describe('durations', () => {
  it.each([
    ['90s', 90],
    ['15m', 900],
    ['12h', 43_200],
    [' 7d ', 604_800],
  ])('%j is %d seconds', (text, seconds) => expect(readDuration(text)).toBe(seconds));

  it.each(['', '7', 'd', '0d', '-1h', '1.5h', '7D', '1w', '1h30m', '9999999999s'])('%j is none', (text) => {
    expect(() => readDuration(text)).toThrow(
      `not a duration: got ${JSON.stringify(text)}, expected one as in 90s, 15m, 12h or 7d`,
    );
  });
});

describe('moments', () => {
  const now = new Date('2026-11-26T08:30:00.000Z');
  it.each([
    ['2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z'],
    ['90s', '2026-11-26T08:28:30.000Z'],
    ['7d', '2026-11-19T08:30:00.000Z'],
  ])('%j is %s', (text, moment) => expect(readMoment(text, now)).toBe(moment));

  it.each(['', 'yesterday', '2026-11-26', '2026-11-26T08:30:00+01:00'])('%j is none', (text) => {
    expect(() => readMoment(text, now)).toThrow(/^not a time: got .*, expected one as in 2026-11-26T08:30:00Z, or how/);
  });
});

it('says how old a snapshot is, or that there is none', () => {
  expect(describeAge({ asOf: '2026-11-26T08:30:00.000Z', ageSeconds: 75 })).toBe(
    'as of 2026-11-26T08:30:00.000Z (1 min ago)',
  );
  expect(describeAge({ asOf: '1970-01-01T00:00:00.000Z', ageSeconds: 1.7e9 })).toMatch(/no snapshot .* yet/);
});

it.each([
  [0, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [3599, '59 min'],
  [7200, '2 h'],
  [180_000, '2 d'],
])('%d seconds are %s', (seconds, words) => expect(formatAge(seconds)).toBe(words));
