import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AccountRecovery,
  CfnUserPoolGroup,
  FeaturePlan,
  Mfa,
  OAuthScope,
  UserPool,
  UserPoolClient,
  UserPoolClientIdentityProvider,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { type Role, roles } from '#shared/contract/access.ts';
import { loginRedirects, loginScopes } from '#shared/contract/login.ts';
import { acknowledge } from '../kit/acknowledge.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';

/** An OpenID provider of one's own, in the place of a Cognito user pool. */
export interface OpenIdProvider {
  /** Its issuer, exactly as its tokens and its discovery document name it. */
  readonly issuer: string;
  /**
   * A public client (code with PKCE) that may redirect to the addresses in shared/contract/login.ts. Access tokens must be
   * JWTs that name it in `aud` or `client_id`.
   */
  readonly clientId: string;
  /**
   * Claim of the access token that holds viewer, operator or administrator.
   *
   * @default 'cognito:groups'
   */
  readonly roleClaim?: string;
}

export interface IdentityProps {
  readonly removalPolicy: RemovalPolicy;
  /**
   * Whose tokens are believed.
   *
   * @default - a Cognito user pool is made
   */
  readonly oidc?: OpenIdProvider | undefined;
  /**
   * First part of the login page's host name, which nobody else in the region may have.
   *
   * @default - the stack's name and the account's number
   */
  readonly loginDomainPrefix?: string | undefined;
}

const meanings: Readonly<Record<Role, string>> = {
  viewer: 'May see everything but enrolment tokens and the audit log',
  operator: 'May also start synchronisations, sweeps and commands, and read the audit log',
  administrator: 'May also change rules, make and revoke enrolment tokens, and revoke hosts',
};

/** Who the people are: a Cognito user pool with a group for each role, or an OpenID provider that exists already. */
export class Identity extends Construct {
  readonly issuer: string;
  readonly clientId: string;
  readonly roleClaim: string;
  /** Address of Cognito's login page; undefined with a provider of one's own. */
  readonly loginDomain: string | undefined;

  constructor(scope: Construct, id: string, props: IdentityProps) {
    super(scope, id);
    if (props.oidc !== undefined) {
      this.issuer = props.oidc.issuer;
      this.clientId = props.oidc.clientId;
      this.roleClaim = props.oidc.roleClaim ?? 'cognito:groups';
      return;
    }
    const pool = this.makePool(props.removalPolicy);
    const stack = Stack.of(this);
    const domain = pool.addDomain('LoginDomain', {
      cognitoDomain: { domainPrefix: props.loginDomainPrefix ?? defaultPrefix(stack) },
    });
    for (const [precedence, role] of roles.toReversed().entries()) {
      new CfnUserPoolGroup(this, role, {
        userPoolId: pool.userPoolId,
        groupName: role,
        description: meanings[role],
        precedence,
      });
    }
    // As https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
    // has it for the claim `iss`.
    this.issuer = `https://cognito-idp.${stack.region}.${stack.urlSuffix}/${pool.userPoolId}`;
    this.clientId = this.makeClient(pool).userPoolClientId;
    this.roleClaim = 'cognito:groups';
    this.loginDomain = domain.baseUrl();
  }

  /** Gives a function what it needs to verify people's tokens; the issuer's keys are public. */
  bindTo(fn: BrokerFunction): void {
    fn.bind({ OIDC_ISSUER: this.issuer, OIDC_CLIENT_ID: this.clientId, OIDC_ROLE_CLAIM: this.roleClaim });
  }

  private makePool(removalPolicy: RemovalPolicy): UserPool {
    const pool = new UserPool(this, 'People', {
      selfSignUpEnabled: false,
      signInAliases: { username: true, email: true },
      signInCaseSensitive: false,
      standardAttributes: { email: { required: true, mutable: true } },
      autoVerify: { email: true },
      passwordPolicy: {
        minLength: 14,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(7),
      },
      mfa: Mfa.OPTIONAL,
      mfaSecondFactor: { otp: true, sms: false, email: false },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      featurePlan: FeaturePlan.ESSENTIALS,
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
    acknowledge(pool, {
      'AwsSolutions-COG2':
        'A second factor (an authenticator app) is offered and not forced: an administrator who is made by the command ' +
        'line must be able to log in once to set it up. Companies that demand it bring their own provider.',
      'AwsSolutions-COG8':
        'The Plus plan is threat protection at a price per user; a handful of operators whom administrators create, ' +
        'without self sign-up, do not need it.',
    });
    return pool;
  }

  private makeClient(pool: UserPool): UserPoolClient {
    return new UserPoolClient(this, 'CommandLine', {
      userPool: pool,
      generateSecret: false,
      // Named, so that Cognito's defaults do not open others: passwords go to the login page, never to a client.
      authFlows: { userSrp: false },
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: loginScopes.map((name) => OAuthScope.custom(name)),
        callbackUrls: [...loginRedirects],
      },
      supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(30),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
    });
  }
}

/** Letters, digits and hyphens. Cognito refuses prefixes with its own name or that of AWS in it. */
const defaultPrefix = ({ stackName, account }: Stack): string =>
  `${stackName.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}-${account}`;
