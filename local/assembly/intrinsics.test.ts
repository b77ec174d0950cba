// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation writes its placeholders like that.
import { describe, expect, it } from 'vitest';
import { evaluateCondition, resolve, type Scope } from './intrinsics.ts';

const scope: Scope = {
  ref: (name) => (name === 'AWS::NoValue' ? undefined : `<${name}>`),
  attribute: (logicalId, name) => `<${logicalId}.${name}>`,
  condition: (name) => name === 'Yes',
};
const resolved = (value: unknown): unknown => resolve(value, scope, 'Thing');

describe('intrinsic functions', () => {
  it('are replaced wherever they are', () => {
    expect(resolved({ a: [{ Ref: 'X' }, 1, true, null], b: { 'Fn::GetAtt': ['Y', 'Arn'] } })).toEqual({
      a: ['<X>', 1, true, null],
      b: '<Y.Arn>',
    });
  });

  it('leave out AWS::NoValue, in objects and in lists', () => {
    const nothing = { Ref: 'AWS::NoValue' };
    expect(resolved({ a: nothing, b: [nothing, 'x'], c: { 'Fn::If': ['No', 'x', nothing] } })).toEqual({ b: ['x'] });
  });

  it.each([
    [{ 'Fn::GetAtt': 'Y.Nested.Name' }, '<Y.Nested.Name>'],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'X' }, 3]] }, 'a-<X>-3'],
    [{ 'Fn::Select': [1, ['a', { Ref: 'X' }]] }, '<X>'],
    [{ 'Fn::Select': ['0', { 'Fn::Split': [':', 'p:q'] }] }, 'p'],
    [{ 'Fn::Split': ['/', { 'Fn::Join': ['/', ['a', 'b']] }] }, ['a', 'b']],
    [{ 'Fn::If': ['Yes', { Ref: 'X' }, 'no'] }, '<X>'],
    [{ 'Fn::Sub': '${X}/${Y.Arn}/${!Literal}' }, '<X>/<Y.Arn>/${Literal}'],
    [{ 'Fn::Sub': ['${Own}-${X}', { Own: { Ref: 'Z' } }] }, '<Z>-<X>'],
  ])('%j', (value, expected) => {
    expect(resolved(value)).toEqual(expected);
  });

  it.each([
    [{ 'Fn::ImportValue': 'x' }, /Thing\.a: the intrinsic function Fn::ImportValue is not modelled/],
    [{ 'Fn::Join': ['-', 'no list'] }, /Fn::Join wants a list, got "no list"/],
    [{ 'Fn::Join': ['-', [{ an: 'object' }]] }, /Fn::Join wants a string/],
    [{ 'Fn::Select': [2, ['a', 'b']] }, /no item 2 of 2/],
  ])('refuses %j by name', (value, message) => {
    expect(() => resolved({ a: value })).toThrow(message);
  });

  it('leaves an object alone that only looks like one', () => {
    expect(resolved({ a: { Ref: 'X', other: 1 } })).toEqual({ a: { Ref: 'X', other: 1 } });
  });
});

describe('conditions', () => {
  const holds = (value: unknown): boolean => evaluateCondition(value, scope, 'condition C');

  it.each([
    [{ 'Fn::Equals': ['a', 'a'] }, true],
    [{ 'Fn::Equals': [{ Ref: 'X' }, 'a'] }, false],
    [{ 'Fn::Not': [{ Condition: 'Yes' }] }, false],
    [{ 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] }, false],
    [{ 'Fn::Or': [{ Condition: 'No' }, { Condition: 'Yes' }] }, true],
  ])('%j is %s', (value, expected) => {
    expect(holds(value)).toBe(expected);
  });

  it('refuses functions that are not modelled', () => {
    expect(() => holds({ 'Fn::Contains': [] })).toThrow(
      /condition C: the condition function Fn::Contains is not modelled/,
    );
    expect(() => holds('yes')).toThrow(/not a condition/);
  });
});
