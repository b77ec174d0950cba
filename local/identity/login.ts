/** Logs in as a made-up person without a browser, by the same steps that a browser would take. */
import * as oidc from 'openid-client';
import { loginRedirects, loginScopes } from '#shared/contract/login.ts';
import { personOf } from './people.ts';

export interface LogInOptions {
  /** Address of the embedded provider. */
  readonly issuer: string;
  readonly clientId: string;
  /** One of the people of people.ts. */
  readonly username: string;
}

/** What a login brings. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** End of the access token. ISO 8601. */
  readonly expiresAt: string;
}

/** The login page did not do what it does in a browser; the message says what came instead. */
class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly code: 'unknown-person' | 'unexpected-answer';

  constructor(code: LoginError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const maxSteps = 10;

/**
 * Code flow with PKCE: authorization request, login page, its form, the way back, token request.
 *
 * @throws LoginError
 */
export async function logIn({ issuer, clientId, username }: LogInOptions): Promise<Tokens> {
  if (personOf(username) === undefined) throw new LoginError('unknown-person', `nobody is called ${username}`);
  const configuration = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
    // The provider is on this machine.
    execute: [oidc.allowInsecureRequests],
  });
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const redirect = loginRedirects[0] ?? '';
  const start = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: redirect,
    scope: loginScopes.join(' '),
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  const back = await walk(start, redirect, username);
  const answer = await oidc.authorizationCodeGrant(configuration, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
  });
  const seconds = answer.expiresIn();
  if (answer.refresh_token === undefined || seconds === undefined)
    throw new LoginError('unexpected-answer', `${issuer} gave no refresh token, or no time`);
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
  };
}

/** Goes where a browser would be sent, and fills in the form on the way; resolves to the address that it is sent back to. */
async function walk(start: URL, redirect: string, username: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < maxSteps; step += 1) {
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location !== null) {
      url = new URL(location, url);
      form = undefined;
      if (url.href.startsWith(`${redirect}?`)) return url;
    } else if (response.status === 200 && form === undefined) {
      form = new URLSearchParams({ username });
    } else {
      throw new LoginError('unexpected-answer', `${url.href} answered ${response.status}: ${await response.text()}`);
    }
  }
  throw new LoginError('unexpected-answer', `the login did not come back after ${maxSteps} steps`);
}
