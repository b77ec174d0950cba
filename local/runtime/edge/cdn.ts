/**
 * A CloudFront distribution over S3 origins with origin access control: viewers need the cookies of its key groups, and
 * it signs each request to the bucket as CloudFront does, where the bucket policy decides. Nothing is cached, so that each answer is the origin's.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
 */
import type { KeyObject } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestOrigin,
  type Server,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { splitTarget } from '#local/servers/http.ts';
import { decodeUri, uriEncode } from '#local/servers/uri.ts';
import type { Credentials, StackLogLine } from '#local/types.ts';
import { matches } from '../iam/pattern.ts';
import { applyResponseHeaders, type ResponseHeadersConfig } from './response-headers.ts';
import { refuseCookies } from './signed-cookies.ts';

export interface CdnBehaviour {
  /** `/index/*`; `*` for the default behaviour, which comes last. */
  readonly pathPattern: string;
  readonly methods: readonly string[];
  readonly bucket: string;
  /** Prefix that the origin puts before the path; empty for none. */
  readonly originPath: string;
  readonly responseHeaders: ResponseHeadersConfig | undefined;
  /** Public keys, by id, one of which must have signed the viewer's cookies; `undefined`: everybody may read. */
  readonly trustedKeys: ReadonlyMap<string, KeyObject> | undefined;
}

export interface CdnOptions {
  readonly region: string;
  readonly s3Endpoint: string;
  /** Of the service `cloudfront.amazonaws.com` working for this distribution. */
  readonly credentials: Credentials;
  /** Tried in this order. */
  readonly behaviours: readonly CdnBehaviour[];
  readonly defaultRootObject: string | undefined;
  readonly log: (line: StackLogLine) => void;
}

/** Headers of the viewer's request that CloudFront gives on to an S3 origin when nothing is cached. */
const forwarded = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const;
/** Headers of one connection, which a proxy does not give on. */
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'server']);

/** An HTTP server for the distribution; the caller makes it listen. */
export function createCdn(options: CdnOptions): Server {
  const origin = new URL(options.s3Endpoint);
  const signer = new SignatureV4({
    credentials: options.credentials,
    region: options.region,
    service: 's3',
    sha256: Sha256,
    // S3 takes a path as it is.
    uriEscapePath: false,
  });
  return createServer((request, response) => {
    request.on('error', () => response.destroy());
    request.resume();
    void answer(options, signer, origin, request, response);
  });
}

async function answer(
  options: CdnOptions,
  signer: SignatureV4,
  origin: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', headers } = request;
  const sent = splitTarget(request.url ?? '/').path;
  const path = sent === '/' && options.defaultRootObject !== undefined ? `/${options.defaultRootObject}` : sent;
  const behaviour = options.behaviours.find(({ pathPattern }) => matchesPath(pathPattern, path));
  if (behaviour === undefined || !behaviour.methods.includes(method) || !['GET', 'HEAD'].includes(method)) {
    refuse(response, 403, 'This distribution is not configured to allow this request.');
    return;
  }
  const { trustedKeys } = behaviour;
  const refusal = trustedKeys && refuseCookies(viewerOf(request), trustedKeys, Date.now());
  if (refusal !== undefined) {
    options.log({ source: 'cdn', level: 'debug', message: `${method} ${sent} 403 ${refusal.code}` });
    const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${refusal.code}</Code><Message>${refusal.message}</Message></Error>`;
    refuse(response, 403, xml, 'text/xml');
    return;
  }
  const wanted: Record<string, string> = {};
  for (const name of forwarded) {
    const value = headers[name];
    if (value !== undefined) wanted[name] = value;
  }
  const target = `/${behaviour.bucket}${behaviour.originPath}${path}`.split('/').map(normalised).join('/');
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    const fetch = (more: Record<string, string>): Promise<IncomingMessage> =>
      callOrigin(signer, origin, method, target, more, abort.signal);
    const reply = await conditionalRange(fetch, wanted, headers['if-range']);
    await relay(reply, behaviour, request, response);
    options.log({ source: 'cdn', level: 'debug', message: `${method} ${sent} ${reply.statusCode}` });
  } catch (error) {
    // A viewer that went away is no news; an origin that did not answer is.
    if (abort.signal.aborted) return;
    options.log({ source: 'cdn', level: 'error', message: `${method} ${sent}: ${String(error)}` });
    if (response.headersSent) response.destroy();
    else refuse(response, 502, 'CloudFront could not reach the origin.');
  }
}

/** Patterns may be written without the first slash; they match exactly, case and all. */
const matchesPath = (pattern: string, path: string): boolean =>
  pattern === '*' || matches(pattern.startsWith('/') ? pattern : `/${pattern}`, path);

/** Encoded as SigV4 encodes, so that what is signed is what is sent. What is not encoded stays, and S3 refuses it. */
const normalised = (segment: string): string => {
  const plain = decodeUri(segment);
  return plain === undefined ? segment : uriEncode(plain);
};

/**
 * The address as the viewer has it: loopback in the place of the distribution's name, as in everything that functions
 * and agents are told (docs/adr/0006). Taken from the socket, since what a viewer writes into `host` is its own.
 */
function viewerOf({ url = '/', headers, socket }: IncomingMessage) {
  const base = `http://${socket.localAddress}:${socket.localPort}`;
  return { url: `${base}${url}`, cookie: headers.cookie, address: socket.remoteAddress ?? '' };
}

function refuse(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'x-cache': 'Error from cloudfront' });
  response.end(`${text}\n`);
}

/**
 * `If-Range` asks for the range only if the object is still the same, and for the whole of it otherwise. S3 knows
 * no such header; the edge makes two requests of it.
 */
async function conditionalRange(
  fetch: (headers: Record<string, string>) => Promise<IncomingMessage>,
  headers: Record<string, string>,
  ifRange: string | string[] | undefined,
): Promise<IncomingMessage> {
  if (typeof ifRange !== 'string' || headers.range === undefined) return fetch(headers);
  const { range: _range, ...whole } = headers;
  // A weak validator never allows a range (RFC 9110, section 13.1.5).
  if (ifRange.startsWith('W/')) return fetch(whole);
  const condition = ifRange.startsWith('"') ? 'if-match' : 'if-unmodified-since';
  const part = await fetch({ ...headers, [condition]: ifRange });
  if (part.statusCode !== 412) return part;
  part.resume();
  return fetch(whole);
}

async function callOrigin(
  signer: SignatureV4,
  origin: URL,
  method: string,
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const signed = await signer.sign({
    method,
    protocol: origin.protocol,
    hostname: origin.hostname,
    port: Number(origin.port),
    path,
    query: {},
    headers: { ...headers, host: origin.host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  });
  return new Promise((resolve, reject) => {
    const { hostname, port } = origin;
    const outgoing = requestOrigin({ hostname, port, method, path, headers: signed.headers, signal }, resolve);
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function relay(
  reply: IncomingMessage,
  behaviour: CdnBehaviour,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers: OutgoingHttpHeaders & Record<string, string | string[] | undefined> = {};
  for (const [name, value] of Object.entries(reply.headers)) if (!hopByHop.has(name)) headers[name] = value;
  const status = reply.statusCode ?? 502;
  headers.via = '1.1 local (CloudFront)';
  headers['x-cache'] = status < 400 ? 'Miss from cloudfront' : 'Error from cloudfront';
  if (behaviour.responseHeaders !== undefined) {
    applyResponseHeaders(behaviour.responseHeaders, headers, request.headers.origin);
  }
  response.writeHead(status, headers);
  await pipeline(reply, response);
}
