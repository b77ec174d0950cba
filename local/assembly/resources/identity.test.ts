import { describe, expect, it } from 'vitest';
import { describeIssues } from '../cloud-assembly.ts';
import { userPool, userPoolClient, userPoolDomain, userPoolGroup } from './identity.ts';
import type { IdentityContext } from './kind.ts';

const context = (given: Readonly<Record<string, string>> = {}): IdentityContext => ({
  logicalId: 'People',
  stackName: 'KBroker',
  region: 'eu-central-1',
  accountId: '000000000000',
  given: (property) => given[property],
});

describe('a user pool', () => {
  it('is named as Cognito names it', () => {
    const { ref, attributes } = userPool.identify(context());
    expect(ref).toMatch(/^eu-central-1_[0-9a-f]{9}$/);
    expect(attributes).toEqual({
      Arn: `arn:aws:cognito-idp:eu-central-1:000000000000:userpool/${ref}`,
      ProviderName: `cognito-idp.eu-central-1.amazonaws.com/${ref}`,
      ProviderURL: `https://cognito-idp.eu-central-1.amazonaws.com/${ref}`,
      UserPoolId: ref,
    });
    expect(userPoolClient.identify(context()).ref).toMatch(/^[0-9a-f]{26}$/);
    expect(userPoolDomain.identify(context({ Domain: 'kbroker-1' })).ref).toBe('kbroker-1');
    expect(userPoolGroup.identify(context({ GroupName: 'viewer' })).ref).toBe('viewer');
  });

  it.each([
    ['what runs at a login', { LambdaConfig: { PreTokenGeneration: 'arn' } }, 'LambdaConfig is not modelled'],
    ['what nobody has heard of', { Colour: 'red' }, 'Colour is not modelled'],
  ])('is refused with %s', (_what, properties, words) => {
    const parsed = userPool.schema.safeParse(properties);
    expect(parsed.success ? '' : describeIssues(parsed.error.issues)).toBe(words);
  });
});

describe('a client of a user pool', () => {
  const usual = {
    UserPoolId: 'pool',
    AllowedOAuthFlows: ['code'],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthScopes: ['openid'],
    CallbackURLs: ['http://localhost:8976/callback'],
    SupportedIdentityProviders: ['COGNITO'],
  };

  it('has the lives of tokens that Cognito gives by default', () => {
    expect(userPoolClient.schema.parse(usual)).toMatchObject({
      AccessTokenValidity: 1,
      RefreshTokenValidity: 30,
      TokenValidityUnits: { AccessToken: 'hours', IdToken: 'hours', RefreshToken: 'days' },
    });
    const minutes = { AccessTokenValidity: 60, TokenValidityUnits: { AccessToken: 'minutes' } };
    expect(userPoolClient.schema.parse({ ...usual, ...minutes })).toMatchObject({
      TokenValidityUnits: { AccessToken: 'minutes', IdToken: 'hours', RefreshToken: 'days' },
    });
  });

  it.each([
    ['a secret', { GenerateSecret: true }, /^GenerateSecret /],
    ['the implicit flow', { AllowedOAuthFlows: ['code', 'implicit'] }, /AllowedOAuthFlows/],
    ['another provider', { SupportedIdentityProviders: ['Google'] }, /SupportedIdentityProviders/],
  ])('is refused with %s', (_what, changes, words) => {
    const parsed = userPoolClient.schema.safeParse({ ...usual, ...changes });
    expect(parsed.success ? '' : describeIssues(parsed.error.issues)).toMatch(words);
  });
});
