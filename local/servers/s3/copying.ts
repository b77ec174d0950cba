/** CopyObject and UploadPartCopy: bytes that go from one object to another without leaving the server. */
import { decodeUri } from '../uri.ts';
import type { Segment } from './blobs.ts';
import type { S3Call } from './call.ts';
import { demand, demandBucket, header, objectArn, sendXml } from './call.ts';
import type { ChecksumAlgorithm } from './checksums.ts';
import { checksumElement, parseAlgorithm } from './checksums.ts';
import { checkWrite, demandForCondition, judgeRead } from './conditions.ts';
import { describe, isoDate } from './description.ts';
import { invalidArgument, invalidRequest, notImplemented, preconditionFailed } from './errors.ts';
import { findObject, replaceObject } from './objects.ts';
import { digestsOf } from './receive.ts';
import type { Description, StoredObject } from './records.ts';
import { element, xmlDocument } from './xml.ts';

/** Larger objects are copied part by part. */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

/** The object that `x-amz-copy-source` names, which the caller may read and whose conditions hold. */
export function copySource(call: S3Call): StoredObject {
  const text = header(call, 'x-amz-copy-source') ?? '';
  const [path = '', query] = text.split('?');
  if (query !== undefined) throw notImplemented('versions');
  const decoded = decodeUri(path)?.replace(/^\//, '');
  if (decoded === undefined) throw invalidArgument(`Copy Source must be URL-encoded, got '${text}'.`);
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) {
    throw invalidArgument(`Copy Source must mention the source bucket and key: sourcebucket/sourcekey, got '${text}'.`);
  }
  const bucket = decoded.slice(0, slash);
  const key = decoded.slice(slash + 1);
  demand(call, 's3:GetObject', objectArn(bucket, key));
  demandBucket(call, bucket);
  const source = findObject(call, bucket, key);
  const verdict = judgeRead(call, source, 'x-amz-copy-source-');
  // A copy has no 304: every condition that does not hold is a failed precondition.
  if (verdict !== 'go')
    throw preconditionFailed(verdict === 'not-modified' ? 'x-amz-copy-source-if-none-match' : verdict.failed);
  return source;
}

export async function copyObject(call: S3Call): Promise<void> {
  const arn = objectArn(call.bucket, call.key);
  const source = copySource(call);
  demand(call, 's3:PutObject', arn);
  demandForCondition(call, call.key, header(call, 'if-match'));
  if (source.size > MAX_COPY_BYTES) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_COPY_BYTES}`,
    );
  }
  const description = newDescription(call, source);
  if (description.tags.length > 0) demand(call, 's3:PutObjectTagging', arn);
  demandBucket(call);
  checkWrite(call, call.room.store.object(call.bucket, call.key));
  const algorithm = wantedAlgorithm(call) ?? source.checksum?.algorithm;
  const copied = await duplicate(call, source, algorithm);
  const object: StoredObject = {
    ...description,
    bucket: call.bucket,
    key: call.key,
    size: source.size,
    etag: copied.md5,
    modifiedMs: call.room.nowMs(),
    segments: copied.segments,
    ...(copied.checksum ? { checksum: copied.checksum } : {}),
  };
  await replaceObject(call, object, 's3:ObjectCreated:Copy');
  sendXml(
    call,
    xmlDocument(
      element('CopyObjectResult', [
        element('LastModified', isoDate(object.modifiedMs)),
        element('ETag', `"${object.etag}"`),
        object.checksum && element(checksumElement(object.checksum.algorithm), object.checksum.value),
        object.checksum && element('ChecksumType', object.checksum.type),
      ]),
      { namespace: true },
    ),
  );
}

function wantedAlgorithm(call: S3Call): ChecksumAlgorithm | undefined {
  const name = header(call, 'x-amz-checksum-algorithm');
  if (name === undefined) return undefined;
  const algorithm = parseAlgorithm(name);
  if (!algorithm) throw invalidRequest(`Checksum algorithm provided is unsupported: '${name}'.`);
  return algorithm;
}

function directive(call: S3Call, name: string): 'COPY' | 'REPLACE' {
  const value = header(call, name) ?? 'COPY';
  if (value !== 'COPY' && value !== 'REPLACE')
    throw invalidArgument(`${name} must be COPY or REPLACE, got '${value}'.`);
  return value;
}

function newDescription(call: S3Call, source: StoredObject): Description {
  const replaceMetadata = directive(call, 'x-amz-metadata-directive') === 'REPLACE';
  const replaceTags = directive(call, 'x-amz-tagging-directive') === 'REPLACE';
  const given = describe(call);
  const storageClass = given.headers['x-amz-storage-class'];
  if (source.bucket === call.bucket && source.key === call.key && !replaceMetadata && storageClass === undefined) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  // The storage class is never taken from the source.
  const { 'x-amz-storage-class': _sourceClass, ...sourceHeaders } = source.headers;
  const headers = replaceMetadata
    ? given.headers
    : { ...sourceHeaders, ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }) };
  return {
    headers,
    metadata: replaceMetadata ? given.metadata : source.metadata,
    tags: replaceTags ? given.tags : source.tags,
  };
}

/** The same bytes by second names of their blobs; what the copy's ETag and checksum lack is computed by reading them. */
async function duplicate(
  call: S3Call,
  source: StoredObject,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<Pick<StoredObject, 'segments' | 'checksum'> & { readonly md5: string }> {
  const { blobs } = call.room;
  const hold = blobs.hold(source.segments);
  const segments: Segment[] = [];
  try {
    const known = source.uploadId === undefined && source.checksum?.algorithm === algorithm;
    const digests = known
      ? { md5: source.etag, checksum: source.checksum }
      : await digestsOf(hold.read(0, source.size - 1), algorithm);
    for (const { blob, size } of source.segments) segments.push({ blob: await blobs.duplicate(blob), size });
    const { md5, checksum } = digests;
    return { segments, md5, ...(checksum && { checksum }) };
  } catch (error) {
    await blobs.remove(segments.map(({ blob }) => blob));
    throw error;
  } finally {
    await hold.release();
  }
}
