/**
 * Verification of AWS Signature Version 4, from the server's side.
 *
 * Source: "AWS Signature Version 4 for API requests" in the IAM User Guide, and "Authenticating Requests: Using Query
 * Parameters" in the Amazon S3 API Reference for presigned addresses.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { SecretOf } from '../types.ts';
import { canonicalRequest } from './sigv4-canonical.ts';
import type { Claim, SignedRequest, SigV4Reason } from './sigv4-claim.ts';
import { ALGORITHM, Refusal, readClaim } from './sigv4-claim.ts';

export type { SignedRequest, SigV4Reason } from './sigv4-claim.ts';

/** Clocks may differ by this much, and a presigned address may start this far in the future. */
const MAX_CLOCK_SKEW_SECONDS = 5 * 60;

export interface SigV4Scope {
  readonly region: string;
  /** Name of the service in the credential scope, for instance `s3`, `dynamodb`, `execute-api`. */
  readonly service: string;
  readonly now: Date;
}

/** What further signatures of the same request (aws-chunked bodies) are chained to. */
export interface SignatureSeed {
  readonly signature: string;
  readonly signingKey: Buffer;
  /** `20260131/eu-west-1/s3/aws4_request` */
  readonly scope: string;
  /** `20260131T120000Z` */
  readonly timestamp: string;
}

export type SigV4Result =
  | { readonly ok: true; readonly accessKeyId: string; readonly presigned: boolean; readonly seed: SignatureSeed }
  | { readonly ok: false; readonly reason: SigV4Reason; readonly message: string };

/**
 * Verifies the signature of a request, in its Authorization header or in its query.
 *
 * @param payloadHash what the signer put on the last line of the canonical request: the SHA-256 of the body in hex, or
 *   for S3 the value of `x-amz-content-sha256` (`UNSIGNED-PAYLOAD` for presigned addresses). The caller compares a body
 *   with its hash; this function only says that the hash was signed.
 */
export function verifySigV4(
  request: SignedRequest,
  payloadHash: string,
  secretOf: SecretOf,
  scope: SigV4Scope,
): SigV4Result {
  try {
    const claim = readClaim(request);
    checkScope(claim, scope);
    checkTime(claim, scope.now);
    checkSignedHeaders(claim, request);
    const secret = secretOf(claim.accessKeyId);
    if (secret === undefined) {
      throw new Refusal('unknown-key', `The access key id ${claim.accessKeyId} does not exist.`);
    }
    const credentialScope = [claim.date, claim.region, claim.service, claim.terminator].join('/');
    const signingKey = deriveSigningKey(secret, claim);
    const canonical = canonicalRequest(request, claim, payloadHash, scope.service);
    const stringToSign = [ALGORITHM, claim.timestamp, credentialScope, sha256Hex(canonical)].join('\n');
    const expected = hmac(signingKey, stringToSign).toString('hex');
    if (!sameSignature(expected, claim.signature)) {
      throw new Refusal(
        'mismatch',
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      );
    }
    return {
      ok: true,
      accessKeyId: claim.accessKeyId,
      presigned: claim.expiresSeconds !== undefined,
      seed: { signature: claim.signature, signingKey, scope: credentialScope, timestamp: claim.timestamp },
    };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.reason, message: error.message };
    throw error;
  }
}

/** Compares two hexadecimal signatures in constant time. */
export function sameSignature(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** HMAC-SHA-256. */
export function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

/** SHA-256 in lower-case hexadecimal. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function checkScope(claim: Claim, scope: SigV4Scope): void {
  if (claim.region !== scope.region || claim.service !== scope.service) {
    throw new Refusal(
      'wrong-scope',
      `The credential should be scoped to ${scope.region}/${scope.service}, not ${claim.region}/${claim.service}.`,
    );
  }
}

function checkTime(claim: Claim, now: Date): void {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(claim.timestamp);
  const signedAtMs = match
    ? Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}Z`)
    : NaN;
  if (Number.isNaN(signedAtMs))
    throw new Refusal('malformed', `The date '${claim.timestamp}' is not YYYYMMDDTHHMMSSZ.`);
  const ageSeconds = (now.getTime() - signedAtMs) / 1000;
  if (claim.expiresSeconds === undefined) {
    if (Math.abs(ageSeconds) > MAX_CLOCK_SKEW_SECONDS) {
      throw new Refusal(
        'skewed',
        `The difference between the request time ${claim.timestamp} and the current time ${now.toISOString()} is too large.`,
      );
    }
    return;
  }
  if (ageSeconds < -MAX_CLOCK_SKEW_SECONDS) throw new Refusal('skewed', 'The request is not valid yet.');
  if (ageSeconds > claim.expiresSeconds) throw new Refusal('expired', 'Request has expired');
}

/** "The host header and any x-amz-* header in the request must be signed": otherwise they could be changed or added. */
function checkSignedHeaders(claim: Claim, request: SignedRequest): void {
  const signed = new Set(claim.signedHeaders);
  const present = Object.keys(request.headers).filter((name) => request.headers[name] !== undefined);
  const unsigned = present.filter((name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name));
  if (unsigned.length > 0) {
    throw new Refusal(
      'malformed',
      `There were headers present in the request which were not signed: ${unsigned.join(', ')}`,
    );
  }
  if (!signed.has('host')) throw new Refusal('malformed', 'The host header must be signed.');
}

function deriveSigningKey(secret: string, claim: Claim): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, claim.date), claim.region), claim.service), claim.terminator);
}
