// biome-ignore-all lint/suspicious/noTemplateCurlyInString: IAM writes its policy variables like that.
import { describe, expect, it } from 'vitest';
import type { PolicyDocument, PolicyStatement } from '#local/assembly/resources/policy-document.ts';
import { type Caller, checkDocument, evaluate } from './policy.ts';

const statement = (more: Partial<PolicyStatement>): PolicyStatement => ({
  Effect: 'Allow',
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::b/index/*'],
  ...more,
});
const policy = (...statements: Partial<PolicyStatement>[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.map(statement),
});

const role: Caller = { kind: 'identity', arn: 'arn:aws:iam::000000000000:role/r', accountId: '000000000000' };
const service = (name: string): Caller => ({ kind: 'service', service: `${name}.amazonaws.com` });

const verdict = (
  documents: readonly PolicyDocument[],
  action: string,
  resource: string,
  context: Record<string, string | readonly string[]> = {},
  caller: Caller = role,
) => evaluate(documents, { caller, action, resource, context });

describe('statements', () => {
  it('allow what they name, with wildcards, and nothing else', () => {
    const documents = [policy({})];
    expect(verdict(documents, 's3:GetObject', 'arn:aws:s3:::b/index/a/b')).toBe('allow');
    expect(verdict(documents, 'S3:getobject', 'arn:aws:s3:::b/index/')).toBe('allow');
    expect(verdict(documents, 's3:PutObject', 'arn:aws:s3:::b/index/a')).toBe('none');
    expect(verdict(documents, 's3:GetObject', 'arn:aws:s3:::b/other')).toBe('none');
    expect(verdict(documents, 's3:GetObject', 'arn:aws:s3:::B/index/a')).toBe('none');
    expect(verdict([policy({ Action: ['s3:Get*'] })], 's3:GetObjectTagging', 'arn:aws:s3:::b/index/a')).toBe('allow');
    expect(verdict([policy({ Action: ['s3:Get?bject'] })], 's3:GetObject', 'arn:aws:s3:::b/index/a')).toBe('allow');
    expect(verdict([policy({ Resource: ['arn:aws:s3:::b.c/*'] })], 's3:GetObject', 'arn:aws:s3:::bxc/a')).toBe('none');
  });

  it('deny stronger than they allow, whatever the order', () => {
    const deny = { Effect: 'Deny', Resource: ['*'] } as const;
    expect(verdict([policy(deny, {})], 's3:GetObject', 'arn:aws:s3:::b/index/a')).toBe('deny');
    expect(verdict([policy({}), policy(deny)], 's3:GetObject', 'arn:aws:s3:::b/index/a')).toBe('deny');
  });

  it('can insist on conditional writes', () => {
    const insist = {
      Effect: 'Deny',
      Action: ['s3:PutObject'],
      Resource: ['*'],
      Principal: '*',
      Condition: { Null: { 's3:if-none-match': ['true'] } },
    } as const;
    const put = (context: Record<string, readonly string[]>) =>
      verdict(
        [policy({ Action: ['s3:PutObject'] }), policy(insist)],
        's3:PutObject',
        'arn:aws:s3:::b/index/a',
        context,
      );
    expect(checkDocument(policy(insist), 'here', 'resource')).toBeUndefined();
    expect(put({ 's3:if-none-match': ['*'] })).toBe('allow');
    expect(put({})).toBe('deny');
  });

  it('can name what they are not about', () => {
    const { Action, Resource, ...rest } = statement({ Effect: 'Allow' });
    const others: PolicyDocument = {
      Statement: [{ ...rest, NotAction: ['s3:Delete*'], NotResource: ['arn:aws:s3:::b/secret/*'] }],
    };
    expect(verdict([others], 'sqs:SendMessage', 'arn:aws:sqs:x')).toBe('allow');
    expect(verdict([others], 's3:DeleteObject', 'arn:aws:s3:::b/index/a')).toBe('none');
    expect(verdict([others], 's3:GetObject', 'arn:aws:s3:::b/secret/a')).toBe('none');
  });

  it('name principals: accounts, roles, services, everybody', () => {
    const by = (Principal: PolicyStatement['Principal']) => [policy({ Principal })];
    const at = 'arn:aws:s3:::b/index/a';
    const cloudfront = service('cloudfront');
    expect(verdict(by('*'), 's3:GetObject', at)).toBe('allow');
    expect(verdict(by({ AWS: ['arn:aws:iam::000000000000:root'] }), 's3:GetObject', at)).toBe('allow');
    expect(verdict(by({ AWS: ['000000000000'] }), 's3:GetObject', at)).toBe('allow');
    expect(verdict(by({ AWS: ['arn:aws:iam::000000000000:role/r'] }), 's3:GetObject', at)).toBe('allow');
    expect(verdict(by({ AWS: ['arn:aws:iam::000000000000:role/other'] }), 's3:GetObject', at)).toBe('none');
    expect(verdict(by({ Service: ['cloudfront.amazonaws.com'] }), 's3:GetObject', at)).toBe('none');
    expect(verdict(by({ Service: ['cloudfront.amazonaws.com'] }), 's3:GetObject', at, {}, cloudfront)).toBe('allow');
    expect(verdict(by({ Service: ['sns.amazonaws.com'] }), 's3:GetObject', at, {}, cloudfront)).toBe('none');
    const { Principal: _none, ...others } = statement({ NotPrincipal: { AWS: ['000000000000'] } });
    expect(verdict([{ Statement: [others] }], 's3:GetObject', at)).toBe('none');
    expect(verdict([{ Statement: [others] }], 's3:GetObject', at, {}, cloudfront)).toBe('allow');
  });
});

describe('conditions', () => {
  const held = (
    Condition: PolicyStatement['Condition'],
    context: Record<string, string | readonly string[]>,
  ): boolean => verdict([policy({ Condition })], 's3:GetObject', 'arn:aws:s3:::b/index/a', context) === 'allow';
  const keys = (...values: string[]) => ({ 'dynamodb:leadingkeys': values });
  const arn = { 'aws:sourcearn': 'arn:aws:execute-api:eu-west-1:000000000000:api/$default/GET/v1' };

  it.each([
    [{ StringEquals: { 'AWS:SourceAccount': ['1', '2'] } }, { 'aws:sourceaccount': '2' }, true],
    [{ StringEquals: { 'aws:SourceAccount': ['1'] } }, { 'aws:sourceaccount': '2' }, false],
    [{ StringEquals: { 'aws:SourceAccount': ['1'] } }, {}, false],
    [{ StringEqualsIfExists: { 'aws:SourceAccount': ['1'] } }, {}, true],
    [{ StringNotEquals: { 'aws:SourceAccount': ['1', '2'] } }, { 'aws:sourceaccount': '2' }, false],
    [{ StringNotEquals: { 'aws:SourceAccount': ['1'] } }, {}, true],
    [{ StringLike: { 'aws:SourceAccount': ['0*'] } }, { 'aws:sourceaccount': '007' }, true],
    [{ StringEqualsIgnoreCase: { 'aws:SourceArn': ['A'] } }, { 'aws:sourcearn': 'a' }, true],
    [{ Bool: { 'aws:SecureTransport': ['false'] } }, { 'aws:securetransport': 'true' }, false],
    [{ Bool: { 'aws:SecureTransport': ['true'] } }, { 'aws:securetransport': 'true' }, true],
    [{ NumericLessThan: { 's3:TlsVersion': ['1.2'] } }, { 's3:tlsversion': '1.3' }, false],
    [{ NumericGreaterThanEquals: { 's3:TlsVersion': ['1.2'] } }, { 's3:tlsversion': '1.2' }, true],
    [{ Null: { 'aws:SourceArn': ['true'] } }, {}, true],
    [{ Null: { 'aws:SourceArn': ['true'] } }, { 'aws:sourcearn': 'x' }, false],
    [{ ArnLike: { 'aws:SourceArn': ['arn:aws:execute-api:eu-west-1:000000000000:api/*/*/v1'] } }, arn, true],
    // A wildcard stays within its part of the ARN.
    [{ ArnLike: { 'aws:SourceArn': ['arn:aws:*:api/*/*/v1'] } }, arn, false],
    [{ ArnNotLike: { 'aws:SourceArn': ['arn:aws:execute-api:*:*:api/*'] } }, arn, false],
    // Keys of several values: each of them, or one of them, must match one of the condition's.
    [{ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['a#*', 'b'] } }, keys('a#1', 'b'), true],
    [{ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['a#*', 'b'] } }, keys('a#1', 'c'), false],
    [{ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['a#*'] } }, {}, true],
    [{ 'ForAnyValue:StringLike': { 'dynamodb:LeadingKeys': ['a#*', 'b'] } }, keys('a#1', 'c'), true],
    [{ 'ForAnyValue:StringLike': { 'dynamodb:LeadingKeys': ['a#*', 'b'] } }, keys('c'), false],
    [{ 'ForAnyValue:StringLike': { 'dynamodb:LeadingKeys': ['a#*'] } }, {}, false],
    [{ 'ForAllValues:StringNotLike': { 'dynamodb:LeadingKeys': ['a#*', 'b'] } }, keys('c', 'd'), true],
    [{ 'ForAllValues:StringNotLike': { 'dynamodb:LeadingKeys': ['a#*', 'b'] } }, keys('c', 'b'), false],
    [{ 'ForAnyValue:StringNotEquals': { 'dynamodb:LeadingKeys': ['b'] } }, keys('c', 'b'), true],
    [{ Null: { 'dynamodb:LeadingKeys': ['false'] } }, keys('a'), true],
    [{ Null: { 'dynamodb:LeadingKeys': ['false'] } }, {}, false],
    // All keys and operators must hold.
    [
      { StringEquals: { 'aws:SourceAccount': ['1'], 'aws:SourceArn': ['x'] } },
      { 'aws:sourceaccount': '1', 'aws:sourcearn': 'y' },
      false,
    ],
  ])('%j with %j: %s', (condition, context, expected) => {
    expect(held(condition, context)).toBe(expected);
  });
});

