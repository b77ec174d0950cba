/** What a client says about an object when it writes it, and how that comes back when the object is read. */
import type { S3Call } from './call.ts';
import { header } from './call.ts';
import { checksumHeader } from './checksums.ts';
import { invalidArgument, notImplemented, S3Error } from './errors.ts';
import type { Description, StoredObject, Tag } from './records.ts';

const KEPT_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-storage-class',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-website-redirect-location',
];
/** Storage classes that can be read at once; the archives would need RestoreObject. */
const STORAGE_CLASSES = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
]);
const MAX_METADATA_BYTES = 2 * 1024;
const MAX_TAGS = 10;

/**
 * @throws S3Error MetadataTooLarge, InvalidTag, InvalidStorageClass, AccessControlListNotSupported, and NotImplemented
 *   for what would change the meaning of the object and is not modelled
 */
export function describe(call: S3Call): Description {
  refuseUnmodelled(call);
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = header(call, name);
    if (value !== undefined) headers[name] = value;
  }
  headers['content-type'] ??= 'binary/octet-stream';
  const encoding = withoutChunked(headers['content-encoding']);
  if (encoding === undefined) delete headers['content-encoding'];
  else headers['content-encoding'] = encoding;
  const storageClass = headers['x-amz-storage-class'];
  if (storageClass !== undefined && !STORAGE_CLASSES.has(storageClass)) {
    throw new S3Error('InvalidStorageClass', 400, `The storage class '${storageClass}' is not valid here.`);
  }
  if (storageClass === 'STANDARD') delete headers['x-amz-storage-class'];
  return { headers, metadata: userMetadata(call), tags: parseTagging(header(call, 'x-amz-tagging') ?? '') };
}

/** The encoding `aws-chunked` is about the transfer: it is not kept. */
function withoutChunked(encoding: string | undefined): string | undefined {
  const kept = (encoding ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked');
  return kept.length > 0 ? kept.join(',') : undefined;
}

function userMetadata(call: S3Call): Record<string, string> {
  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const name of Object.keys(call.headers)) {
    if (!name.startsWith('x-amz-meta-')) continue;
    const value = header(call, name) ?? '';
    const key = name.slice('x-amz-meta-'.length);
    metadata[key] = value;
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', 400, 'Your metadata headers exceed the maximum allowed metadata size', {
      details: { Size: String(bytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    });
  }
  return metadata;
}

function refuseUnmodelled(call: S3Call): void {
  const acl = header(call, 'x-amz-acl');
  // Buckets are "bucket owner enforced", as new ones are on AWS: only ACLs that say the same are accepted.
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported', 400, 'The bucket does not allow ACLs');
  }
  for (const name of Object.keys(call.headers)) {
    if (name.startsWith('x-amz-object-lock-')) throw notImplemented('object lock');
    if (name.startsWith('x-amz-server-side-encryption-customer-')) throw notImplemented('customer keys (SSE-C)');
    if (name.startsWith('x-amz-grant-')) {
      throw new S3Error('AccessControlListNotSupported', 400, 'The bucket does not allow ACLs');
    }
    if (name === 'x-amz-write-offset-bytes') throw notImplemented('appending to objects');
  }
}

/** Tags as S3 takes them in a header: `a=1&b=2`. */
function parseTagging(text: string): Tag[] {
  const tags = [...new URLSearchParams(text)].map(([key, value]) => ({ key, value }));
  checkTags(tags, MAX_TAGS);
  return tags;
}

/** @throws S3Error `InvalidTag` */
export function checkTags(tags: readonly Tag[], most = MAX_TAGS): void {
  const invalid = (message: string) => new S3Error('InvalidTag', 400, message);
  if (tags.length > most) throw invalid(`There can be at most ${most} tags, got ${tags.length}.`);
  if (new Set(tags.map((tag) => tag.key)).size < tags.length) {
    throw invalid('Cannot provide multiple Tags with the same key');
  }
  for (const { key, value } of tags) {
    if (key === '' || key.length > 128) throw invalid(`The TagKey '${key}' must have 1 to 128 characters.`);
    if (value.length > 256) throw invalid(`The TagValue of '${key}' must have at most 256 characters.`);
  }
}

/** Headers of an answer about an object, without length and range. */
export function objectHeaders(call: S3Call, object: StoredObject): Record<string, string> {
  const headers: Record<string, string> = {
    etag: `"${object.etag}"`,
    'last-modified': httpDate(object.modifiedMs),
    'accept-ranges': 'bytes',
    ...object.headers,
  };
  for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value;
  if (object.tags.length > 0) headers['x-amz-tagging-count'] = String(object.tags.length);
  if (object.checksum && header(call, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    headers[checksumHeader(object.checksum.algorithm)] = object.checksum.value;
    headers['x-amz-checksum-type'] = object.checksum.type;
  }
  return { ...headers, ...responseOverrides(call) };
}

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** A signed request may ask for other headers than those that are stored. */
function responseOverrides(call: S3Call): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = call.query.get(`response-${name}`);
    if (value === undefined) continue;
    if (call.accessKeyId === '') {
      throw invalidArgument('Request specific response headers cannot be used for anonymous GET requests.');
    }
    headers[name] = value;
  }
  return headers;
}

/** HTTP dates have whole seconds. */
function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** Dates in S3's XML: ISO 8601 with milliseconds that are always zero. */
export function isoDate(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString();
}
