import { tokenRevocation } from 'openid-client';
import type { OperatorProfile } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { CliError } from '../cli-error.ts';
import { createOperatorClient } from '../client.ts';
import { type CliIo, exitCodes, printJson, printLines } from '../io.ts';
import { logInAs, logInByBrowser } from '../login.ts';
import { discoverOpenId, openIdFault } from '../open-id.ts';
import { writeProfile } from '../profile.ts';
import type { ProfilePlace, Settings } from '../settings.ts';
import { profileTokens } from '../tokens.ts';

export interface LoginFlags {
  readonly issuer?: string;
  readonly clientId?: string;
  /** A name that the provider believes without a password. */
  readonly as?: string;
  /** @default true */
  readonly browser?: boolean;
}

interface LoginContext {
  readonly io: CliIo;
  readonly json: boolean;
  readonly place: ProfilePlace;
  readonly now: () => Date;
}

/** `kbroker login`: gets tokens, keeps them, and tells who one is now. */
export async function login({ io, json, place, now }: LoginContext, flags: LoginFlags): Promise<number> {
  const { file } = place;
  const { tokens: _tokens, ...known } = profileFor(place, flags);
  const provider = await discoverOpenId(known.issuer, known.clientId);
  const tokens = await (flags.as === undefined
    ? logInByBrowser({ provider, io, browser: flags.browser ?? true, now })
    : logInAs(flags.as, { provider, now }));
  const profile: OperatorProfile = { ...known, tokens };
  await writeProfile(file, profile);
  const apiUrl = new URL(known.apiUrl);
  const call = createOperatorClient({ apiUrl, accessToken: profileTokens({ file, profile }, now) });
  const me = await call(operatorEndpoints.getMe);
  if (json) printJson(io, me);
  else printLines(io, [`logged in at ${apiUrl.origin} as ${me.name} (${me.role})`]);
  return exitCodes.ok;
}

/** What is kept of a login before it: where the API and its provider are. */
function profileFor(place: ProfilePlace, { issuer, clientId }: LoginFlags): OperatorProfile {
  const { profile } = place;
  const apiUrl = profile === undefined ? place.apiUrl.href : profile.apiUrl;
  const known = { issuer: issuer ?? profile?.issuer, clientId: clientId ?? profile?.clientId };
  if (known.issuer === undefined || known.clientId === undefined) {
    const missing = [
      ...(known.issuer === undefined ? ['--issuer'] : []),
      ...(known.clientId === undefined ? ['--client-id'] : []),
    ];
    throw new CliError(
      'usage',
      `the first login at ${apiUrl} needs ${missing.join(' and ')}: the outputs Issuer and ClientId of the stack`,
    );
  }
  if (!URL.canParse(known.issuer))
    throw new CliError('usage', `--issuer must be an address, got ${JSON.stringify(known.issuer)}`);
  return { version: 2, apiUrl, issuer: known.issuer, clientId: known.clientId };
}

/** `kbroker logout`: revokes the refresh token and forgets both; where to log in stays known. */
export async function logout({ io, json, place }: Omit<LoginContext, 'now'>): Promise<number> {
  const { file, profile } = place;
  const isLoggedIn = profile?.tokens !== undefined;
  if (profile?.tokens !== undefined) {
    const { tokens, ...known } = profile;
    // Forgotten first: whatever the provider says, nobody is logged in here any more.
    await writeProfile(file, known);
    if (tokens.refreshToken !== undefined) await revoke(known, tokens.refreshToken, io);
  }
  if (json) printJson(io, { version: 1, wasLoggedIn: isLoggedIn });
  else printLines(io, [isLoggedIn ? `logged out at ${new URL(profile.apiUrl).origin}` : 'nobody was logged in']);
  return exitCodes.ok;
}

/** `kbroker access-token`: the token of whoever is logged in, renewed when it ended, for scripts and `curl`. */
export async function printAccessToken(
  { io, json }: Pick<LoginContext, 'io' | 'json'>,
  { accessToken }: Settings,
): Promise<number> {
  const token = await accessToken();
  if (json) printJson(io, { version: 1, accessToken: token });
  else printLines(io, [token]);
  return exitCodes.ok;
}

/** A provider that cannot be asked, or that has no such way, lets the token end by itself. */
async function revoke({ issuer, clientId }: OperatorProfile, refreshToken: string, io: CliIo): Promise<void> {
  try {
    const provider = await discoverOpenId(issuer, clientId);
    if (provider.serverMetadata().revocation_endpoint === undefined) return;
    await tokenRevocation(provider, refreshToken);
  } catch (error) {
    printLines({ stdout: io.stderr }, [`the refresh token was forgotten, but not revoked: ${openIdFault(error)}`]);
  }
}
