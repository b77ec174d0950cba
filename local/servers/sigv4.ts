/**
 * Verification of AWS Signature Version 4, from the server's side.
 *
 * Source: "AWS Signature Version 4 for API requests" in the IAM User Guide, and "Authenticating Requests: Using Query
 * Parameters" in the Amazon S3 API Reference for presigned addresses.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { SecretOf } from '../types.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Clocks may differ by this much, and a presigned address may start this far in the future. */
export const MAX_CLOCK_SKEW_SECONDS = 5 * 60;
/** "The maximum value for X-Amz-Expires is 604800 seconds (seven days)." */
const MAX_PRESIGNED_SECONDS = 7 * 24 * 3600;

/** A request as it came over the wire: nothing decoded, nothing normalised. */
export interface SignedRequest {
  readonly method: string;
  /** Path as sent, percent-encoded, without the query. */
  readonly path: string;
  /** Query as sent, percent-encoded, without `?`; empty when there is none. */
  readonly query: string;
  /** Names in lower case, as node:http gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface SigV4Scope {
  readonly region: string;
  /** Name of the service in the credential scope, for instance `s3`, `dynamodb`, `execute-api`. */
  readonly service: string;
  readonly now: Date;
}

/** Why a signature is not accepted; each service has its own error code for each. */
export type SigV4Reason =
  /** Neither an Authorization header nor the X-Amz- query parameters: an anonymous request. */
  | 'not-signed'
  /** Something that the algorithm needs is missing or unreadable, or a header that must be signed is not. */
  | 'malformed'
  | 'unknown-key'
  /** Signed for another region or service. */
  | 'wrong-scope'
  /** The clock of the signer is more than {@link MAX_CLOCK_SKEW_SECONDS} away. */
  | 'skewed'
  /** A presigned address whose time is over. */
  | 'expired'
  | 'mismatch';

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

interface Claim {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  /** Seconds that a presigned address is good for; undefined for the Authorization header. */
  readonly expiresSeconds: number | undefined;
}

class Refusal extends Error {
  readonly reason: SigV4Reason;
  constructor(reason: SigV4Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

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

/** Percent-encodes everything except `A-Z a-z 0-9 - . _ ~`, as SigV4 asks (encodeURIComponent leaves five more). */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Name and value of each query parameter in the order sent, decoded. A plus sign is a space, as S3 reads it. */
export function parseQuery(query: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    const value = at < 0 ? '' : part.slice(at + 1);
    pairs.push([decode(name), decode(value)]);
  }
  return pairs;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    if (cause instanceof URIError)
      throw new Refusal('malformed', `The query part '${text}' is not percent-encoded UTF-8.`);
    throw cause;
  }
}

function readClaim(request: SignedRequest): Claim {
  const authorization = headerValue(request, 'authorization');
  if (authorization !== undefined) return claimOfHeader(request, authorization);
  const query = new Map(parseQuery(request.query));
  if (!query.has('X-Amz-Signature') && !query.has('X-Amz-Algorithm')) {
    throw new Refusal('not-signed', 'The request is not signed.');
  }
  return claimOfQuery(query);
}

function claimOfHeader(request: SignedRequest, authorization: string): Claim {
  const space = authorization.indexOf(' ');
  if (authorization.slice(0, space) !== ALGORITHM) {
    throw new Refusal('malformed', `The Authorization header must begin with ${ALGORITHM}.`);
  }
  const fields = new Map<string, string>();
  for (const field of authorization.slice(space + 1).split(',')) {
    const at = field.indexOf('=');
    if (at > 0) fields.set(field.slice(0, at).trim(), field.slice(at + 1).trim());
  }
  const timestamp = headerValue(request, 'x-amz-date');
  if (timestamp === undefined) throw new Refusal('malformed', 'The x-amz-date header is missing.');
  return claimOf({
    credential: fields.get('Credential'),
    signedHeaders: fields.get('SignedHeaders'),
    signature: fields.get('Signature'),
    timestamp,
    expiresSeconds: undefined,
  });
}

