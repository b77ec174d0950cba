import { resolve } from 'node:path';
import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { defaultProfileFile, findProfile, profileFileOf, readProfile, type StoredProfile } from './profile.ts';
import { type AccessTokens, notLoggedIn, profileTokens } from './tokens.ts';

/** Where the operators' API is and who asks. */
export interface Settings {
  readonly apiUrl: URL;
  readonly accessToken: AccessTokens;
  /** Where the profile lies, or would; what belongs to it lies beside it. */
  readonly profileFile: string;
}

export interface SettingsFlags {
  readonly api?: string | undefined;
  readonly profileFile?: string | undefined;
}

/** The profile that is meant, or where it would lie. */
export type ProfilePlace =
  | StoredProfile
  | { readonly file: string; readonly apiUrl: URL; readonly profile?: undefined };

/**
 * Flags first, then `KBROKER_API`, which mean the profile that "kbroker login" keeps for that API; then the profile file that
 * the embedded stack wrote (`--profile-file`, `KBROKER_PROFILE_FILE`, default `.kbroker/operator.json` here or in a folder
 * above).
 *
 * @throws CliError `usage` that says what is missing
 */
export async function findPlace(flags: SettingsFlags, io: CliIo): Promise<ProfilePlace> {
  const api = flags.api ?? io.env.KBROKER_API;
  if (api !== undefined && flags.profileFile === undefined) {
    const apiUrl = parseUrl(api);
    const file = profileFileOf(apiUrl, io);
    const profile = await readProfile(file);
    return profile === undefined ? { file, apiUrl } : { file, profile };
  }
  const file = flags.profileFile ?? io.env.KBROKER_PROFILE_FILE;
  if (file === undefined) {
    const found = await findProfile(resolve(io.cwd ?? '.'));
    return found ?? noBroker(`${defaultProfileFile} here or in a folder above`);
  }
  const profile = await readProfile(file);
  if (profile !== undefined) return { file, profile };
  return api === undefined ? noBroker(`at ${file}`) : { file, apiUrl: parseUrl(api) };
}

/**
 * With `KBROKER_TOKEN` its access token is sent, and no profile is needed but to know the API.
 *
 * @throws CliError `usage` that says what is missing, `unauthenticated` when nobody is logged in
 */
export async function readSettings(flags: SettingsFlags, io: CliIo): Promise<Settings> {
  const place = await findPlace(flags, io);
  const apiUrl = place.profile === undefined ? place.apiUrl : new URL(place.profile.apiUrl);
  const token = io.env.KBROKER_TOKEN;
  if (token !== undefined && token !== '') return { apiUrl, profileFile: place.file, accessToken: async () => token };
  if (place.profile === undefined) throw notLoggedIn(apiUrl.href, 'nobody is logged in');
  return { apiUrl, profileFile: place.file, accessToken: profileTokens(place, () => new Date()) };
}

function noBroker(where: string): never {
  throw new CliError(
    'usage',
    `no broker named: pass --api URL, set KBROKER_API, or run "npm start" (no profile file ${where})`,
  );
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CliError(
      'usage',
      `not an address of an API: got ${JSON.stringify(text)}, allowed is http(s)://host[:port]`,
    );
  }
  return new URL(text);
}
