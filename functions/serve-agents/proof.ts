import { createHash } from 'node:crypto';
import { decodeJwt, errors, importJWK, jwtVerify } from 'jose';
import {
  type HostPublicKey,
  type ProofClaims,
  proofAlgorithm,
  proofClaims,
  proofLifeSeconds,
  proofType,
} from '#shared/contract/agent/identity.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import type { Incoming } from '#shared/lambda/api-handler.ts';

/** What a request says of itself, before any of it is believed. */
export interface Proof {
  readonly token: string;
  readonly claims: ProofClaims;
}

/** Longer than any proof: names and digests have their bounds. Characters. */
const maxTokenLength = 4096;

/** @throws ProblemError `unauthenticated` when the request has no proof that could be one */
export function readProof({ headers }: Pick<Incoming, 'headers'>): Proof {
  const token = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined || token.length > maxTokenLength)
    throw new ProblemError(
      'unauthenticated',
      'the header authorization must be "Bearer" and a JWT that the key of the host signed',
    );
  let payload: unknown;
  try {
    payload = decodeJwt(token);
  } catch (cause) {
    throw new ProblemError('unauthenticated', 'the proof is not a JWT', { cause });
  }
  const parsed = parseInWords(proofClaims, payload);
  if (!parsed.success)
    throw new ProblemError('unauthenticated', `the claims of the proof do not fit: ${inOneLine(parsed.faults)}`);
  return { token, claims: parsed.data };
}

/**
 * Holds a proof against a key and against the request that came with it. Afterwards its claims are true.
 *
 * @throws ProblemError `unauthenticated`, `clock-skew`
 */
export async function verifyProof(
  { token, claims }: Proof,
  publicKey: HostPublicKey,
  { incoming, audience, now }: { readonly incoming: Incoming; readonly audience: string; readonly now: Date },
): Promise<void> {
  const { iat, exp, htm, htp, bh } = claims;
  try {
    await jwtVerify(token, await importJWK({ ...publicKey }, proofAlgorithm), {
      // The algorithm is ours to choose, not the token's: its header names no key and no other one is tried.
      algorithms: [proofAlgorithm],
      typ: proofType,
      audience,
      currentDate: now,
      clockTolerance: proofLifeSeconds,
    });
  } catch (cause) {
    throw refusalOf(cause, { audience, now });
  }
  if (Math.abs(now.getTime() / 1000 - iat) > proofLifeSeconds) throw skew(now);
  if (exp <= iat || exp - iat > proofLifeSeconds)
    throw new ProblemError(
      'unauthenticated',
      `the proof lives ${exp - iat} seconds; allowed are 1 to ${proofLifeSeconds}`,
    );
  if (htm !== incoming.method || htp !== incoming.path)
    throw new ProblemError(
      'unauthenticated',
      `the proof is for ${htm} ${htp}, and the request is ${incoming.method} ${incoming.path}`,
    );
  const digest = createHash('sha256').update(incoming.body).digest('base64url');
  if (bh !== digest)
    throw new ProblemError('unauthenticated', `the proof is for a body with the digest ${bh}, and this is ${digest}`);
}

/** Times come before anything else that a host can mend by itself: with them it learns what time it is here. */
function refusalOf(error: unknown, { audience, now }: { readonly audience: string; readonly now: Date }): ProblemError {
  if (error instanceof errors.JWTExpired) return skew(now, error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf' || error.claim === 'iat') return skew(now, error);
    const wanted = { aud: audience, typ: proofType }[error.claim];
    const allowed = wanted === undefined ? '' : `; ${JSON.stringify(wanted)} is allowed`;
    return new ProblemError('unauthenticated', `"${error.claim}" of the proof does not fit${allowed}`, {
      cause: error,
    });
  }
  return new ProblemError('unauthenticated', 'the proof was not signed with this key', { cause: error });
}

const skew = (now: Date, cause?: unknown): ProblemError =>
  new ProblemError(
    'clock-skew',
    `the proof was made more than ${proofLifeSeconds} seconds ago or in the future; it is ${now.toISOString()} here`,
    { cause, more: { serverTime: now.toISOString() } },
  );
