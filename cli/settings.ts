import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import * as z from 'zod/mini';
import { CliError } from './cli-error.ts';
import { fileFault } from './file-fault.ts';
import type { CliIo } from './io.ts';

/** What `npm start` writes for the operator of the embedded stack. */
const profile = z.object({
  apiUrl: z.url(),
  region: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
});

type Profile = z.infer<typeof profile>;

interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Where the operators' API is and who asks. */
export interface Settings {
  readonly apiUrl: URL;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
}

export interface SettingsFlags {
  readonly api?: string | undefined;
  readonly region?: string | undefined;
  readonly profileFile?: string | undefined;
}

/** Looked for in the current folder and in those above it. */
const defaultProfileFile = '.kbroker/operator.json';

/**
 * Flags first, then `KBROKER_API` with the usual AWS credentials, then the profile file that the embedded stack wrote
 * (`--profile-file`, `KBROKER_PROFILE_FILE`, default `.kbroker/operator.json` here or in a folder above).
 *
 * @throws CliError `usage` that says what is missing
 */
export async function readSettings(flags: SettingsFlags, io: CliIo): Promise<Settings> {
  const api = flags.api ?? io.env.KBROKER_API;
  if (api !== undefined && flags.profileFile === undefined) {
    const region = flags.region ?? io.env.AWS_REGION ?? io.env.AWS_DEFAULT_REGION ?? regionOf(api);
    if (region === undefined) throw new CliError('usage', `no region: pass --region or set AWS_REGION`);
    return { apiUrl: parseUrl(api), region, credentials: fromNodeProviderChain() };
  }
  const file = flags.profileFile ?? io.env.KBROKER_PROFILE_FILE;
  const found = file === undefined ? await findProfile(resolve(io.cwd ?? '.')) : await readProfile(file);
  if (found === undefined) {
    const where = file === undefined ? `${defaultProfileFile} here or in a folder above` : `at ${file}`;
    throw new CliError(
      'usage',
      `no broker named: pass --api URL, set KBROKER_API, or run "npm start" (no profile file ${where})`,
    );
  }
  return {
    apiUrl: parseUrl(api ?? found.apiUrl),
    region: flags.region ?? found.region,
    credentials: async () => found,
  };
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

/** The region stands in the host of an HTTP API: `https://id.execute-api.REGION.amazonaws.com`. */
function regionOf(api: string): string | undefined {
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(api)?.[1];
}

/** In this folder, or the nearest one above it that has a profile. */
async function findProfile(folder: string): Promise<Profile | undefined> {
  const above = dirname(folder);
  return (
    (await readProfile(join(folder, defaultProfileFile))) ?? (above === folder ? undefined : await findProfile(above))
  );
}

/** @returns `undefined` when there is no such file */
async function readProfile(file: string): Promise<Profile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    if (fault.code === 'ENOENT' || fault.code === 'ENOTDIR') return undefined;
    throw new CliError('usage', `the profile ${file} cannot be read: ${fault.message}`, { cause });
  }
  try {
    return z.parse(profile, JSON.parse(text));
  } catch (cause) {
    const expected = 'expected apiUrl, region, accessKeyId, secretAccessKey';
    throw new CliError('usage', `${file} is not a profile of kbroker: ${expected}`, { cause });
  }
}
