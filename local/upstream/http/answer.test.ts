import { describe, expect, it } from 'vitest';
import { iisEtag } from './etag.ts';
import { createFaultSwitchboard } from './faults.ts';
import { rangeOf } from './ranges.ts';

describe('the entity tag of IIS', () => {
  it('is the one that Microsoft sent for the index of July 2016', () => {
    expect(iisEtag(new Date('Tue, 12 Jul 2016 14:36:24 GMT'))).toBe('"0a4bbc34adcd11:0"');
  });
});

describe('a Range header', () => {
  it.each([
    [undefined, 'whole'],
    ['bytes=0-9', { start: 0, end: 9 }],
    ['bytes=90-200', { start: 90, end: 99 }],
    ['bytes=99-', { start: 99, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=-1000', { start: 0, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=9-0', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=0-1', 'whole'],
  ] as const)('%s of 100 bytes is %o', (header, expected) => {
    expect(rangeOf(header, 100)).toEqual(expected);
  });

  it('of an empty file is never satisfiable', () => {
    expect(rangeOf('bytes=0-', 0)).toBe('unsatisfiable');
    expect(rangeOf('bytes=-5', 0)).toBe('unsatisfiable');
    expect(rangeOf(undefined, 0)).toBe('whole');
  });
});

describe('faults', () => {
  it('hit what matches, so many times, until they are switched off', () => {
    const faults = createFaultSwitchboard();
    faults.add({ path: /\.cab$/g, kind: { type: 'wrong-bytes' }, times: 2 });
    const off = faults.add({ path: /^\/a/, kind: { type: 'cut', afterBytes: 5 } });
    expect(faults.hitting('/b.msu', 'any')).toEqual([]);
    expect(faults.hitting('/a.cab', 'any')).toEqual([{ type: 'wrong-bytes' }, { type: 'cut', afterBytes: 5 }]);
    expect(faults.hitting('/b.cab', 'any')).toEqual([{ type: 'wrong-bytes' }]);
    expect(faults.hitting('/b.cab', 'any')).toEqual([]);
    expect(faults.active).toHaveLength(1);
    off();
    expect(faults.hitting('/a.cab', 'any')).toEqual([]);
  });
});