describe('a policy that would not be understood', () => {
  const check =
    (more: Partial<PolicyStatement>, form: 'identity' | 'resource' | 'trust' = 'identity') =>
    () =>
      checkDocument(policy(more), 'policy of Role', form);

  it('is refused before anything runs', () => {
    expect(check({})).not.toThrow();
    expect(check({ Condition: { DateLessThan: { 'aws:SourceArn': ['x'] } } })).toThrow(
      /policy of Role: the condition operator DateLessThan is not modelled/,
    );
    expect(check({ Condition: { StringEquals: { 'dynamodb:Attributes': ['x'] } } })).toThrow(
      /the condition key dynamodb:Attributes is not modelled/,
    );
    expect(check({ Condition: { 'ForAnyValue:StringEquals': { 'aws:SourceArn': ['x'] } } })).toThrow(/ForAnyValue/);
    expect(check({ Condition: { StringEquals: { 'dynamodb:LeadingKeys': ['x'] } } })).toThrow(
      /StringEquals with dynamodb:LeadingKeys, which has several values; allowed are ForAllValues: and ForAnyValue:/,
    );
    expect(check({ Condition: { 'ForSome:StringEquals': { 'dynamodb:LeadingKeys': ['x'] } } })).toThrow(/ForSome/);
    expect(check({ Condition: { 'ForAllValues:Null': { 'dynamodb:LeadingKeys': ['x'] } } })).toThrow(/ForAllValues/);
    expect(check({ Resource: ['arn:aws:s3:::b/${aws:username}'] })).toThrow(/policy variable/);
    expect(check({ Condition: { StringEquals: { 'aws:SourceArn': ['${aws:username}'] } } })).toThrow(/policy variable/);
  });

  it('is refused when it has not the form of its kind', () => {
    expect(check({ Principal: '*' })).toThrow(/names no principal/);
    expect(check({}, 'resource')).toThrow(/needs Principal or NotPrincipal/);
    expect(check({ Principal: '*' }, 'trust')).toThrow(/names no resource/);
    expect(check({ NotAction: ['s3:*'] })).toThrow(/Action or NotAction/);
    expect(check({ NotResource: ['*'] })).toThrow(/Resource or NotResource/);
  });
});
