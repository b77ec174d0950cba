import { refreshTokenGrant } from 'openid-client';
import type { LoginTokens, OperatorProfile } from '#shared/contract/login.ts';
import { CliError } from './cli-error.ts';
import { discoverOpenId, openIdFault, tokensOf } from './open-id.ts';
import { readProfile, type StoredProfile, writeProfile } from './profile.ts';

/**
 * Gives an access token for a call.
 *
 * @param refused the token that the broker did not take: another one is given, if there is one
 */
export type AccessTokens = (refused?: string) => Promise<string>;

/** A token that ends within this time is not used any more. */
const marginMilliseconds = 60_000;

/**
 * The tokens of a profile. A token that has ended is exchanged by the refresh token, and the new one is written back.
 *
 * @throws CliError `unauthenticated` when nobody is logged in any more
 */
export function profileTokens({ file, profile }: StoredProfile, now: () => Date): AccessTokens {
  let current = profile;
  const isGood = (tokens: LoginTokens, refused: string | undefined): boolean =>
    tokens.accessToken !== refused && Date.parse(tokens.expiresAt) - now().getTime() > marginMilliseconds;

  return async (refused) => {
    const held = tokensIn(current);
    if (isGood(held, refused)) return held.accessToken;
    // Another command may have got a new one in the meantime.
    current = (await readProfile(file)) ?? current;
    const stored = tokensIn(current);
    if (isGood(stored, refused)) return stored.accessToken;
    if (stored.refreshToken === undefined) throw notLoggedIn(current.apiUrl, 'the login ended');
    const tokens = await refresh(current, stored, now);
    current = { ...current, tokens };
    await writeProfile(file, current);
    return tokens.accessToken;
  };
}

function tokensIn({ apiUrl, tokens }: OperatorProfile): LoginTokens {
  if (tokens === undefined) throw notLoggedIn(apiUrl, 'nobody is logged in');
  return tokens;
}

export const notLoggedIn = (apiUrl: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'unauthenticated',
    `${why} at ${new URL(apiUrl).origin}: run "kbroker login"`,
    cause === undefined ? {} : { cause },
  );

async function refresh(profile: OperatorProfile, before: LoginTokens, now: () => Date): Promise<LoginTokens> {
  const provider = await discoverOpenId(profile.issuer, profile.clientId);
  try {
    return tokensOf(await refreshTokenGrant(provider, before.refreshToken ?? ''), now(), before);
  } catch (cause) {
    throw notLoggedIn(profile.apiUrl, `the login ended (${openIdFault(cause)})`, cause);
  }
}
