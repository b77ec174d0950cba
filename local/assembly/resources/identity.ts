/** The Cognito user pool. Its people are made up here, so that most of what a pool is told about people says nothing. */
import * as z from 'zod/mini';
import { flag, generatedId, kind, modelled, wholeNumber } from './kind.ts';

const noPeople = 'people are made up: they have neither passwords nor mail, and nobody signs up';

export const userPool = kind(
  'AWS::Cognito::UserPool',
  modelled(
    {},
    {
      AccountRecoverySetting: noPeople,
      AdminCreateUserConfig: noPeople,
      AliasAttributes: noPeople,
      AutoVerifiedAttributes: noPeople,
      DeletionProtection: 'a data folder is deleted by its owner',
      EmailVerificationMessage: noPeople,
      EmailVerificationSubject: noPeople,
      EnabledMfas: noPeople,
      MfaConfiguration: noPeople,
      Policies: noPeople,
      Schema: noPeople,
      SmsVerificationMessage: noPeople,
      UserPoolName: 'for people',
      UserPoolTags: 'tags are for bills and people',
      UserPoolTier: 'a matter of bills',
      UsernameConfiguration: noPeople,
      VerificationMessageTemplate: noPeople,
    },
  ),
  (context) => {
    const id = `${context.region}_${generatedId(context, 9)}`;
    const provider = `cognito-idp.${context.region}.amazonaws.com/${id}`;
    return {
      ref: id,
      attributes: {
        Arn: `arn:aws:cognito-idp:${context.region}:${context.accountId}:userpool/${id}`,
        ProviderName: provider,
        ProviderURL: `https://${provider}`,
        UserPoolId: id,
      },
    };
  },
);

const unit = z._default(z.enum(['seconds', 'minutes', 'hours', 'days']), 'hours');

export const userPoolClient = kind(
  'AWS::Cognito::UserPoolClient',
  modelled(
    {
      UserPoolId: z.string(),
      AllowedOAuthFlows: z.tuple([z.literal('code')]),
      AllowedOAuthFlowsUserPoolClient: z.literal(true),
      AllowedOAuthScopes: z.array(z.enum(['openid', 'email', 'profile'])),
      CallbackURLs: z.array(z.string()),
      GenerateSecret: z._default(z.literal(false), false),
      EnableTokenRevocation: z.optional(flag),
      SupportedIdentityProviders: z.tuple([z.literal('COGNITO')]),
      AccessTokenValidity: z._default(wholeNumber, 1),
      IdTokenValidity: z._default(wholeNumber, 1),
      RefreshTokenValidity: z._default(wholeNumber, 30),
      TokenValidityUnits: z._default(
        z.strictObject({
          AccessToken: unit,
          IdToken: unit,
          RefreshToken: z._default(z.enum(['seconds', 'minutes', 'hours', 'days']), 'days'),
        }),
        { AccessToken: 'hours', IdToken: 'hours', RefreshToken: 'days' },
      ),
    },
    {
      ClientName: 'for people',
      ExplicitAuthFlows: 'only the login page is served',
      PreventUserExistenceErrors: noPeople,
    },
  ),
  (context) => {
    const id = generatedId(context, 26);
    return { ref: id, attributes: { ClientId: id } };
  },
);

export const userPoolDomain = kind(
  'AWS::Cognito::UserPoolDomain',
  modelled({ Domain: z.string(), UserPoolId: z.string() }),
  (context) => ({ ref: context.given('Domain') ?? context.logicalId, attributes: {} }),
);

export const userPoolGroup = kind(
  'AWS::Cognito::UserPoolGroup',
  modelled(
    { GroupName: z.string(), UserPoolId: z.string() },
    { Description: 'for people', Precedence: 'says whose IAM role counts, and groups have none' },
  ),
  (context) => ({ ref: context.given('GroupName') ?? context.logicalId, attributes: {} }),
);
