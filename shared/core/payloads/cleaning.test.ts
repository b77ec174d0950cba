import { describe, expect, it } from 'vitest';
import { type FileStanding, stepOf, whyNotClean } from './cleaning.ts';

const times = { now: 1000, grace: 100, pause: 10 };
const held = (unneededSince?: number): FileStanding => ({
  state: 'held',
  ...(unneededSince !== undefined && { unneededSince }),
});
const retired = (retiredAt: number, removing = false): FileStanding => ({ state: 'retired', retiredAt, removing });

describe('the step of a file', () => {
  it.each([
    ['needed', held(), true, 'keep'],
    ['needed again', held(1), true, 'clear'],
    ['not needed for the first time', held(), false, 'mark'],
    ['in its grace', held(901), false, 'wait'],
    ['at the end of its grace', held(900), false, 'retire'],
    ['marked by a clock that is ahead', held(2000), false, 'wait'],
    ['retired and needed', retired(1), true, 'restore'],
    ['in its pause', retired(991), false, 'pause'],
    ['at the end of its pause', retired(990), false, 'remove'],
    ['being removed', retired(999, true), false, 'remove'],
    ['being removed and needed', retired(1, true), true, 'remove'],
  ] as const)('%s', (_, file, needed, step) => {
    expect(stepOf(file, needed, times)).toBe(step);
  });

  it('without a grace is the last one at once, and the pause stays', () => {
    expect(stepOf(held(), false, { ...times, grace: 0 })).toBe('retire');
    expect(stepOf(retired(1000), false, { ...times, grace: 0 })).toBe('pause');
  });
});

describe('what stops a cleaning', () => {
  const known = { asOf: 1, hosts: 10, hostsUnknown: 0, hostsBefore: 20, unreadableHosts: [], unknownUpdates: [] };
  const hour = 3_600_000;

  it.each([
    ['nothing', {}, undefined],
    ['nothing, before the first', { hostsBefore: undefined, hosts: 1 }, undefined],
    ['less than half of the hosts', { hosts: 9 }, /from 20 hosts to 9/],
    ['no hosts', { hosts: 0, hostsBefore: undefined }, /no host that counts/],
    ['no snapshot', { asOf: 0 }, /no snapshot/],
    [
      'rows that do not parse',
      { unreadableHosts: ['a/host', 'b', 'c', 'd', 'e', 'f', 'g'] },
      /a\/host, b, c, d, e, and 2 more/,
    ],
    ['hosts whose reports are not known', { hostsUnknown: 3 }, /what 3 of 10 hosts need is not in the snapshot/],
    ['facts that do not parse', { unknownUpdates: ['x'] }, /facts of updates are unreadable or cut \(x\)/],
  ] as const)('%s', (_, more, reason) => {
    const said = whyNotClean({ ...known, ...more }, 2, false);
    if (reason === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(reason);
  });

  it('an old snapshot', () => {
    expect(whyNotClean(known, 1 + hour, false)).toBeUndefined();
    expect(whyNotClean(known, 2 + hour, false)).toMatch(/older than 60 minutes/);
  });

  it('is overcome by a person only where it is about hosts that are gone', () => {
    expect(whyNotClean({ ...known, hosts: 0 }, 2, true)).toBeUndefined();
    expect(whyNotClean({ ...known, asOf: 0 }, 2, true)).toMatch(/no snapshot/);
    expect(whyNotClean({ ...known, unreadableHosts: ['a'] }, 2, true)).toMatch(/do not parse/);
  });
});
