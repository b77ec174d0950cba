/**
 * CloudFront's signed cookies, as the edge checks them: a policy (or, without one, the end of a canned policy), and a
 * signature by a key of the behaviour's key groups. Signed URLs, which say the same in the query, are not modelled.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-cookies.html
 */
import { type KeyObject, verify } from 'node:crypto';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod/mini';
import { matches } from '../iam/pattern.ts';

/** What the viewer asks for. */
export interface CookieViewer {
  /** The whole address with its query, as the viewer wrote it. */
  readonly url: string;
  /** Header `cookie`. */
  readonly cookie: string | undefined;
  readonly address: string;
}

/** An answer with status 403. */
export interface CookieRefusal {
  readonly code: 'MissingKey' | 'InvalidKey' | 'MalformedPolicy' | 'AccessDenied';
  readonly message: string;
}

const missingKey: CookieRefusal = {
  code: 'MissingKey',
  message: 'Missing Key-Pair-Id query parameter or cookie value',
};
const unknownKey: CookieRefusal = { code: 'InvalidKey', message: 'Unknown Key' };
const malformedPolicy: CookieRefusal = { code: 'MalformedPolicy', message: 'Malformed Policy' };
const accessDenied: CookieRefusal = { code: 'AccessDenied', message: 'Access denied' };

const epoch = z.strictObject({ 'AWS:EpochTime': z.int() });
const policySchema = z.strictObject({
  Statement: z.tuple([
    z.strictObject({
      Resource: z._default(z.string(), '*'),
      Condition: z.strictObject({
        DateLessThan: epoch,
        DateGreaterThan: z.optional(epoch),
        IpAddress: z.optional(z.strictObject({ 'AWS:SourceIp': z.string() })),
      }),
    }),
  ]),
});

/**
 * @param keys trusted public keys by their ids
 * @param now milliseconds since 1970
 * @returns why the viewer gets nothing; `undefined` when it may have what it asks for
 */
export function refuseCookies(
  viewer: CookieViewer,
  keys: ReadonlyMap<string, KeyObject>,
  now: number,
): CookieRefusal | undefined {
  const cookies = readCookies(viewer.cookie ?? '');
  const keyPairId = cookies.get('CloudFront-Key-Pair-Id') ?? '';
  if (keyPairId === '') return missingKey;
  const key = keys.get(keyPairId);
  if (key === undefined) return unknownKey;

  const encoded = cookies.get('CloudFront-Policy');
  const text = encoded === undefined ? cannedPolicy(viewer.url, cookies.get('CloudFront-Expires')) : decode(encoded);
  const policy = text === undefined ? undefined : parsePolicy(text);
  if (text === undefined || policy === undefined) return malformedPolicy;
  const signature = decode(cookies.get('CloudFront-Signature') ?? '');
  const digest = digests.get(cookies.get('CloudFront-Hash-Algorithm') ?? 'SHA1');
  if (signature === undefined || digest === undefined || !verify(digest, text, key, signature)) return accessDenied;

  const [{ Resource, Condition }] = policy.Statement;
  const { DateLessThan, DateGreaterThan, IpAddress } = Condition;
  const seconds = now / 1000;
  const allowed =
    matches(Resource, viewer.url) &&
    seconds < DateLessThan['AWS:EpochTime'] &&
    (DateGreaterThan === undefined || seconds > DateGreaterThan['AWS:EpochTime']) &&
    (IpAddress === undefined || isIn(IpAddress['AWS:SourceIp'], viewer.address));
  return allowed ? undefined : accessDenied;
}

/** By the names in the cookie of the hash algorithm; without that cookie it is SHA-1. */
const digests: ReadonlyMap<string, string> = new Map([
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
]);

/** RFC 6265, section 4.2: names are exact; of two cookies with one name the first counts. */
function readCookies(header: string): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at < 0) continue;
    const name = pair.slice(0, at).trim();
    if (!cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim());
  }
  return cookies;
}

/** Base64 with three other characters, which need no escaping in a cookie. `undefined` for anything else. */
function decode(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9~_-]+$/.test(text)) return undefined;
  return Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64');
}

/** What a canned policy says is known but for its end, so that only this is sent; the exact text is what was signed. */
function cannedPolicy(url: string, expires: string | undefined): Buffer | undefined {
  if (expires === undefined || !/^\d{1,10}$/.test(expires)) return undefined;
  const policy = { Statement: [{ Resource: url, Condition: { DateLessThan: { 'AWS:EpochTime': Number(expires) } } }] };
  return Buffer.from(JSON.stringify(policy));
}

function parsePolicy(text: Buffer): z.infer<typeof policySchema> | undefined {
  try {
    return policySchema.safeParse(JSON.parse(text.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** One address, or a network as `192.0.2.0/24`. */
function isIn(network: string, address: string): boolean {
  const [base = '', bits] = network.split('/');
  const family = isIPv4(base) ? 'ipv4' : isIPv6(base) ? 'ipv6' : undefined;
  const longest = family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  if (family === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > longest) return false;
  const list = new BlockList();
  list.addSubnet(base, prefix, family);
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
