import { expect, it } from 'vitest';
import { at } from '#test/kit/values.ts';
import { rateOf, unitProgressOf } from './progress.ts';

it('says how far fetches are together, how fast, and how long they take yet', () => {
  const one = { bytes: 400, of: 1000, startedAt: at(0), at: at(10) };
  const two = { bytes: 100, of: 500, startedAt: at(5), at: at(10) };
  expect(rateOf([one, two])).toEqual({ bytes: 500, of: 1500, bytesPerSecond: 60, secondsLeft: 17 });
  expect(rateOf([one])).toEqual({ bytes: 400, of: 1000, bytesPerSecond: 40, secondsLeft: 15 });
});

it('says no rate before there is one', () => {
  const begun = { bytes: 0, of: 1000, startedAt: at(0), at: at(0) };
  expect(rateOf([begun])).toEqual({ bytes: 0, of: 1000 });
  expect(rateOf([])).toEqual({ bytes: 0, of: 0 });
});

it('says how much of an update is there: what is held whole, and what is on its way as far as it came', () => {
  const progress = { bytes: 300, of: 1000, startedAt: at(0), at: at(10) };
  const files = [
    { size: 200, isHeld: true, isComing: true, progress },
    { size: 1000, isHeld: false, isComing: true, progress },
    { isHeld: false },
  ];
  expect(unitProgressOf(files)).toEqual({
    files: 3,
    filesHeld: 1,
    filesComing: 1,
    bytes: 500,
    of: 1200,
    bytesPerSecond: 30,
    secondsLeft: 24,
  });
  expect(unitProgressOf([{ size: 5, isHeld: true }])).toEqual({
    files: 1,
    filesHeld: 1,
    filesComing: 0,
    bytes: 5,
    of: 5,
  });
});
