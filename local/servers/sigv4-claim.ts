/** What a request claims about its signature, in its Authorization header or in its query. */
import { parseQuery } from './uri.ts';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
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

/** The claim, well-formed but not yet checked. */
export interface Claim {
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

/** Ends a verification; never leaves this folder. */
export class Refusal extends Error {
  readonly reason: SigV4Reason;
  constructor(reason: SigV4Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** @throws Refusal `not-signed`, `malformed` */
export function readClaim(request: SignedRequest): Claim {
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

/** Value of a header as it stands in the canonical request; undefined when it is not there. */
export function headerValue(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  if (value === undefined) return undefined;
  const values = typeof value === 'string' ? [value] : value;
  return values.map((one) => one.trim().replace(/ +/g, ' ')).join(',');
}
