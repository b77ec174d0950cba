import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from '../types.ts';
import { rangeOf } from './ranges.ts';

/** A static file of the fake Microsoft. */
export interface Resource {
  readonly size: number;
  readonly etag: string;
  readonly lastModified: Date;
  readonly contentType: string;
  /** Bytes `from` (inclusive) to `to` (exclusive). */
  read(from: number, to: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface Answered {
  /** 0 for none. */
  readonly status: number;
  /** Body bytes that were handed to the connection. */
  readonly bytes: number;
}

/**
 * Answers GET and HEAD for a static file as IIS does: conditional requests, one range, If-Range; and spoils the answer
 * by the faults given.
 */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  resource: Resource,
  faults: readonly Fault['kind'][],
): Promise<Answered> {
  if (faults.some((fault) => fault.type === 'no-answer')) {
    request.socket.destroy();
    return { status: 0, bytes: 0 };
  }
  const refusal = faults.find((fault) => fault.type === 'status');
  if (refusal) {
    const retry = refusal.retryAfterSeconds;
    response.writeHead(refusal.status, retry === undefined ? {} : { 'retry-after': String(retry) }).end();
    return { status: refusal.status, bytes: 0 };
  }
  const redirect = faults.find((fault) => fault.type === 'redirect');
  if (redirect) {
    response.writeHead(302, { location: redirect.location }).end();
    return { status: 302, bytes: 0 };
  }
  const asked = request.headers.range;
  const changing = asked !== undefined && faults.some((fault) => fault.type === 'changing-etag');
  const etag = changing ? `"${randomBytes(7).toString('hex')}:0"` : resource.etag;
  const validators = { etag, 'last-modified': resource.lastModified.toUTCString() };
  const end = (status: number, headers: Record<string, string> = {}): Answered => {
    response.writeHead(status, { ...validators, ...headers }).end();
    return { status, bytes: 0 };
  };

  const precondition = preconditionOf(request, etag, resource.lastModified);
  if (precondition) return end(precondition);
  const range = keepsRange(request.headers['if-range'], etag, resource.lastModified)
    ? rangeOf(asked, resource.size)
    : 'whole';
  if (range === 'unsatisfiable') return end(416, { 'content-range': `bytes */${resource.size}` });

  const from = range === 'whole' ? 0 : range.start;
  const to = range === 'whole' ? resource.size : range.end + 1;
  const status = range === 'whole' ? 200 : 206;
  response.writeHead(status, {
    ...validators,
    'content-type': resource.contentType,
    'content-length': String(to - from),
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=0',
    ...(range === 'whole' ? {} : { 'content-range': `bytes ${from}-${to - 1}/${resource.size}` }),
  });
  if (request.method === 'HEAD') {
    response.end();
    return { status, bytes: 0 };
  }
  return { status, bytes: await send(response, resource.read(from, to), faults) };
}

/** 304, 412 or nothing (RFC 9110, section 13.2.2). */
function preconditionOf(request: IncomingMessage, etag: string, changed: Date): 304 | 412 | undefined {
  const { headers } = request;
  const seconds = Math.floor(changed.getTime() / 1000);
  const named = (list: string): boolean => {
    const tags = list.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.includes('*') || tags.includes(etag);
  };
  if (headers['if-match'] !== undefined) {
    if (!named(headers['if-match'])) return 412;
  } else if (headers['if-unmodified-since'] !== undefined) {
    const since = Date.parse(headers['if-unmodified-since']);
    if (!Number.isNaN(since) && seconds > since / 1000) return 412;
  }
  if (headers['if-none-match'] !== undefined) return named(headers['if-none-match']) ? 304 : undefined;
  if (headers['if-modified-since'] !== undefined) {
    const since = Date.parse(headers['if-modified-since']);
    if (!Number.isNaN(since) && seconds <= since / 1000) return 304;
  }
  return undefined;
}

/** A range holds only while the file is the one the client began with; a weak tag never matches (section 13.1.5). */
function keepsRange(header: string | string[] | undefined, etag: string, changed: Date): boolean {
  if (header === undefined) return true;
  const condition = String(header);
  return condition.includes('"') ? condition === etag : condition === changed.toUTCString();
}

/** Sends the body, spoilt by the faults; returns how many bytes went out. */
async function send(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  faults: readonly Fault['kind'][],
): Promise<number> {
  const cut = faults.find((fault) => fault.type === 'cut');
  const slow = faults.find((fault) => fault.type === 'slow');
  const wrong = faults.some((fault) => fault.type === 'wrong-bytes');
  let sent = 0;
  if (cut) response.flushHeaders();
  const write = async (bytes: Uint8Array): Promise<void> => {
    sent += bytes.byteLength;
    if (!response.write(bytes)) await settled(response, 'drain');
  };
  for await (const chunk of body) {
    if (response.destroyed) return sent;
    const spoilt = wrong ? spoil(chunk) : chunk;
    const left = cut ? cut.afterBytes - sent : spoilt.byteLength;
    const part = left < spoilt.byteLength ? spoilt.subarray(0, Math.max(0, left)) : spoilt;
    if (slow) {
      for (const drop of drops(part, slow.bytesPerSecond)) {
        if (response.destroyed) return sent;
        await write(drop);
        await pause(response, (drop.byteLength / slow.bytesPerSecond) * 1000);
      }
    } else {
      await write(part);
    }
    if (cut && sent >= cut.afterBytes) {
      // What was written reaches the client before the connection breaks.
      response.socket?.destroySoon();
      return sent;
    }
  }
  response.end();
  return sent;
}

/** Same length, every first byte of a KiB turned over. */
function spoil(chunk: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(chunk);
  for (let at = 0; at < copy.byteLength; at += 1024) copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

/** Portions for a tenth of a second each. */
function* drops(bytes: Uint8Array, bytesPerSecond: number): Generator<Uint8Array> {
  const size = Math.max(1, Math.floor(bytesPerSecond / 10));
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

/** Waits for so long, but not for a connection that is gone. */
const pause = (response: ServerResponse, milliseconds: number): Promise<void> =>
  settled(response, undefined, milliseconds);

/** Resolves at the event, after the time, or when the connection closes; leaves no listener behind. */
function settled(response: ServerResponse, event: 'drain' | undefined, milliseconds?: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off('close', done);
      if (event) response.off(event, done);
      resolve();
    };
    const timer = milliseconds === undefined ? undefined : setTimeout(done, milliseconds);
    response.once('close', done);
    if (event) response.once(event, done);
    if (response.destroyed) done();
  });
}