function claimOfQuery(query: ReadonlyMap<string, string>): Claim {
  const algorithm = query.get('X-Amz-Algorithm');
  if (algorithm !== ALGORITHM)
    throw new Refusal('malformed', `X-Amz-Algorithm must be ${ALGORITHM}, got '${algorithm}'.`);
  const expires = query.get('X-Amz-Expires') ?? '';
  const expiresSeconds = Number(expires);
  if (!/^\d+$/.test(expires) || expiresSeconds < 1 || expiresSeconds > MAX_PRESIGNED_SECONDS) {
    throw new Refusal('malformed', `X-Amz-Expires must be 1 to ${MAX_PRESIGNED_SECONDS} seconds, got '${expires}'.`);
  }
  return claimOf({
    credential: query.get('X-Amz-Credential'),
    signedHeaders: query.get('X-Amz-SignedHeaders'),
    signature: query.get('X-Amz-Signature'),
    timestamp: query.get('X-Amz-Date'),
    expiresSeconds,
  });
}

function claimOf(raw: {
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly timestamp: string | undefined;
  readonly expiresSeconds: number | undefined;
}): Claim {
  const { credential, signedHeaders, signature, timestamp, expiresSeconds } = raw;
  if (!credential || !signedHeaders || !signature || !timestamp) {
    throw new Refusal('malformed', 'Credential, SignedHeaders, Signature and the date are all required.');
  }
  // An access key id may itself contain slashes, so the scope is read from the end.
  const parts = credential.split('/');
  const [date, region, service, terminator] = parts.slice(-4);
  const accessKeyId = parts.slice(0, -4).join('/');
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request') {
    throw new Refusal('malformed', `The credential '${credential}' is not KEY/DATE/REGION/SERVICE/aws4_request.`);
  }
  if (!timestamp.startsWith(date)) {
    throw new Refusal(
      'malformed',
      `The date of the credential, ${date}, is not the date of the request, ${timestamp}.`,
    );
  }
  return {
    accessKeyId,
    date,
    region,
    service,
    terminator,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    expiresSeconds,
  };
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

function canonicalRequest(request: SignedRequest, claim: Claim, payloadHash: string, service: string): string {
  const headers = claim.signedHeaders.map((name) => `${name}:${canonicalHeader(request, name)}\n`).join('');
  return [
    request.method,
    canonicalPath(request.path, service),
    canonicalQuery(request.query, claim.expiresSeconds !== undefined),
    headers,
    claim.signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/**
 * S3 signs the path encoded once and as it is, because `a//b` and `a/../b` are keys of their own. Every other service
 * signs it normalised (RFC 3986) and encoded a second time.
 */
function canonicalPath(path: string, service: string): string {
  if (service === 's3') {
    let decoded: string;
    try {
      decoded = decodeURIComponent(path);
    } catch (cause) {
      if (cause instanceof URIError) throw new Refusal('malformed', 'The path is not percent-encoded UTF-8.');
      throw cause;
    }
    return decoded.split('/').map(uriEncode).join('/');
  }
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(uriEncode(segment));
  }
  const trailing = segments.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${segments.join('/')}${trailing}`;
}

function canonicalQuery(query: string, presigned: boolean): string {
  return parseQuery(query)
    .filter(([name]) => !(presigned && name === 'X-Amz-Signature'))
    .map(([name, value]): [string, string] => [uriEncode(name), uriEncode(value)])
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** By code point; encoded text is ASCII, so that code units do. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function canonicalHeader(request: SignedRequest, name: string): string {
  const value = headerValue(request, name);
  if (value === undefined) throw new Refusal('malformed', `The header '${name}' is signed but not there.`);
  return value;
}

function headerValue(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  if (value === undefined) return undefined;
  const values = typeof value === 'string' ? [value] : value;
  return values.map((one) => one.trim().replace(/ +/g, ' ')).join(',');
}
