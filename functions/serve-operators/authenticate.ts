import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { mayAct, type Role, roles } from '#shared/contract/access.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Incoming } from '#shared/lambda/api-handler.ts';
import type { Person } from './person.ts';

export type { Person } from './person.ts';

export interface PersonAuthenticationOptions {
  /** Who must have issued the token; compared character by character. */
  readonly issuer: string;
  /** The client that the token must have been issued to, or for. */
  readonly clientId: string;
  /** Name of the claim that holds roles: one text, or a list of them. */
  readonly roleClaim: string;
  /** The issuer's keys. It throws jose's JWKSNoMatchingKey for a key that the issuer does not have. */
  readonly keys: JWTVerifyGetKey;
  readonly now: () => Date;
}

/** Signatures by a private key only: with `none` or a shared secret, whoever verifies could also sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** The issuer's clock may be ahead or behind by this much. */
const clockToleranceSeconds = 30;

const maxTokenLength = 8192;
const maxNameLength = 200;

/**
 * Decides which person calls, by the access token of an OpenID provider, and whether their role may call this endpoint.
 *
 * @returns a check that throws ProblemError `unauthenticated` for a token that is not good, `forbidden` for a person who may
 *   not do this, `unavailable` when the issuer's keys cannot be had
 */
export function personAuthentication(options: PersonAuthenticationOptions): (incoming: Incoming) => Promise<Person> {
  const keys = refusingWhenUnavailable(options);
  return async (incoming) => {
    const claims = await verify(tokenOf(incoming.headers.authorization), keys, options);
    const { sub } = claims;
    if (sub === undefined || sub === '') throw unauthenticated('the access token names nobody: it has no sub');
    const person: Person = { subject: sub, name: nameOf(claims, sub), role: roleOf(claims, options.roleClaim) };
    refuseUnlessAllowed(person, incoming);
    return person;
  };
}

const unauthenticated = (detail: string, cause?: unknown): ProblemError =>
  new ProblemError('unauthenticated', detail, cause === undefined ? {} : { cause });

function tokenOf(header: string | undefined): string {
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? '')?.[1];
  if (token === undefined) throw unauthenticated('the header authorization must be "Bearer" and an access token');
  if (token.length > maxTokenLength)
    throw unauthenticated(`the access token has ${token.length} characters; allowed are ${maxTokenLength}`);
  return token;
}

async function verify(token: string, keys: JWTVerifyGetKey, options: PersonAuthenticationOptions): Promise<JWTPayload> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms,
      issuer: options.issuer,
      currentDate: options.now(),
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp'],
    });
    refuseUnlessAccessToken(payload, protectedHeader.typ);
    refuseUnlessForUs(payload, options.clientId);
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw unauthenticated(inWords(error, options), error);
    throw error;
  }
}

/** A fault of the issuer's, or of the way to it, is not the caller's. */
function refusingWhenUnavailable({ keys, issuer }: PersonAuthenticationOptions): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw new ProblemError('unavailable', `the keys of ${issuer} cannot be had, so that nobody can be let in`, {
        cause,
      });
    }
  };
}

/** Types of JWTs that may be access tokens, lower case. RFC 9068 has one of its own; most providers say `JWT`, or nothing. */
const accessTokenTypes = { own: 'at+jwt', any: 'jwt' } as const;

/**
 * An ID token is signed by the same keys and has the client as its audience, too, so that an access token must say what it is:
 * by its type (RFC 9068), by `token_use` (Cognito), or by the scopes that it was given for (`scp` of Entra ID and Okta, `scope`
 * of the others), which no ID token has. What only ID tokens have refuses it whatever else it says.
 */
