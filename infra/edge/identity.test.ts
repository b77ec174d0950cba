import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { roles } from '#shared/contract/access.ts';
import { loginRedirects } from '#shared/contract/login.ts';
import { type Synthesized, synthesize } from '../testing/synth.ts';

const oidc = { issuer: 'https://login.example.org/tenant', clientId: 'kbroker', roleClaim: 'roles' };

/** Variables of serve-operators, which verifies people's tokens. */
function environmentOf({ ofType }: Synthesized): Readonly<Record<string, unknown>> {
  const operators = ofType('AWS::Lambda::Function').find(({ id }) => id.startsWith('ServeOperators'));
  const schema = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
  return schema.parse(operators?.properties).Environment.Variables;
}

describe('people', () => {
  let synthesized: Synthesized;
  beforeAll(() => {
    synthesized = synthesize();
  });
  afterAll(() => synthesized.remove());

  test('are made by administrators only, with long passwords and a second factor if they want', () => {
    const [pool, ...more] = synthesized.ofType('AWS::Cognito::UserPool');
    expect(more).toEqual([]);
    expect(pool).toMatchObject({ deletionPolicy: 'Retain', updateReplacePolicy: 'Retain' });
    expect(pool?.properties).toMatchObject({
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      DeletionProtection: 'ACTIVE',
      MfaConfiguration: 'OPTIONAL',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      Policies: { PasswordPolicy: { MinimumLength: 14 } },
      UserPoolTier: 'ESSENTIALS',
    });
    expect(pool?.properties).not.toHaveProperty('UserPoolAddOns');
  });

  test('are in a group for each role, of which the highest goes first', () => {
    const groups = synthesized.ofType('AWS::Cognito::UserPoolGroup').map(({ properties }) => properties);
    const byPrecedence = groups.toSorted((a, b) => Number(a.Precedence) - Number(b.Precedence));
    expect(byPrecedence.map(({ GroupName }) => GroupName)).toEqual(roles.toReversed());
  });

  test('log in with a public client: by a code, at ports of their own machine, for an hour', () => {
    const [client] = synthesized.ofType('AWS::Cognito::UserPoolClient');
    expect(client?.properties).toMatchObject({
      GenerateSecret: false,
      AllowedOAuthFlows: ['code'],
      AllowedOAuthScopes: ['openid', 'email', 'profile'],
      CallbackURLs: [...loginRedirects],
      ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
      SupportedIdentityProviders: ['COGNITO'],
      AccessTokenValidity: 60,
      RefreshTokenValidity: 30 * 24 * 60,
      TokenValidityUnits: { AccessToken: 'minutes', RefreshToken: 'minutes' },
      EnableTokenRevocation: true,
      PreventUserExistenceErrors: 'ENABLED',
    });
  });

  test('are known to the function by the issuer and the client that the outputs name', () => {
    const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_ROLE_CLAIM } = environmentOf(synthesized);
    expect(OIDC_ISSUER).toEqual(synthesized.template.Outputs.Issuer?.Value);
    expect(JSON.stringify(OIDC_ISSUER)).toMatch(/^\{"Fn::Join":\["",\["https:\/\/cognito-idp\./);
    expect(OIDC_CLIENT_ID).toEqual(synthesized.template.Outputs.ClientId?.Value);
    expect(OIDC_ROLE_CLAIM).toBe('cognito:groups');
    expect(synthesized.template.Outputs).toHaveProperty('LoginDomain');
  });
});

test('the company’s own provider takes the place of the user pool', () => {
  const synthesized = synthesize({ oidc });
  try {
    const cognito = Object.values(synthesized.template.Resources).filter(({ Type }) => Type.includes('Cognito'));
    expect(cognito).toEqual([]);
    expect(environmentOf(synthesized)).toMatchObject({
      OIDC_ISSUER: oidc.issuer,
      OIDC_CLIENT_ID: 'kbroker',
      OIDC_ROLE_CLAIM: 'roles',
    });
    expect(synthesized.template.Outputs.Issuer?.Value).toBe(oidc.issuer);
    expect(synthesized.template.Outputs).not.toHaveProperty('LoginDomain');
  } finally {
    synthesized.remove();
  }
});

test('the login page has the name that was asked for', () => {
  const synthesized = synthesize({ loginDomainPrefix: 'updates-example' });
  try {
    const [domain] = synthesized.ofType('AWS::Cognito::UserPoolDomain');
    expect(domain?.properties.Domain).toBe('updates-example');
  } finally {
    synthesized.remove();
  }
});
