import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { microsoftRoots, parseRoots, type TrustPolicy } from '#shared/authenticode/index.ts';
import { AgentError } from './ports/agent-error.ts';

/** Where the command line prints and what it reads from its surroundings. */
export interface AgentIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user or the system asks the agent to stop. */
  readonly signal: AbortSignal;
}

/** Flags that commands share. */
export interface Flags {
  readonly server?: string;
  readonly repository?: string;
  readonly data?: string;
  readonly simulatedHost?: string;
  readonly indexRoots?: string;
  readonly allowSha1?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** An option that is a number of seconds. */
export function seconds(flag: string, description: string): Option {
  return new Option(flag, `${description}, seconds`).argParser((text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
      throw new InvalidArgumentError(`got ${JSON.stringify(text)}, allowed is a number of seconds, 0 or more`);
    }
    return value;
  });
}

/** @throws AgentError `bad-config` */
export function required(value: string | undefined, flag: string, variable: string): string {
  if (value === undefined || value === '')
    throw new AgentError('bad-config', `missing: pass ${flag} or set ${variable}`);
  return value;
}

/** @throws AgentError `bad-config` */
export function address(value: string, flag: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new AgentError('bad-config', `${flag}: got ${JSON.stringify(value)}, allowed is http(s)://host[:port][/path]`);
}

/** Names of this machine, for a broker that runs on it. */
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Address of the broker: the enrolment token, and what a host says of itself, travel to it. @throws AgentError `bad-config` */
export function brokerAddress(value: string, flag: string): URL {
  const url = address(value, flag);
  if (url.protocol === 'https:' || loopback.has(url.hostname)) return url;
  throw new AgentError(
    'bad-config',
    `${flag}: got ${JSON.stringify(value)}, allowed is https only but on this machine`,
  );
}

/** Absolute path. @throws AgentError `bad-config` */
export const dataFolder = (flags: Flags, { env }: AgentIo): string =>
  resolve(required(flags.data ?? env.KBROKER_DATA, '--data', 'KBROKER_DATA'));

/** Absolute path. @throws AgentError `bad-config` */
export function hostFile(flags: Flags, { env }: AgentIo): string {
  const file = flags.simulatedHost ?? env.KBROKER_SIMULATED_HOST;
  if (file !== undefined && file !== '') return resolve(file);
  throw new AgentError(
    'bad-config',
    'this version drives simulated machines only: pass --simulated-host or set KBROKER_SIMULATED_HOST',
  );
}

/** Whose signatures indexes must have. @throws AgentError `bad-config` */
export async function readTrust(flags: Flags, { env }: AgentIo): Promise<TrustPolicy> {
  const sha1 = env.KBROKER_ALLOW_SHA1 ?? 'false';
  if (sha1 !== 'true' && sha1 !== 'false') {
    const got = JSON.stringify(sha1);
    throw new AgentError('bad-config', `KBROKER_ALLOW_SHA1: got ${got}, allowed are true and false`);
  }
  const allowSha1 = flags.allowSha1 ?? sha1 === 'true';
  const file = flags.indexRoots ?? env.KBROKER_INDEX_ROOTS;
  if (file === undefined) return { roots: microsoftRoots, allowSha1 };
  try {
    return { roots: parseRoots(await readFile(file, 'utf8')), allowSha1 };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('bad-config', `cannot read the roots of indexes: ${file}: ${why}`, { cause });
  }
}
