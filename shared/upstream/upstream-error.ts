/**
 * Why Microsoft's answer could not be used.
 *
 * - `host-not-allowed`: the address, or one that it redirects to, is not on the list of hosts; or the
 *   host's name leads to an address that is none on the internet.
 * - `not-found`: 404 or 410.
 * - `refused`: another answer that asking again will not change (4xx, a certificate that does not verify).
 * - `unavailable`: 408, 429, 5xx or no connection, after the retries.
 * - `timeout`: no connection, no headers or no further body bytes within the time limit.
 * - `cut`: the body ended before the length that was announced.
 * - `too-long`: more bytes than the index allows for this file.
 * - `changed`: the file is not the one whose pieces were asked for.
 * - `too-many-redirects`: more than the client follows.
 * - `proxy-refused`: the outbound proxy does not take the credentials (status 407), or does not let this through. A person can
 *   mend it, so that a later request may succeed; another one at once would not, and might lock an account.
 * - `aborted`: the caller's signal.
 */
export type UpstreamErrorCode =
  | 'host-not-allowed'
  | 'not-found'
  | 'refused'
  | 'unavailable'
  | 'timeout'
  | 'cut'
  | 'too-long'
  | 'changed'
  | 'too-many-redirects'
  | 'proxy-refused'
  | 'aborted';

const retryableCodes: ReadonlySet<UpstreamErrorCode> = new Set([
  'unavailable',
  'timeout',
  'cut',
  'proxy-refused',
  'aborted',
]);

export interface UpstreamErrorDetails extends ErrorOptions {
  /** Status of the HTTP answer, when there was one; the proxy's, where it refused. */
  readonly status?: number | undefined;
  /** Seconds that the origin asked to wait. */
  readonly retryAfterSeconds?: number | undefined;
}

/** Failure of a conversation with Microsoft's hosts. `cause` is what the network library threw, if it threw. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: UpstreamErrorCode;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: UpstreamErrorCode, message: string, details: UpstreamErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /** May the same request succeed later? */
  get retryable(): boolean {
    return retryableCodes.has(this.code);
  }
}
