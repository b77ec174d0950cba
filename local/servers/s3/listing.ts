/**
 * Listing the objects of a bucket by pages, with keys rolled up to common prefixes.
 *
 * Source: ListObjectsV2 and ListObjects in the Amazon S3 API Reference; keys come in the order of their UTF-8 bytes.
 */
import * as z from 'zod/mini';
import { uriEncode } from '../uri.ts';
import type { S3Call } from './call.ts';
import { bucketArn, demand, demandBucket, queryNumber, sendXml } from './call.ts';
import { isoDate } from './description.ts';
import { invalidArgument } from './errors.ts';
import type { StoredObject } from './records.ts';
import type { Store } from './store.ts';
import { element, xmlDocument } from './xml.ts';

/** The last thing of a page: the next one begins behind it. */
const positionSchema = z.object({ after: z.string(), isPrefix: z.boolean() });
type Position = z.infer<typeof positionSchema>;

interface Page {
  readonly objects: readonly StoredObject[];
  readonly prefixes: readonly string[];
  /** Undefined when nothing follows. */
  readonly next: Position | undefined;
}

/** The smallest byte string after all that begin with this one; undefined when there is none. */
function successor(bytes: Buffer): Buffer | undefined {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end--;
  if (end === 0) return undefined;
  const next = Buffer.from(bytes.subarray(0, end));
  next[end - 1] = (next[end - 1] ?? 0) + 1;
  return next;
}

const larger = (a: Buffer, b: Buffer) => (Buffer.compare(a, b) >= 0 ? a : b);

export function listPage(
  store: Store,
  bucket: string,
  query: { readonly prefix: string; readonly delimiter: string; readonly limit: number; readonly after?: Position },
): Page {
  const { prefix, delimiter, limit, after } = query;
  const first = Buffer.from(prefix);
  const end = successor(first);
  let cursor: Buffer | undefined = first;
  if (after) {
    const bytes = Buffer.from(after.after);
    const behind = after.isPrefix ? successor(bytes) : Buffer.concat([bytes, Buffer.of(0)]);
    cursor = behind && larger(first, behind);
  }
  const objects: StoredObject[] = [];
  const prefixes: string[] = [];
  let last: Position | undefined;
  while (cursor !== undefined) {
    const room: number = limit - objects.length - prefixes.length;
    // One more than fits tells whether another page follows.
    const rows = store.objects(bucket, cursor, end, room + 1);
    cursor = undefined;
    for (const object of rows) {
      if (objects.length + prefixes.length === limit) return { objects, prefixes, next: last };
      const at = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length);
      if (at < 0) {
        objects.push(object);
        last = { after: object.key, isPrefix: false };
        cursor = Buffer.concat([Buffer.from(object.key), Buffer.of(0)]);
        continue;
      }
      const common = object.key.slice(0, at + delimiter.length);
      prefixes.push(common);
      last = { after: common, isPrefix: true };
      // The keys under a common prefix are skipped by a new query behind them.
      cursor = successor(Buffer.from(common));
      break;
    }
  }
  return { objects, prefixes, next: undefined };
}

export async function listObjectsV2(call: S3Call): Promise<void> {
  demand(call, 's3:ListBucket', bucketArn(call.bucket));
  demandBucket(call);
  const { prefix, delimiter, limit, encode, encoding } = readQuery(call);
  const token = call.query.get('continuation-token');
  const startAfter = call.query.get('start-after') ?? '';
  const after = token === undefined ? positionOf(startAfter, delimiter) : readToken(token);
  const page = listPage(call.room.store, call.bucket, { prefix, delimiter, limit, ...(after ? { after } : {}) });
  const owner = call.query.get('fetch-owner') === 'true' ? call.room.options.accountId : undefined;
  const answer = element('ListBucketResult', [
    element('Name', call.bucket),
    element('Prefix', encode(prefix)),
    delimiter === '' ? undefined : element('Delimiter', encode(delimiter)),
    element('MaxKeys', limit),
    encoding,
    element('KeyCount', page.objects.length + page.prefixes.length),
    element('IsTruncated', page.next !== undefined),
    token === undefined ? undefined : element('ContinuationToken', token),
    page.next && element('NextContinuationToken', writeToken(page.next)),
    startAfter === '' ? undefined : element('StartAfter', encode(startAfter)),
    ...contents(page, encode, owner),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}

/** Version 1, for older clients. */
export async function listObjects(call: S3Call): Promise<void> {
  demand(call, 's3:ListBucket', bucketArn(call.bucket));
  demandBucket(call);
  const { prefix, delimiter, limit, encode, encoding } = readQuery(call);
  const marker = call.query.get('marker') ?? '';
  const after = positionOf(marker, delimiter);
  const page = listPage(call.room.store, call.bucket, { prefix, delimiter, limit, ...(after ? { after } : {}) });
  const answer = element('ListBucketResult', [
    element('Name', call.bucket),
    element('Prefix', encode(prefix)),
    element('Marker', encode(marker)),
    delimiter === '' ? undefined : element('Delimiter', encode(delimiter)),
    element('MaxKeys', limit),
    encoding,
    element('IsTruncated', page.next !== undefined),
    // AWS gives it only with a delimiter; without one, clients go on after the last key.
    page.next && delimiter !== '' ? element('NextMarker', encode(page.next.after)) : undefined,
    ...contents(page, encode, call.room.options.accountId),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}

function readQuery(call: S3Call) {
  const encodingType = call.query.get('encoding-type');
  if (encodingType !== undefined && encodingType !== 'url') {
    throw invalidArgument(`Invalid Encoding Method specified in Request: '${encodingType}'.`);
  }
  return {
    prefix: call.query.get('prefix') ?? '',
    delimiter: call.query.get('delimiter') ?? '',
    limit: queryNumber(call, 'max-keys', 1000, 0, 1000),
    encode: encodingType === 'url' ? encodeKey : (text: string) => text,
    encoding: encodingType === undefined ? undefined : element('EncodingType', 'url'),
  };
}

/** Slashes stay readable, as in AWS's answers. */
const encodeKey = (key: string) => uriEncode(key).replaceAll('%2F', '/');

/** A marker of the client's own. One that ends in the delimiter is a common prefix of an earlier page. */
function positionOf(marker: string, delimiter: string): Position | undefined {
  if (marker === '') return undefined;
  return { after: marker, isPrefix: delimiter !== '' && marker.endsWith(delimiter) };
}

function writeToken(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function readToken(token: string): Position {
  try {
    return z.parse(positionSchema, JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
  } catch {
    // Whatever is wrong with it, it is not one that this server gave.
    throw invalidArgument('The continuation token provided is incorrect');
  }
}

function contents(page: Page, encode: (text: string) => string, owner: string | undefined): string[] {
  return [
    ...page.objects.map((object) =>
      element('Contents', [
        element('Key', encode(object.key)),
        element('LastModified', isoDate(object.modifiedMs)),
        element('ETag', `"${object.etag}"`),
        object.checksum && element('ChecksumAlgorithm', object.checksum.algorithm),
        object.checksum && element('ChecksumType', object.checksum.type),
        element('Size', object.size),
        owner === undefined ? undefined : element('Owner', [element('ID', owner)]),
        element('StorageClass', object.headers['x-amz-storage-class'] ?? 'STANDARD'),
      ]),
    ),
    ...page.prefixes.map((prefix) => element('CommonPrefixes', [element('Prefix', encode(prefix))])),
  ];
}
