/** The canonical request, which is what is signed. Source: "Create a canonical request" in the IAM User Guide. */
import type { Claim, SignedRequest } from './sigv4-claim.ts';
import { headerValue, Refusal } from './sigv4-claim.ts';
import { decodeUri, parseQuery, uriEncode } from './uri.ts';

/** @throws Refusal `malformed` */
export function canonicalRequest(request: SignedRequest, claim: Claim, payloadHash: string, service: string): string {
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
    const decoded = decodeUri(path);
    if (decoded === undefined) throw new Refusal('malformed', 'The path is not percent-encoded UTF-8.');
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
