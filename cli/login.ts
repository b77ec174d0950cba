/** Logs a person in by the code flow with PKCE (RFC 7636). */
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import * as z from 'zod/mini';
import { type LoginTokens, loginPorts, loginRedirect, loginScopes } from '#shared/contract/login.ts';
import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { listenForLogin } from './login-listener.ts';
import { type OpenId, openIdFault, tokensOf } from './open-id.ts';

export interface LoginOptions {
  readonly provider: OpenId;
  readonly io: CliIo;
  /** False: the address is only printed. */
  readonly browser: boolean;
  readonly now: () => Date;
}

const waitMilliseconds = 5 * 60_000;

/** @throws CliError when nobody came back from the login page, or the provider refused */
export async function logInByBrowser({ provider, io, browser, now }: LoginOptions): Promise<LoginTokens> {
  const state = randomState();
  await using listener = await listenForLogin(state);
  const { url, verifier } = await request(provider, listener.redirect, state);
  io.stderr.write(`To log in, open this address in a browser on this machine:\n  ${url.href}\n`);
  if (browser) io.openBrowser?.(url.href);
  const { url: back, answer } = await withinTime(listener.arrived);
  try {
    const tokens = await exchange(provider, back, { state, verifier, now });
    await answer('You are logged in to kbroker. This page can be closed.');
    return tokens;
  } catch (error) {
    await answer(`The login failed: ${error instanceof Error ? error.message : String(error)}`);
    throw error;
  }
}

/**
 * Logs in as a person whom the provider believes by name alone, as the one of "npm start" does. No browser is needed.
 *
 * @throws CliError when the provider wants more than a name
 */
export async function logInAs(
  username: string,
  { provider, now }: Pick<LoginOptions, 'provider' | 'now'>,
): Promise<LoginTokens> {
  const state = randomState();
  const redirect = loginRedirect(loginPorts[0]);
  const { url, verifier } = await request(provider, redirect, state, { login_hint: username });
  const back = await followTo(redirect, url, username);
  return exchange(provider, back, { state, verifier, now });
}

async function request(
  provider: OpenId,
  redirect: string,
  state: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: URL; readonly verifier: string }> {
  const verifier = randomPKCECodeVerifier();
  const url = buildAuthorizationUrl(provider, {
    redirect_uri: redirect,
    scope: loginScopes.join(' '),
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...more,
  });
  return { url, verifier };
}

async function exchange(
  provider: OpenId,
  back: URL,
  { state, verifier, now }: { readonly state: string; readonly verifier: string; readonly now: () => Date },
): Promise<LoginTokens> {
  try {
    const checks = { expectedState: state, pkceCodeVerifier: verifier };
    return tokensOf(await authorizationCodeGrant(provider, back, checks), now());
  } catch (cause) {
    throw new CliError('unauthenticated', `the provider does not let us in: ${openIdFault(cause)}`, { cause });
  }
}

const maxSteps = 10;

/** Goes where the provider sends a browser, until it is sent back to us; the cookies on the way are kept for as long. */
async function followTo(redirect: string, start: URL, username: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let names: readonly string[] = [];
  let url = start;
  for (let step = 0; step < maxSteps; step += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      names = await usernamesOf(response);
      break;
    }
    await response.body?.cancel();
    url = new URL(location, url);
    if (url.href.startsWith(`${redirect}?`)) return url;
  }
  throw new CliError(
    'unauthenticated',
    `${start.origin} does not let "${username}" in by name alone: log in without --as, or with another name${names.length === 0 ? '' : `: ${names.join(', ')}`}`,
  );
}

/** What the provider of "npm start" says when it knows nobody of a name. */
const knownUsernames = z.object({ usernames: z.array(z.string().check(z.maxLength(100))).check(z.maxLength(100)) });

/** Names that the provider tells; none by another one, whose login page is for people. */
async function usernamesOf(response: Response): Promise<readonly string[]> {
  if (response.headers.get('content-type') !== 'application/json') {
    await response.body?.cancel();
    return [];
  }
  const parsed = z.safeParse(knownUsernames, await response.json().catch(() => undefined));
  return parsed.success ? parsed.data.usernames : [];
}

async function withinTime<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new CliError('unauthenticated', 'nobody came back from the login page within five minutes')),
    waitMilliseconds,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
