/** One request to the S3 server: what was asked, by whom, and how to answer. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions, ServiceCall } from '../../types.ts';
import type { SignatureSeed } from '../sigv4.ts';
import type { Blobs } from './blobs.ts';
import { accessDenied, invalidArgument, noSuchBucket, S3Error } from './errors.ts';
import type { Store } from './store.ts';

/** What all operations work with. */
export interface S3Room {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly options: ServerOptions;
  readonly nowMs: () => number;
  /** Told that events may be waiting in the store. */
  readonly eventsAdded: () => void;
}

export interface S3Call {
  readonly room: S3Room;
  readonly method: string;
  /** Empty for calls about the account. */
  readonly bucket: string;
  /** Empty for calls about a bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  /** Empty for an anonymous caller. */
  readonly accessKeyId: string;
  /** Undefined for an anonymous caller. */
  readonly seed: SignatureSeed | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The body as it comes over the wire; asks the client to send it when it waits for `100 Continue`. */
  body(): AsyncIterable<Buffer>;
}

export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

export function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`;
}

/** Whether the caller may do it. */
export function mayDo(call: S3Call, action: string, resource: string): boolean {
  return call.room.options.authorize({ accessKeyId: call.accessKeyId, action, resource }).allowed;
}

/**
 * @param context condition keys that come with this request
 * @throws S3Error `AccessDenied`
 */
export function demand(call: S3Call, action: string, resource: string, context?: ServiceCall['context']): void {
  const decision = call.room.options.authorize({
    accessKeyId: call.accessKeyId,
    action,
    resource,
    ...(context !== undefined && { context }),
  });
  if (!decision.allowed) throw accessDenied(decision.message);
}

/** @throws S3Error `NoSuchBucket` */
export function demandBucket(call: S3Call, bucket = call.bucket): void {
  if (!call.room.store.hasBucket(bucket)) throw noSuchBucket(bucket);
}

/** One value of a header; undefined when it is not there. */
export function header(call: S3Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/**
 * A whole number of the query.
 *
 * @throws S3Error `InvalidArgument`
 */
export function queryNumber(call: S3Call, name: string, fallback: number, min: number, max: number): number {
  const text = call.query.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min) throw invalidArgument(`${name} must be ${min} to ${max}, got '${text}'.`);
  return Math.min(value, max);
}

export function sendXml(call: S3Call, xml: string, status = 200, headers: Record<string, string> = {}): void {
  const body = Buffer.from(xml, 'utf8');
  call.response.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length, ...headers });
  call.response.end(body);
}

export function sendEmpty(call: S3Call, status: number, headers: Record<string, string> = {}): void {
  call.response.writeHead(status, status === 204 ? headers : { 'content-length': 0, ...headers });
  call.response.end();
}

const MAX_XML_BYTES = 2 * 1024 * 1024;

/** Reads a small body whole. */
export async function collect(data: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of data) {
    bytes += chunk.length;
    if (bytes > MAX_XML_BYTES) {
      throw new S3Error('MaxMessageLengthExceeded', 400, `Your request was too big: more than ${MAX_XML_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
