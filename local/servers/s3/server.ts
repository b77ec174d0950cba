/**
 * The embedded S3: path-style addresses on 127.0.0.1, objects in files, everything about them in SQLite. Buckets have no
 * versions; ACLs, policies, object lock, SSE-C, archives and replication are refused by name.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback, splitTarget } from '../http.ts';
import type { SigV4Reason } from '../sigv4.ts';
import { verifySigV4 } from '../sigv4.ts';
import { decodeUri, parseQuery } from '../uri.ts';
import { Blobs } from './blobs.ts';
import type { S3Call, S3Room } from './call.ts';
import { accessDenied, errorXml, invalidRequest, S3Error } from './errors.ts';
import type { LifecycleSweep } from './lifecycle.ts';
import { sweepLifecycle } from './lifecycle.ts';
import { sendEvents } from './notifications.ts';
import { findOperation } from './routes.ts';
import { Store } from './store.ts';

export interface S3Options extends ServerOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Milliseconds since 1970, for dates of objects and lifecycle rules. Default: the clock of the machine. */
  readonly nowMs?: () => number;
  /** How often lifecycle rules are carried out. Default an hour; AWS does it once a day. */
  readonly lifecycleIntervalMs?: number;
  /**
   * Sends an event notification to a queue, named by its ARN. It is tried again later when it rejects. Without it
   * events wait in the data folder.
   */
  readonly sendEvent?: (queueArn: string, body: string) => Promise<void>;
}

export interface S3Server extends EmbeddedServer {
  /** Carries out lifecycle rules now instead of at the next interval. */
  sweep(): Promise<LifecycleSweep>;
}

const MAX_KEY_BYTES = 1024;
const EVENT_RETRY_MS = 5000;

/** @throws ServersError `data-in-use` */
export async function startS3(options: S3Options): Promise<S3Server> {
  await using started = new AsyncDisposableStack();
  const lock = lockFolder(options.dataDir);
  started.defer(() => lock.release());
  const store = new Store(options.dataDir);
  started.defer(() => store.close());
  const blobs = new Blobs(join(options.dataDir, 'blobs'));
  const named = store.namedBlobs();
  await blobs.removeOrphans((blob) => named.has(blob));

  let work: Promise<unknown> = Promise.resolve();
  started.defer(() => work.then(() => undefined));
  /** One after the other: sweeps and sending share the store. */
  const queue = <T>(task: () => Promise<T>): Promise<T> => {
    const result = work.then(task);
    work = result.catch(() => undefined);
    return result;
  };
  const { sendEvent } = options;
  const flushEvents = () => {
    // What could not be sent stays in the store and is tried again by the timer.
    if (sendEvent) queue(() => sendEvents(room, sendEvent)).catch(() => undefined);
  };
  const room: S3Room = { store, blobs, options, nowMs: options.nowMs ?? Date.now, eventsAdded: flushEvents };

  const server = createServer();
  server.on('request', (request, response) => void answer(room, request, response, false));
  // Clients that wait for `100 Continue` hear of a refusal before they send their body.
  server.on('checkContinue', (request, response) => void answer(room, request, response, true));
  // An upload of 5 GiB over a slow line may take its time.
  server.requestTimeout = 0;
  const url = await listenOnLoopback(server, options.port);
  started.defer(() => closeServer(server));

  const sweep = () => queue(() => sweepLifecycle(room));
  for (const timer of [
    setInterval(() => sweep().catch(() => undefined), options.lifecycleIntervalMs ?? 3_600_000),
    setInterval(flushEvents, EVENT_RETRY_MS),
  ]) {
    timer.unref();
    started.defer(() => clearInterval(timer));
  }
  flushEvents();
  const running = started.move();
  return { url, sweep, close: () => running.disposeAsync() };
}

