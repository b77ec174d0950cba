/** Operations on one object. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Call } from './call.ts';
import { bucketArn, demand, demandBucket, header, mayDo, objectArn, queryNumber, sendEmpty, sendXml } from './call.ts';
import type { Checksum } from './checksums.ts';
import { checksumHeader } from './checksums.ts';
import { checkDelete, checkWrite, demandForCondition, demandWrite, judgeRead } from './conditions.ts';
import { checkTags, describe, objectHeaders } from './description.ts';
import { accessDenied, malformedXml, noSuchKey, preconditionFailed, S3Error } from './errors.ts';
import { announce } from './notifications.ts';
import { demandProof, newLock, refuseLockedDelete, refuseOverwrite } from './object-lock.ts';
import { receiveBlob, receiveText } from './receive.ts';
import type { StoredObject } from './records.ts';
import { childOf, childrenOf, element, parseXml, textOf, xmlDocument } from './xml.ts';

/**
 * The object, or the error that tells as little as AWS does: who may not list the bucket does not learn that a key is
 * missing. Source: GetObject in the Amazon S3 API Reference, "Permissions".
 */
export function findObject(call: S3Call, bucket: string, key: string): StoredObject {
  const object = call.room.store.object(bucket, key);
  if (object) return object;
  throw mayDo(call, 's3:ListBucket', bucketArn(bucket)) ? noSuchKey(key) : accessDenied();
}

export async function getObject(call: S3Call): Promise<void> {
  demand(call, 's3:GetObject', objectArn(call.bucket, call.key));
  demandBucket(call);
  const object = findObject(call, call.bucket, call.key);
  const verdict = judgeRead(call, object, '');
  if (verdict === 'not-modified') {
    const { etag, 'last-modified': modified } = objectHeaders(call, object);
    call.response.writeHead(304, { etag: etag ?? '', 'last-modified': modified ?? '' });
    call.response.end();
    return;
  }
  if (verdict !== 'go') throw preconditionFailed(verdict.failed);
  const headers = objectHeaders(call, object);
  const range = chooseRange(call, object, headers);
  const length = range ? range.end - range.start + 1 : object.size;
  headers['content-length'] = String(length);
  if (range) {
    headers['content-range'] = `bytes ${range.start}-${range.end}/${object.size}`;
    // The checksum is that of the whole object.
    if (object.checksum) {
      delete headers[checksumHeader(object.checksum.algorithm)];
      delete headers['x-amz-checksum-type'];
    }
  }
  if (call.method === 'HEAD' || length === 0) {
    call.response.writeHead(range ? 206 : 200, headers);
    call.response.end();
    return;
  }
  const hold = call.room.blobs.hold(object.segments);
  try {
    call.response.writeHead(range ? 206 : 200, headers);
    const bytes = hold.read(range?.start ?? 0, range?.end ?? object.size - 1);
    await pipeline(Readable.from(bytes, { objectMode: false }), call.response);
  } finally {
    await hold.release();
  }
}

interface ByteRange {
  readonly start: number;
  /** Counted in. */
  readonly end: number;
}

function chooseRange(call: S3Call, object: StoredObject, headers: Record<string, string>): ByteRange | undefined {
  const partNumber = queryNumber(call, 'partNumber', 0, 1, 10_000);
  const text = header(call, 'range');
  if (partNumber === 0) return text === undefined ? undefined : parseRange(text, object.size);
  if (text !== undefined)
    throw new S3Error('InvalidRequest', 400, 'Cannot specify both Range header and partNumber query parameter');
  const part = object.segments[partNumber - 1];
  if (!part) throw new S3Error('InvalidPartNumber', 416, 'The requested partnumber is not satisfiable');
  if (object.uploadId !== undefined) headers['x-amz-mp-parts-count'] = String(object.segments.length);
  const start = object.segments.slice(0, partNumber - 1).reduce((sum, { size }) => sum + size, 0);
  return part.size === 0 ? undefined : { start, end: start + part.size - 1 };
}

/**
 * One range of bytes; S3 answers several ranges, and what it cannot read, with the whole object.
 *
 * @throws S3Error `InvalidRange` (416)
 */
export function parseRange(text: string, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text.trim());
  if (!match) return undefined;
  const [first = '', last = ''] = match.slice(1);
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || (first === '' && Number(last) === 0)) {
    throw new S3Error('InvalidRange', 416, 'The requested range is not satisfiable', {
      details: { RangeRequested: text, ActualObjectSize: String(size) },
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  return { start, end };
}

export async function putObject(call: S3Call): Promise<void> {
  const arn = objectArn(call.bucket, call.key);
  demandWrite(call);
  demandForCondition(call, call.key, header(call, 'if-match'));
  const description = describe(call);
  if (description.tags.length > 0) demand(call, 's3:PutObjectTagging', arn);
  demandBucket(call);
  demandProof(call);
  const { store } = call.room;
  // A condition that fails already now spares the transfer; it is checked again when the object is written.
  checkWrite(call, store.object(call.bucket, call.key));
  const received = await receiveBlob(call);
  const object: StoredObject = {
    ...description,
    bucket: call.bucket,
    key: call.key,
    size: received.size,
    etag: received.md5,
    modifiedMs: call.room.nowMs(),
    segments: [{ blob: received.blob, size: received.size }],
    ...(received.checksum ? { checksum: received.checksum } : {}),
  };
  await replaceObject(call, object, 's3:ObjectCreated:Put');
  sendEmpty(call, 200, { etag: `"${object.etag}"`, ...checksumHeaders(object.checksum) });
}

/** Headers that tell the writer which checksum was kept. */
export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  return checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type } : {};
}

