import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import * as z from 'zod/mini';

/** What is read of a discovery document (OpenID Connect Discovery 1.0, section 3). */
const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

const timeoutMilliseconds = 5000;

/**
 * The keys of an OpenID provider: found by its discovery document at the first use, and again after a failure. jose keeps
 * the keys for ten minutes, and asks for them again when a token names one that is not among them, at most every 30 seconds.
 */
export function issuerKeys(issuer: string): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    found ??= discover(issuer).catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    const keys = await found;
    return keys(header, token);
  };
}

/** @throws Error that names the address and what is wrong there */
async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMilliseconds) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const document = z.parse(discovery, await response.json());
  // A document of another issuer would let that one's tokens in.
  if (document.issuer !== issuer) throw new Error(`${url} is of the issuer ${document.issuer}`);
  return createRemoteJWKSet(new URL(document.jwks_uri), { timeoutDuration: timeoutMilliseconds });
}
