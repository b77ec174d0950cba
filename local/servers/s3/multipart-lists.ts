/** Listing uploads under way and their parts. Source: ListParts and ListMultipartUploads, Amazon S3 API Reference. */
import type { S3Call } from './call.ts';
import { bucketArn, demand, demandBucket, objectArn, queryNumber, sendXml } from './call.ts';
import { checksumElement } from './checksums.ts';
import { isoDate } from './description.ts';
import { invalidArgument } from './errors.ts';
import { findUpload, MAX_PARTS } from './multipart.ts';
import { element, xmlDocument } from './xml.ts';

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
