import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { microsoftRoots, parseRoots, type TrustPolicy } from '#shared/authenticode/index.ts';
import { type HttpProxy, parseExceptions, parseProxy } from './adapters/node/proxy.ts';
import type { DirectPolicy } from './core/direct.ts';
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
  readonly httpProxy?: string;
  readonly noproxy?: string;
  readonly directDownload?: boolean;
  readonly directFirst?: boolean;
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

/** The value of a variable that is true or false. @default false @throws AgentError `bad-config` */
function truth({ env }: AgentIo, variable: string): boolean {
  const value = env[variable] ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw new AgentError('bad-config', `${variable}: got ${JSON.stringify(value)}, allowed are true and false`);
}

/** What every connection goes through. @throws AgentError `bad-config` */
export function readProxy(flags: Flags, { env }: AgentIo): HttpProxy | undefined {
  const value = flags.httpProxy ?? env.KBROKER_HTTP_PROXY ?? '';
  const exceptions = flags.noproxy ?? env.KBROKER_NO_PROXY ?? '';
  const names = parseExceptions(exceptions, flags.noproxy === undefined ? 'KBROKER_NO_PROXY' : '--noproxy');
  if (value === '') return undefined;
  return parseProxy(value, flags.httpProxy === undefined ? 'KBROKER_HTTP_PROXY' : '--http-proxy', names);
}

/** Whether files may come from Microsoft itself. @throws AgentError `bad-config` */
export function readDirect(flags: Flags, io: AgentIo): DirectPolicy {
  const [download, first] = [truth(io, 'KBROKER_DIRECT_DOWNLOAD'), truth(io, 'KBROKER_DIRECT_FIRST')];
  if (flags.directFirst ?? first) return 'first';
  return (flags.directDownload ?? download) ? 'fallback' : 'never';
}

/** Whose signatures indexes must have. @throws AgentError `bad-config` */
export async function readTrust(flags: Flags, io: AgentIo): Promise<TrustPolicy> {
  const allowSha1 = flags.allowSha1 ?? truth(io, 'KBROKER_ALLOW_SHA1');
  const file = flags.indexRoots ?? io.env.KBROKER_INDEX_ROOTS;
  if (file === undefined) return { roots: microsoftRoots, allowSha1 };
  try {
    return { roots: parseRoots(await readFile(file, 'utf8')), allowSha1 };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('bad-config', `cannot read the roots of indexes: ${file}: ${why}`, { cause });
  }
}
