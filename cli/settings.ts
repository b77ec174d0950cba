import { readFile } from 'node:fs/promises';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import * as z from 'zod/mini';
import { CliError } from './cli-error.ts';
import type { CliIo } from './io.ts';

/** What `npm start` writes for the operator of the embedded stack. */
const profile = z.object({
  apiUrl: z.url(),
  region: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
});

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

const defaultProfileFile = '.kbroker/operator.json';

/**
 * Flags first, then `KBROKER_API` with the usual AWS credentials, then the profile file that the embedded stack wrote
 * (`--profile-file`, `KBROKER_PROFILE_FILE`, default `.kbroker/operator.json`).
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
  const file = flags.profileFile ?? io.env.KBROKER_PROFILE_FILE ?? defaultProfileFile;
  const found = await readProfile(file);
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

async function readProfile(file: string): Promise<z.infer<typeof profile>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError(
      'usage',
      `no broker named: pass --api URL, set KBROKER_API, or run "npm start" (no profile file at ${file})`,
      { cause },
    );
  }
  try {
    return z.parse(profile, JSON.parse(text));
  } catch (cause) {
    throw new CliError(
      'usage',
      `${file} is not a profile of kbroker: expected apiUrl, region, accessKeyId, secretAccessKey`,
      {
        cause,
      },
    );
  }
}
