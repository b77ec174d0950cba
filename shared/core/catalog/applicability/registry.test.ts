import { describe, expect, it } from 'vitest';
import { normalPath, Registry } from './registry.ts';

const amd64 = 9;
const x86 = 0;
const empty = { complete: true, keys: {} };

describe('paths of keys', () => {
  it.each([
    ['\\', ''],
    ['SOFTWARE\\\\Microsoft\\', 'software\\microsoft'],
    ['Software/Microsoft', 'software\\microsoft'],
  ])('%s', (path, normal) => {
    expect(normalPath(path)).toBe(normal);
  });
});

describe('the 32-bit view', () => {
  it.each([
    ['SOFTWARE\\Microsoft\\Works', 'software\\wow6432node\\microsoft\\works'],
    ['SOFTWARE', 'software\\wow6432node'],
    ['SOFTWARE\\Wow6432Node\\Microsoft', 'software\\wow6432node\\microsoft'],
    ['SOFTWARE\\Policies\\Microsoft', 'software\\policies\\microsoft'],
    ['SOFTWARE\\PoliciesOfOthers', 'software\\wow6432node\\policiesofothers'],
    ['SOFTWAREX\\A', 'softwarex\\a'],
    ['SYSTEM\\CurrentControlSet', 'system\\currentcontrolset'],
  ])('of %s is stored as %s', (path, stored) => {
    expect(new Registry(empty, amd64).stored(path, true)).toBe(stored);
  });

  it('is the only one on 32-bit machines, and unknown where the processor is', () => {
    expect(new Registry(empty, x86).stored('SOFTWARE\\A', true)).toBe('software\\a');
    expect(new Registry(empty, undefined).stored('SOFTWARE\\A', true)).toBeUndefined();
    expect(new Registry(empty, undefined).stored('SYSTEM\\A', true)).toBe('system\\a');
    expect(new Registry(empty, undefined).stored('SOFTWARE\\A', false)).toBe('software\\a');
  });
});

describe('a described registry', () => {
  it('has the keys above those that it lists, and tells what is not there from what is not known', () => {
    const keys = { 'A\\B\\C': { v: { type: 'REG_SZ', data: 'x' } } } as const;
    const whole = new Registry({ complete: true, keys }, amd64);
    const part = new Registry({ complete: false, keys }, amd64);
    expect([whole.key('a'), whole.key('a\\b'), whole.key('a\\x')]).toEqual([true, true, null]);
    expect([part.key('a\\b\\c'), part.key('a\\x')]).toEqual([true, undefined]);
    expect([whole.value('a\\b\\c', 'V'), whole.value('a\\b\\c', 'w'), part.value('a\\b\\c', 'w')]).toEqual([
      { type: 'REG_SZ', data: 'x' },
      null,
      undefined,
    ]);
    expect(whole.subkeys('a')).toEqual({ names: ['b'], complete: true });
    expect(part.subkeys('a\\b\\c')).toEqual({ names: [], complete: false });
  });
});
