import { privateAddressCode } from './public-address.ts';
import { UpstreamError } from './upstream-error.ts';

const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);
/** OpenSSL's and Node's names of what is wrong with a certificate; no later try mends one. */
const certificate = /CERT|UNABLE_TO_|SELF_SIGNED|ERR_TLS_/;

/** Codes of an error and of what caused it: undici wraps what the socket said, once or twice. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') codes.push(at.code);
  }
  return codes;
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Puts what undici or the socket threw before the headers came into our words. */
export function fromNetworkFailure(cause: unknown, host: string, signal: AbortSignal | undefined): UpstreamError {
  if (cause instanceof UpstreamError) return cause;
  if (signal?.aborted) return new UpstreamError('aborted', `the request to ${host} was stopped`, { cause });
  const codes = codesOf(cause);
  const said = codes.join(', ') || String(cause);
  if (codes.includes(privateAddressCode))
    return new UpstreamError('host-not-allowed', `${host} is not contacted: ${messageOf(cause)}`, { cause });
  if (codes.some((code) => timeouts.has(code)))
    return new UpstreamError('timeout', `${host} did not answer in time (${said})`, { cause });
  if (codes.some((code) => certificate.test(code)))
    return new UpstreamError('refused', `the certificate of ${host} does not verify (${said})`, { cause });
  return new UpstreamError('unavailable', `no answer from ${host} (${said})`, { cause });
}

/** The same for a body that was under way: what is not a time limit or our own stop is a broken connection. */
export function fromBodyFailure(cause: unknown, address: URL, signal: AbortSignal | undefined): UpstreamError {
  if (cause instanceof UpstreamError) return cause;
  if (signal?.aborted) return new UpstreamError('aborted', `the download of ${address.href} was stopped`, { cause });
  const codes = codesOf(cause);
  const said = codes.join(', ') || String(cause);
  if (codes.some((code) => timeouts.has(code)))
    return new UpstreamError('timeout', `${address.href} sent nothing for too long (${said})`, { cause });
  return new UpstreamError('cut', `the body of ${address.href} broke off (${said})`, { cause });
}
