/**
 * Completing a multipart upload. No bytes are copied: the object consists of the parts' blobs.
 *
 * Source: CompleteMultipartUpload in the Amazon S3 API Reference; the ETag of the result is the MD5 of the parts' MD5s, a
 * dash and their number.
 */
import { createHash } from 'node:crypto';
import type { S3Call } from './call.ts';
import { demandBucket, header, sendXml } from './call.ts';
import type { Checksum, ChecksumAlgorithm } from './checksums.ts';
import { CHECKSUM_ALGORITHMS, checksumElement, checksumHeader, combineCrcs, createHasher } from './checksums.ts';
import { demandForCondition, demandWrite } from './conditions.ts';
import { badDigest, invalidRequest, malformedXml, S3Error } from './errors.ts';
import { findUpload, MAX_PARTS } from './multipart.ts';
import { replaceObject } from './objects.ts';
import { receiveText } from './receive.ts';
import type { StoredObject, StoredPart, StoredUpload } from './records.ts';
import type { XmlNode } from './xml.ts';
import { childrenOf, element, parseXml, textOf, xmlDocument } from './xml.ts';

/** Of every part but the last. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

export async function completeMultipartUpload(call: S3Call): Promise<void> {
  demandWrite(call);
  demandForCondition(call, call.key, header(call, 'if-match'));
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
