import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type OperatorProfile, operatorProfile } from '#shared/contract/login.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from './cli-error.ts';
import { fileFault } from './file-fault.ts';
import type { CliIo } from './io.ts';

/** Looked for in the current folder and in those above it. */
export const defaultProfileFile = '.kbroker/operator.json';

/** A profile and where it lies. */
export interface StoredProfile {
  readonly file: string;
  readonly profile: OperatorProfile;
}

/** Where the profile of an API lies that was named by its address: `$XDG_CONFIG_HOME/kbroker/<host>-<digest>.json`. */
export function profileFileOf(apiUrl: URL, { env }: Pick<CliIo, 'env'>): string {
  const configured = env.XDG_CONFIG_HOME;
  const home = configured === undefined || configured === '' ? join(env.HOME ?? homedir(), '.config') : configured;
  // The host is for people, and the digest tells addresses apart that differ elsewhere.
  const digest = createHash('sha256').update(apiUrl.href).digest('hex').slice(0, 12);
  return join(home, 'kbroker', `${apiUrl.hostname}-${digest}.json`);
}

/** In this folder, or the nearest one above it that has a profile. */
export async function findProfile(folder: string): Promise<StoredProfile | undefined> {
  const file = join(resolve(folder), defaultProfileFile);
  const profile = await readProfile(file);
  if (profile !== undefined) return { file, profile };
  const above = dirname(resolve(folder));
  return above === resolve(folder) ? undefined : findProfile(above);
}

/**
 * @returns `undefined` when there is no such file
 * @throws CliError `usage` for a file that cannot be read or is none
 */
export async function readProfile(file: string): Promise<OperatorProfile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    if (fault.code === 'ENOENT' || fault.code === 'ENOTDIR') return undefined;
    throw new CliError('usage', `the profile ${file} cannot be read: ${fault.message}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CliError('usage', `${file} is not a profile of kbroker: it is not JSON`, { cause });
  }
  // Values are not quoted: they may be tokens.
  const parsed = parseInWords(operatorProfile, value, { quote: false });
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `${file} is not a profile of kbroker: ${inOneLine(parsed.faults)}`);
}

/** Replaces the file at once, so that commands that run at the same time never see half of it. Its owner alone may read it. */
export async function writeProfile(file: string, profile: OperatorProfile): Promise<void> {
  const next = `${file}.${randomUUID()}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(next, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
    await rename(next, file);
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    throw new CliError('usage', `the profile ${file} cannot be written: ${fault.message}`, { cause });
  }
}
