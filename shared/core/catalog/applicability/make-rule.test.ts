import { describe, expect, it } from 'vitest';
import { op, withTexts } from '#test/kit/operators.ts';
import { evaluateRule } from './evaluate.ts';
import { HostFacts } from './host-facts.ts';

const key = { Key: 'HKEY_LOCAL_MACHINE', Subkey: 'SOFTWARE\\A' };
const value = { ...key, Value: 'V' };
const file = { Path: 'a.sys', Csidl: '37' };

describe('an operator that makes no sense is kept with the reason', () => {
  it.each([
    ['no subkey', op('b.RegKeyExists', { Key: 'HKEY_LOCAL_MACHINE' }), 'Subkey is missing, allowed is a text'],
    ['a root that the schema lacks', op('b.RegKeyExists', { ...key, Key: 'HKEY_USERS' }), 'Key is "HKEY_USERS"'],
    ['a number that is none', op('b.RegDword', { ...value, Comparison: 'EqualTo', Data: 'x' }), 'Data is "x", allowed'],
    [
      'a comparison that is none',
      op('b.RegDword', { ...value, Comparison: 'Near', Data: '1' }),
      'LessThan, LessThanOr',
    ],
    [
      'a time without a zone',
      op('b.FileModified', { ...file, Comparison: 'EqualTo', Modified: '2020-01-01T00:00:00' }),
      'zone',
    ],
    ['a package that is none', op('CbsPackageInstalledByIdentity', { PackageIdentity: 'a~b' }), 'name~token'],
    ['two faults', op('b.SystemMetric', { Comparison: 'EqualTo' }), /Index is missing.*; Value is missing/],
    ['an empty And', op('And'), 'no rule inside'],
    ['a Not of two', op('Not', {}, op('True'), op('True')), '2 rules inside'],
    ['a product that is no GUID', withTexts('m.MsiFeatureInstalledForProduct', { 'm.Product': 'x' }), 'GUIDs'],
  ])('%s', (_what, rule, reason) => {
    expect(rule).toMatchObject({ op: 'invalid', reason: expect.stringMatching(reason) });
    expect(evaluateRule(rule, {}, new HostFacts({})).value).toBeUndefined();
  });

  it('and so is one with an attribute whose meaning is not known', () => {
    const rule = op('b.Processor', { Architecture: '9', Cores: '4' });
    expect(rule).toEqual({ op: 'unsupported', name: 'b.Processor', reason: 'its attribute Cores is not evaluated' });
    expect(op('True', {}, op('False'))).toMatchObject({ op: 'unsupported', reason: expect.stringContaining('inside') });
  });
});