async function answer(
  room: S3Room,
  request: IncomingMessage,
  response: ServerResponse,
  waitsForContinue: boolean,
): Promise<void> {
  const requestId = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
  response.setHeader('x-amz-request-id', requestId);
  const { path } = splitTarget(request.url ?? '/');
  // A client that went away is noticed where its body is read or its answer is written.
  request.on('error', () => undefined);
  let bodyAsked = !waitsForContinue;
  let incoming: AsyncIterator<Buffer> | undefined;
  try {
    const call = readCall(room, request, response, () => {
      if (!bodyAsked) response.writeContinue();
      bodyAsked = true;
      const iterator = request.iterator({ destroyOnReturn: false });
      incoming = iterator;
      return iterator;
    });
    await findOperation(call)(call);
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      // In the middle of a body nothing but a broken connection tells that it is not whole.
      response.destroy();
      return;
    }
    const known =
      error instanceof S3Error ? error : new S3Error('InternalError', 500, `The local server failed: ${error}`);
    if (bodyAsked) await drain(request, incoming);
    else response.setHeader('connection', 'close');
    const body = Buffer.from(errorXml(known, path, requestId));
    response.writeHead(known.status, {
      ...known.headers,
      'content-type': 'application/xml',
      'content-length': body.length,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** A client reads the answer only after it has sent its body. */
async function drain(request: IncomingMessage, body: AsyncIterator<Buffer> | undefined): Promise<void> {
  // As long as the iterator waits for data the stream does not flow.
  await body?.return?.();
  if (request.readableEnded || request.destroyed) return;
  await new Promise<void>((resolve) => {
    request.once('end', resolve);
    request.once('close', resolve);
    request.resume();
  });
}

function readCall(
  room: S3Room,
  request: IncomingMessage,
  response: ServerResponse,
  openBody: () => AsyncIterableIterator<Buffer>,
): S3Call {
  const method = request.method ?? 'GET';
  const { path, query: rawQuery } = splitTarget(request.url ?? '/');
  const { bucket, key } = splitPath(path);
  const query = new Map(parseQuery(rawQuery));
  const headers = request.headers;
  if (query.has('AWSAccessKeyId') || headers.authorization?.startsWith('AWS ')) {
    throw invalidRequest(
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    );
  }
  const payloadHash = headers['x-amz-content-sha256'] ?? query.get('X-Amz-Content-Sha256');
  if (headers.authorization !== undefined && payloadHash === undefined) {
    throw invalidRequest('Missing required header for this request: x-amz-content-sha256');
  }
  const verified = verifySigV4(
    { method, path, query: rawQuery, headers },
    String(payloadHash ?? 'UNSIGNED-PAYLOAD'),
    room.options.secretOf,
    // Signatures go by the real time, whatever clock the dates of objects follow.
    { region: room.options.region, service: 's3', now: new Date() },
  );
  if (!verified.ok && verified.reason !== 'not-signed') throw signatureError(verified.reason, verified.message);
  const owner = headers['x-amz-expected-bucket-owner'];
  if (owner !== undefined && owner !== room.options.accountId) throw accessDenied();
  return {
    room,
    method,
    bucket,
    key,
    query,
    headers,
    accessKeyId: verified.ok ? verified.accessKeyId : '',
    seed: verified.ok ? verified.seed : undefined,
    request,
    response,
    body: openBody,
  };
}

function splitPath(path: string): { readonly bucket: string; readonly key: string } {
  const decoded = decodeUri(path);
  if (decoded === undefined) throw new S3Error('InvalidURI', 400, "Couldn't parse the specified URI.");
  const slash = decoded.indexOf('/', 1);
  const bucket = slash < 0 ? decoded.slice(1) : decoded.slice(1, slash);
  const key = slash < 0 ? '' : decoded.slice(slash + 1);
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', 400, 'Your key is too long', {
      details: { Size: String(bytes), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
  }
  return { bucket, key };
}

function signatureError(reason: Exclude<SigV4Reason, 'not-signed'>, message: string): S3Error {
  switch (reason) {
    case 'malformed':
    case 'wrong-scope':
      return new S3Error('AuthorizationHeaderMalformed', 400, message);
    case 'unknown-key':
      return new S3Error(
        'InvalidAccessKeyId',
        403,
        'The AWS Access Key Id you provided does not exist in our records.',
      );
    case 'skewed':
      return new S3Error('RequestTimeTooSkewed', 403, message);
    case 'expired':
      return accessDenied('Request has expired');
    case 'mismatch':
      return new S3Error('SignatureDoesNotMatch', 403, message);
  }
}