/**
 * Writes an object whose bytes are already on the disk, under the condition of the call; its bytes are removed again
 * when the condition does not hold.
 *
 * @param inTransaction further changes that belong to it
 */
export async function replaceObject(
  call: S3Call,
  object: StoredObject,
  eventName: string,
  inTransaction: () => void = () => {},
): Promise<void> {
  const { store, blobs } = call.room;
  let replaced: StoredObject | undefined;
  try {
    store.transaction(() => {
      demandBucket(call, object.bucket);
      replaced = store.object(object.bucket, object.key);
      checkWrite(call, replaced);
      refuseOverwrite(call, replaced);
      store.putObject({ ...object, ...newLock(call, object.bucket) });
      announce(call.room, eventName, object);
      inTransaction();
    });
  } catch (error) {
    if (object.uploadId === undefined) await blobs.remove(object.segments.map(({ blob }) => blob));
    throw error;
  }
  call.room.eventsAdded();
  await blobs.remove(replaced?.segments.map(({ blob }) => blob) ?? []);
}

export async function deleteObject(call: S3Call): Promise<void> {
  demand(call, 's3:DeleteObject', objectArn(call.bucket, call.key));
  demandForCondition(call, call.key, header(call, 'if-match'));
  demandBucket(call);
  await removeObject(call, call.key, header(call, 'if-match'));
  sendEmpty(call, 204);
}

/** Deleting what is not there succeeds, too. */
async function removeObject(call: S3Call, key: string, ifMatch: string | undefined): Promise<void> {
  const { store, blobs } = call.room;
  const removed = store.transaction(() => {
    const object = store.object(call.bucket, key);
    checkDelete(ifMatch, object);
    if (!object) return undefined;
    refuseLockedDelete(call, object);
    store.deleteObject(call.bucket, key);
    announce(call.room, 's3:ObjectRemoved:Delete', object);
    return object;
  });
  if (!removed) return;
  call.room.eventsAdded();
  await blobs.remove(removed.segments.map(({ blob }) => blob));
}

/** DeleteObjects: up to 1,000 keys, each with an answer of its own. */
export async function deleteObjects(call: S3Call): Promise<void> {
  demandBucket(call);
  if (
    header(call, 'content-md5') === undefined &&
    !Object.keys(call.headers).some((name) => /^x-amz-(checksum-|trailer)/.test(name))
  ) {
    throw new S3Error(
      'InvalidRequest',
      400,
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  }
  const root = parseXml(await receiveText(call));
  const entries = root?.name === 'Delete' ? childrenOf(root, 'Object') : [];
  if (!root || entries.length === 0 || entries.length > 1000) throw malformedXml('Delete needs 1 to 1,000 Objects.');
  const quiet = textOf(root, 'Quiet') === 'true';
  const answers: string[] = [];
  for (const entry of entries) {
    const key = textOf(entry, 'Key');
    if (!key) throw malformedXml('an Object has no Key.');
    try {
      demand(call, 's3:DeleteObject', objectArn(call.bucket, key));
      const etag = textOf(entry, 'ETag');
      demandForCondition(call, key, etag);
      await removeObject(call, key, etag);
      if (!quiet) answers.push(element('Deleted', [element('Key', key)]));
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      answers.push(
        element('Error', [element('Key', key), element('Code', error.code), element('Message', error.message)]),
      );
    }
  }
  sendXml(call, xmlDocument(element('DeleteResult', answers), { namespace: true }));
}

export async function getObjectTagging(call: S3Call): Promise<void> {
  demand(call, 's3:GetObjectTagging', objectArn(call.bucket, call.key));
  demandBucket(call);
  const { tags } = findObject(call, call.bucket, call.key);
  const set = tags.map(({ key, value }) => element('Tag', [element('Key', key), element('Value', value)]));
  sendXml(call, xmlDocument(element('Tagging', [element('TagSet', set)]), { namespace: true }));
}

export async function putObjectTagging(call: S3Call): Promise<void> {
  demand(call, 's3:PutObjectTagging', objectArn(call.bucket, call.key));
  demandBucket(call);
  const root = parseXml(await receiveText(call));
  const set = root?.name === 'Tagging' ? childOf(root, 'TagSet') : undefined;
  if (!set) throw malformedXml('Tagging needs a TagSet.');
  const tags = childrenOf(set, 'Tag').map((tag) => ({
    key: textOf(tag, 'Key') ?? '',
    value: textOf(tag, 'Value') ?? '',
  }));
  checkTags(tags);
  setTags(call, tags);
  sendEmpty(call, 200);
}

export async function deleteObjectTagging(call: S3Call): Promise<void> {
  demand(call, 's3:DeleteObjectTagging', objectArn(call.bucket, call.key));
  demandBucket(call);
  setTags(call, []);
  sendEmpty(call, 204);
}

function setTags(call: S3Call, tags: StoredObject['tags']): void {
  const { store } = call.room;
  store.transaction(() => store.putObject({ ...findObject(call, call.bucket, call.key), tags }));
}
