import { createHash, timingSafeEqual } from 'node:crypto';
import { ProblemError } from '#shared/contract/problem-error.ts';

export interface AgentSecretOptions {
  /** Reads the secret that all agents share. */
  readonly readSecret: () => Promise<string>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long a secret that was read is used. @default 5 minutes */
  readonly keepMilliseconds?: number;
  /** A wrong secret makes a cached one be read again, at most so often: a rotation shows soon. @default 30 seconds */
  readonly recheckMilliseconds?: number;
}

/** Shorter secrets can be guessed; one that is too short is a fault of the installation. Characters. */
const minSecretLength = 16;

/**
 * Decides whether a caller is an agent. Interim: all agents share one bearer secret, so any of them can speak for any
 * host. Keys of the hosts' own will replace it, behind this same function.
 *
 * @returns a check that throws ProblemError `unauthenticated`
 */
export function agentAuthentication(
  options: AgentSecretOptions,
): (headers: Readonly<Record<string, string>>) => Promise<void> {
  const keep = options.keepMilliseconds ?? 5 * 60_000;
  const recheck = options.recheckMilliseconds ?? 30_000;
  let cached: { readonly digest: Buffer; readonly readAt: number } | undefined;

  const secretDigest = async (maxAge: number): Promise<Buffer> => {
    if (cached !== undefined && options.now() - cached.readAt < maxAge) return cached.digest;
    const secret = await options.readSecret();
    if (secret.length < minSecretLength)
      throw new Error(`the agents' secret has ${secret.length} characters, at least ${minSecretLength} are needed`);
    cached = { digest: digestOf(secret), readAt: options.now() };
    return cached.digest;
  };

  return async (headers) => {
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined)
      throw new ProblemError(
        'unauthenticated',
        'the header authorization must be "Bearer" and the secret of the agents',
      );
    // Digests have one length, so that the comparison tells nothing of the secret, its length included.
    const given = digestOf(token);
    if (timingSafeEqual(given, await secretDigest(keep))) return;
    if (timingSafeEqual(given, await secretDigest(recheck))) return;
    throw new ProblemError('unauthenticated', 'this is not the secret of the agents');
  };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
