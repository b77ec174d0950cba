import { readFile } from 'node:fs/promises';
import { AuthenticodeError, microsoftRoots, parseRoots, type TrustPolicy } from '#shared/authenticode/index.ts';
import { CliError } from './cli-error.ts';
import { fileFault } from './file-fault.ts';

/** By whose rules a signature is judged; without them by those of a broker with the default settings. */
export interface TrustFlags {
  /** PEM file of roots beside Microsoft's, as the property `indexRoots` of the stack. */
  readonly indexRoots?: string;
  /** Take SHA-1 too, as the property `allowSha1Signatures` of the stack. */
  readonly allowSha1?: boolean;
}

/** @throws CliError `usage` when the file of roots cannot be read, or holds none */
export async function readTrust({ indexRoots, allowSha1 = false }: TrustFlags): Promise<TrustPolicy> {
  if (indexRoots === undefined) return { roots: microsoftRoots, allowSha1 };
  try {
    return { roots: [...microsoftRoots, ...parseRoots(await readFile(indexRoots, 'utf8'))], allowSha1 };
  } catch (cause) {
    const reason = cause instanceof AuthenticodeError ? cause.message : fileFault(cause)?.message;
    if (reason === undefined) throw cause;
    throw new CliError('usage', `--index-roots ${indexRoots}: ${reason}`, { cause });
  }
}
