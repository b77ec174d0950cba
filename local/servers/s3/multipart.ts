/**
 * Multipart uploads. Completing one copies no bytes: the object consists of the parts' blobs.
 *
 * Source: "Uploading and copying objects using multipart upload" and "Amazon S3 multipart upload limits" in the S3 User
 * Guide; the ETag of the result is the MD5 of the parts' MD5s, a dash and their number.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { S3Call } from './call.ts';
import { bucketArn, demand, demandBucket, header, objectArn, queryNumber, sendEmpty, sendXml } from './call.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksums.ts';
import {
  CHECKSUM_ALGORITHMS,
  canCombine,
  checksumElement,
  checksumHeader,
  combineCrcs,
  createHasher,
  parseAlgorithm,
} from './checksums.ts';
import { copySource } from './copying.ts';
import { describe, isoDate } from './description.ts';
import { badDigest, invalidArgument, invalidRequest, malformedXml, noSuchUpload, S3Error } from './errors.ts';
import { checksumHeaders, parseRange, replaceObject } from './objects.ts';
import type { Received } from './receive.ts';
import { copyBlob, receiveBlob, receiveText } from './receive.ts';
import type { StoredObject, StoredPart, StoredUpload } from './records.ts';
import type { XmlNode } from './xml.ts';
import { childrenOf, element, parseXml, textOf, xmlDocument } from './xml.ts';

const MAX_PARTS = 10_000;
/** Of every part but the last. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

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

function findUpload(call: S3Call): StoredUpload {
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

export async function completeMultipartUpload(call: S3Call): Promise<void> {
  demand(call, 's3:PutObject', objectArn(call.bucket, call.key));
  demandBucket(call);
  const wanted = readManifest(await receiveText(call));
  const { store, blobs } = call.room;
  const id = call.query.get('uploadId') ?? '';
  const done = store.object(call.bucket, call.key);
  if (!store.upload(id) && done?.uploadId === id) {
    // The answer of an earlier completion got lost and the client asks again.
    sendCompleted(call, done);
    return;
  }
  const upload = findUpload(call);
  const all = store.parts(id);
  const parts = chooseParts(wanted, all);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const declaredSize = header(call, 'x-amz-mp-object-size');
  if (declaredSize !== undefined && Number(declaredSize) !== size) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${declaredSize} does not match what was computed: ${size}`,
    );
  }
  const checksum = upload.checksum && wholeChecksum(call, upload.checksum, parts);
  const { id: _id, initiatedMs: _initiated, checksum: _wanted, ...description } = upload;
  const object: StoredObject = {
    ...description,
    size,
    etag: `${createHash('md5')
      .update(Buffer.from(parts.map((part) => part.etag).join(''), 'hex'))
      .digest('hex')}-${parts.length}`,
    modifiedMs: call.room.nowMs(),
    segments: parts.map((part) => ({ blob: part.blob, size: part.size })),
    uploadId: id,
    ...(checksum ? { checksum } : {}),
  };
  await replaceObject(call, object, 's3:ObjectCreated:CompleteMultipartUpload', () => {
    findUpload(call);
    store.deleteUpload(id);
  });
  const used = new Set(parts.map((part) => part.blob));
  await blobs.remove(all.map((part) => part.blob).filter((blob) => !used.has(blob)));
  sendCompleted(call, object);
}

interface WantedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
}

function readManifest(xml: string): readonly WantedPart[] {
  const root = parseXml(xml);
  const parts = root?.name === 'CompleteMultipartUpload' ? childrenOf(root, 'Part') : [];
  if (parts.length === 0 || parts.length > MAX_PARTS) throw malformedXml(`1 to ${MAX_PARTS} Parts expected.`);
  return parts.map(readWantedPart);
}

function readWantedPart(node: XmlNode): WantedPart {
  const number = Number(textOf(node, 'PartNumber'));
  const etag = textOf(node, 'ETag')?.trim().replace(/^"|"$/g, '');
  if (!Number.isInteger(number) || number < 1 || !etag) throw malformedXml('a Part needs a PartNumber and an ETag.');
  const checksums = new Map<ChecksumAlgorithm, string>();
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = textOf(node, checksumElement(algorithm));
    if (value) checksums.set(algorithm, value);
  }
  return { number, etag, checksums };
}

function chooseParts(wanted: readonly WantedPart[], all: readonly StoredPart[]): readonly StoredPart[] {
  const byNumber = new Map(all.map((part) => [part.number, part]));
  if (wanted.some(({ number }, index) => number <= (wanted[index - 1]?.number ?? 0))) {
    throw new S3Error(
      'InvalidPartOrder',
      400,
      'The list of parts was not in ascending order. Parts must be ordered by part number.',
    );
  }
  return wanted.map(({ number, etag, checksums }, index) => {
    const part = byNumber.get(number);
    const wrongChecksum = [...checksums].some(
      ([algorithm, value]) => part?.checksum?.algorithm === algorithm && part.checksum.value !== value,
    );
    if (!part || part.etag !== etag || wrongChecksum) {
      throw new S3Error(
        'InvalidPart',
        400,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { details: { PartNumber: String(number), ETag: etag } },
      );
    }
    if (part.size < MIN_PART_BYTES && index < wanted.length - 1) {
      throw new S3Error('EntityTooSmall', 400, 'Your proposed upload is smaller than the minimum allowed size', {
        details: {
          PartNumber: String(number),
          ProposedSize: String(part.size),
          MinSizeAllowed: String(MIN_PART_BYTES),
        },
      });
    }
    return part;
  });
}

function wholeChecksum(
  call: S3Call,
  { algorithm, type }: NonNullable<StoredUpload['checksum']>,
  parts: readonly StoredPart[],
): Checksum {
  const digests = parts.map((part) => ({ digest: Buffer.from(part.checksum?.value ?? '', 'base64'), size: part.size }));
  const checksum: Checksum =
    type === 'FULL_OBJECT'
      ? { algorithm, type, value: combineCrcs(algorithm, digests).toString('base64') }
      : { algorithm, type, value: `${checksumOfChecksums(algorithm, digests)}-${parts.length}` };
  const given = header(call, checksumHeader(algorithm));
  if (given !== undefined && given !== checksum.value) throw badDigest(algorithm);
  return checksum;
}

function checksumOfChecksums(algorithm: ChecksumAlgorithm, digests: readonly { readonly digest: Buffer }[]): string {
  const hasher = createHasher(algorithm);
  for (const { digest } of digests) hasher.update(digest);
  return hasher.digest().toString('base64');
}

function sendCompleted(call: S3Call, object: StoredObject): void {
  const answer = element('CompleteMultipartUploadResult', [
    element('Location', `http://${header(call, 'host') ?? ''}/${object.bucket}/${object.key}`),
    element('Bucket', object.bucket),
    element('Key', object.key),
    element('ETag', `"${object.etag}"`),
    object.checksum && element(checksumElement(object.checksum.algorithm), object.checksum.value),
    object.checksum && element('ChecksumType', object.checksum.type),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}

export async function listParts(call: S3Call): Promise<void> {
  demand(call, 's3:ListMultipartUploadParts', objectArn(call.bucket, call.key));
  demandBucket(call);
  const upload = findUpload(call);
  const limit = queryNumber(call, 'max-parts', 1000, 0, 1000);
  const after = queryNumber(call, 'part-number-marker', 0, 0, MAX_PARTS);
  const rest = call.room.store.parts(upload.id).filter((part) => part.number > after);
  const page = rest.slice(0, limit);
  const answer = element('ListPartsResult', [
    element('Bucket', call.bucket),
    element('Key', call.key),
    element('UploadId', upload.id),
    element('PartNumberMarker', after),
    element('NextPartNumberMarker', page.at(-1)?.number ?? 0),
    element('MaxParts', limit),
    element('IsTruncated', rest.length > page.length),
    element('StorageClass', upload.headers['x-amz-storage-class'] ?? 'STANDARD'),
    upload.checksum && element('ChecksumAlgorithm', upload.checksum.algorithm),
    upload.checksum && element('ChecksumType', upload.checksum.type),
    ...page.map((part) =>
      element('Part', [
        element('PartNumber', part.number),
        element('LastModified', isoDate(part.modifiedMs)),
        element('ETag', `"${part.etag}"`),
        element('Size', part.size),
        part.checksum && element(checksumElement(part.checksum.algorithm), part.checksum.value),
      ]),
    ),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}

export async function listMultipartUploads(call: S3Call): Promise<void> {
  demand(call, 's3:ListBucketMultipartUploads', bucketArn(call.bucket));
  demandBucket(call);
  if (call.query.get('delimiter')) throw invalidArgument('The local S3 lists uploads without a delimiter only.');
  const prefix = call.query.get('prefix') ?? '';
  const limit = queryNumber(call, 'max-uploads', 1000, 1, 1000);
  const keyMarker = call.query.get('key-marker') ?? '';
  const idMarker = call.query.get('upload-id-marker') ?? '';
  const all = call.room.store.uploads(call.bucket).filter((upload) => upload.key.startsWith(prefix));
  // The marker names the last upload of the page before; without an id all uploads of its key are over.
  const at = all.findIndex((upload) => upload.key === keyMarker && upload.id === idMarker);
  const rest =
    at >= 0
      ? all.slice(at + 1)
      : all.filter((upload) => Buffer.compare(Buffer.from(upload.key), Buffer.from(keyMarker)) > 0);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const encode = call.query.get('encoding-type') === 'url' ? encodeURIComponent : (text: string) => text;
  const answer = element('ListMultipartUploadsResult', [
    element('Bucket', call.bucket),
    element('KeyMarker', encode(keyMarker)),
    element('UploadIdMarker', idMarker),
    element('NextKeyMarker', encode(last?.key ?? '')),
    element('NextUploadIdMarker', last?.id ?? ''),
    element('Prefix', encode(prefix)),
    element('MaxUploads', limit),
    element('IsTruncated', rest.length > page.length),
    ...page.map((upload) =>
      element('Upload', [
        element('Key', encode(upload.key)),
        element('UploadId', upload.id),
        element('StorageClass', upload.headers['x-amz-storage-class'] ?? 'STANDARD'),
        element('Initiated', isoDate(upload.initiatedMs)),
        upload.checksum && element('ChecksumAlgorithm', upload.checksum.algorithm),
        upload.checksum && element('ChecksumType', upload.checksum.type),
      ]),
    ),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}