function refuseUnlessAccessToken(claims: JWTPayload, type: string | undefined): void {
  const typ = type?.toLowerCase().replace(/^application\//, '');
  if (typ !== undefined && typ !== accessTokenTypes.own && typ !== accessTokenTypes.any)
    throw unauthenticated(`the token is of the type ${quoted(type)}; allowed are at+jwt, JWT`);
  const { token_use: use, scope, scp } = claims;
  const isIdToken = claims.at_hash !== undefined || claims.c_hash !== undefined || claims.nonce !== undefined;
  if (isIdToken || (use !== undefined && use !== 'access'))
    throw unauthenticated(`the token is ${isIdToken ? 'an ID token' : quoted(use)}; allowed is an access token`);
  if (typ === accessTokenTypes.own || use === 'access' || hasScopes(scope) || hasScopes(scp)) return;
  throw unauthenticated(
    'nothing says that it is an access token: it has neither the type at+jwt, nor token_use, nor scopes (scope, scp)',
  );
}

/** Scopes are one text with spaces between, or a list. */
const hasScopes = (value: unknown): boolean =>
  [value ?? []].flat().some((scope) => typeof scope === 'string' && scope.trim() !== '');

/** Cognito's access tokens name the client in `client_id` and have no audience; others have it in `aud`. */
function refuseUnlessForUs({ aud, client_id: client }: JWTPayload, clientId: string): void {
  if ([aud ?? []].flat().includes(clientId) || client === clientId) return;
  throw unauthenticated(
    `the access token is for aud ${quoted(aud)} and client_id ${quoted(client)}; allowed is ${clientId}`,
  );
}

function inWords(error: errors.JOSEError, { issuer, now }: PersonAuthenticationOptions): string {
  if (error instanceof errors.JWTExpired) {
    const ended = error.payload.exp === undefined ? 'too long ago' : `at ${isoTime(error.payload.exp)}`;
    return `the access token ended ${ended}, and it is ${now().toISOString()}`;
  }
  if (error instanceof errors.JWTClaimValidationFailed) return claimInWords(error, issuer);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `the access token is signed by an algorithm that is not allowed; allowed are ${algorithms.join(', ')}`;
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return `the access token is signed by a key that ${issuer} does not have`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return `the access token is not signed by ${issuer}`;
  return 'the token is not an access token in the form of a signed JWT';
}

function claimInWords({ claim, reason, payload }: errors.JWTClaimValidationFailed, issuer: string): string {
  if (reason === 'missing') return `the access token has no ${claim}`;
  if (claim === 'iss') return `the access token was issued by ${quoted(payload.iss)}; allowed is ${issuer}`;
  if (claim === 'nbf' && typeof payload.nbf === 'number')
    return `the access token is not good before ${isoTime(payload.nbf)}`;
  return `the ${claim} of the access token is not one that is allowed (got ${quoted(payload[claim])})`;
}

/** Times that no Date can be are printed as the number they are. */
function isoTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString();
}

const quoted = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value).slice(0, 200));

function nameOf(claims: JWTPayload, subject: string): string {
  const names = [claims.name, claims.preferred_username, claims.email, claims.username];
  const name = names.find((one): one is string => typeof one === 'string' && one.trim() !== '') ?? subject;
  return name.slice(0, maxNameLength).toWellFormed();
}

/** The highest of the roles that the token gives. Groups that are not ours are the company's own affair. */
function roleOf(claims: JWTPayload, claim: string): Role {
  const given = [claims[claim] ?? []].flat();
  const role = roles.findLast((one) => given.includes(one));
  if (role !== undefined) return role;
  throw new ProblemError(
    'forbidden',
    `the claim ${claim} of the access token gives no role: it holds ${quoted(claims[claim])}; allowed are ${roles.join(', ')}`,
  );
}

function refuseUnlessAllowed({ name, role }: Person, { endpoint }: Incoming): void {
  const what = `${endpoint.method} ${endpoint.path}`;
  const needed = roles.find((one) => one === endpoint.access);
  if (needed === undefined) throw new ProblemError('forbidden', `${what} is not for people`);
  if (!mayAct(role, needed)) throw new ProblemError('forbidden', `${name} is ${role}; ${what} needs ${needed}`);
}
