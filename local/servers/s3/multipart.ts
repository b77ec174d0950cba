/**
 * Multipart uploads, from their beginning until they are aborted.
 *
 * Source: "Uploading and copying objects using multipart upload" and "Amazon S3 multipart upload limits" in the S3 User
 * Guide.
 */
import { randomBytes } from 'node:crypto';
import type { S3Call } from './call.ts';
import { demand, demandBucket, header, objectArn, sendEmpty, sendXml } from './call.ts';
import type { ChecksumAlgorithm, ChecksumType } from './checksums.ts';
import { canCombine, checksumElement, parseAlgorithm } from './checksums.ts';
import { copySource } from './copying.ts';
import { describe, isoDate } from './description.ts';
import { invalidArgument, invalidRequest, noSuchUpload } from './errors.ts';
import { checksumHeaders, parseRange } from './objects.ts';
import type { Received } from './receive.ts';
import { copyBlob, receiveBlob } from './receive.ts';
import type { StoredPart, StoredUpload } from './records.ts';
import { element, xmlDocument } from './xml.ts';

export const MAX_PARTS = 10_000;

export async function createMultipartUpload(call: S3Call): Promise<void> {
  const arn = objectArn(call.bucket, call.key);
  demand(call, 's3:PutObject', arn);
  const description = describe(call);
  if (description.tags.length > 0) demand(call, 's3:PutObjectTagging', arn);
  demandBucket(call);
  const checksum = uploadChecksum(call);
  const upload: StoredUpload = {
    ...description,
    id: randomBytes(24).toString('base64url'),
    bucket: call.bucket,
    key: call.key,
    initiatedMs: call.room.nowMs(),
    ...(checksum ? { checksum } : {}),
  };
  call.room.store.createUpload(upload);
  const answer = element('InitiateMultipartUploadResult', [
    element('Bucket', call.bucket),
    element('Key', call.key),
    element('UploadId', upload.id),
  ]);
  const headers: Record<string, string> = checksum
    ? { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type }
    : {};
  sendXml(call, xmlDocument(answer, { namespace: true }), 200, headers);
}

function uploadChecksum(call: S3Call): { algorithm: ChecksumAlgorithm; type: ChecksumType } | undefined {
  const name = header(call, 'x-amz-checksum-algorithm');
  const type = header(call, 'x-amz-checksum-type')?.toUpperCase();
  if (name === undefined) {
    if (type !== undefined) throw invalidRequest('The x-amz-checksum-type header needs x-amz-checksum-algorithm.');
    return undefined;
  }
  const algorithm = parseAlgorithm(name);
  if (!algorithm) throw invalidRequest(`Checksum algorithm provided is unsupported: '${name}'.`);
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT') {
    throw invalidRequest(`Value for x-amz-checksum-type header is invalid: '${type}'.`);
  }
  const chosen = type ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE');
  if (chosen === 'FULL_OBJECT' ? !canCombine(algorithm) : algorithm === 'CRC64NVME') {
    throw invalidRequest(
      `The ${chosen} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type: chosen };
}

/** @throws S3Error `NoSuchUpload` */
export function findUpload(call: S3Call): StoredUpload {
  const id = call.query.get('uploadId') ?? '';
  const upload = call.room.store.upload(id);
  if (!upload || upload.bucket !== call.bucket || upload.key !== call.key) throw noSuchUpload(id);
  return upload;
}

function partNumber(call: S3Call): number {
  const text = call.query.get('partNumber') ?? '';
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > MAX_PARTS) {
    throw invalidArgument(`Part number must be an integer between 1 and ${MAX_PARTS}, inclusive, got '${text}'.`);
  }
  return number;
}

export async function uploadPart(call: S3Call): Promise<void> {
  demand(call, 's3:PutObject', objectArn(call.bucket, call.key));
  demandBucket(call);
  const upload = findUpload(call);
  const number = partNumber(call);
  const received = await receiveBlob(call, upload.checksum?.algorithm);
  await keepPart(call, upload, number, received);
  sendEmpty(call, 200, { etag: `"${received.md5}"`, ...checksumHeaders(received.checksum) });
}

export async function uploadPartCopy(call: S3Call): Promise<void> {
  const source = copySource(call);
  demand(call, 's3:PutObject', objectArn(call.bucket, call.key));
  demandBucket(call);
  const upload = findUpload(call);
  const number = partNumber(call);
  const rangeText = header(call, 'x-amz-copy-source-range');
  const range = rangeText === undefined ? { start: 0, end: source.size - 1 } : parseRange(rangeText, source.size);
  if (!range) throw invalidArgument('The x-amz-copy-source-range value must be of the form bytes=first-last.');
  const { blobs } = call.room;
  const hold = blobs.hold(source.segments);
  let received: Received;
  try {
    received = await copyBlob(await blobs.create(), hold.read(range.start, range.end), upload.checksum?.algorithm);
  } finally {
    await hold.release();
  }
  const part = await keepPart(call, upload, number, received);
  const answer = element('CopyPartResult', [
    element('LastModified', isoDate(part.modifiedMs)),
    element('ETag', `"${part.etag}"`),
    part.checksum && element(checksumElement(part.checksum.algorithm), part.checksum.value),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}

/** A part may be sent again: the last one counts. */
async function keepPart(call: S3Call, upload: StoredUpload, number: number, received: Received): Promise<StoredPart> {
  const { store, blobs } = call.room;
  const part: StoredPart = {
    number,
    size: received.size,
    etag: received.md5,
    modifiedMs: call.room.nowMs(),
    blob: received.blob,
    ...(received.checksum ? { checksum: received.checksum } : {}),
  };
  try {
    const { algorithm } = received.checksum ?? {};
    if (upload.checksum && algorithm !== upload.checksum.algorithm) {
      throw invalidRequest(
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm}, actual: ${algorithm}`,
      );
    }
    const replaced = store.transaction(() => {
      // The upload may have been aborted or completed while its part was on the way.
      findUpload(call);
      const before = store.part(upload.id, number);
      store.putPart(upload.id, part);
      return before;
    });
    if (replaced) await blobs.remove([replaced.blob]);
  } catch (error) {
    await blobs.remove([received.blob]);
    throw error;
  }
  return part;
}

export async function abortMultipartUpload(call: S3Call): Promise<void> {
  demand(call, 's3:AbortMultipartUpload', objectArn(call.bucket, call.key));
  demandBucket(call);
  const upload = findUpload(call);
  const { store, blobs } = call.room;
  const parts = store.transaction(() => {
    const all = store.parts(upload.id);
    store.deleteUpload(upload.id);
    return all;
  });
  await blobs.remove(parts.map((part) => part.blob));
  sendEmpty(call, 204);
}
