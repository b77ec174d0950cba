/** Which operation a request asks for, from its method, its path and the sub-resource in its query. */

import * as buckets from './buckets.ts';
import type { S3Call } from './call.ts';
import { header } from './call.ts';
import { completeMultipartUpload } from './completing.ts';
import { copyObject } from './copying.ts';
import { notImplemented, S3Error } from './errors.ts';
import { listObjects, listObjectsV2 } from './listing.ts';
import * as multipart from './multipart.ts';
import { listMultipartUploads, listParts } from './multipart-lists.ts';
import { getObjectLock, getRetention, putObjectLock } from './object-lock.ts';
import * as objects from './objects.ts';

export type Operation = (call: S3Call) => Promise<void>;

/** Parameters of the query that choose an operation. All others are arguments of one, or mean nothing to S3. */
const SUB_RESOURCES = [
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
];

const BUCKET: Readonly<Record<string, Operation>> = {
  'PUT ': buckets.createBucket,
  'HEAD ': buckets.headBucket,
  'DELETE ': buckets.deleteBucket,
  'GET ': (call) => (call.query.get('list-type') === '2' ? listObjectsV2(call) : listObjects(call)),
  'POST delete': objects.deleteObjects,
  'GET uploads': listMultipartUploads,
  'GET location': buckets.getBucketLocation,
  'GET versioning': buckets.getBucketVersioning,
  'PUT versioning': buckets.putBucketVersioning,
  'GET lifecycle': buckets.getBucketLifecycle,
  'PUT lifecycle': buckets.putBucketLifecycle,
  'DELETE lifecycle': buckets.deleteBucketLifecycle,
  'GET notification': buckets.getBucketNotification,
  'PUT notification': buckets.putBucketNotification,
  'GET object-lock': getObjectLock,
  'PUT object-lock': putObjectLock,
  'GET tagging': buckets.getBucketTagging,
  'PUT tagging': buckets.putBucketTagging,
  'DELETE tagging': buckets.deleteBucketTagging,
};

const isCopy = (call: S3Call) => header(call, 'x-amz-copy-source') !== undefined;

const OBJECT: Readonly<Record<string, Operation>> = {
  'GET ': objects.getObject,
  'HEAD ': objects.getObject,
  'PUT ': (call) => (isCopy(call) ? copyObject(call) : objects.putObject(call)),
  'DELETE ': objects.deleteObject,
  'GET retention': getRetention,
  'GET tagging': objects.getObjectTagging,
  'PUT tagging': objects.putObjectTagging,
  'DELETE tagging': objects.deleteObjectTagging,
  'POST uploads': multipart.createMultipartUpload,
  'PUT uploadId': (call) => (isCopy(call) ? multipart.uploadPartCopy(call) : multipart.uploadPart(call)),
  'POST uploadId': completeMultipartUpload,
  'DELETE uploadId': multipart.abortMultipartUpload,
  'GET uploadId': listParts,
};

/** @throws S3Error `NotImplemented`, `MethodNotAllowed` */
export function findOperation(call: S3Call): Operation {
  if (call.bucket === '') {
    if (call.method === 'GET') return buckets.listBuckets;
    throw methodNotAllowed(call);
  }
  const asked = SUB_RESOURCES.filter((name) => call.query.has(name));
  const operation = (call.key === '' ? BUCKET : OBJECT)[`${call.method} ${asked.join(' ')}`];
  if (operation) return operation;
  if (asked.length > 0) throw notImplemented(`${call.method} with '${asked.join('&')}'`);
  throw methodNotAllowed(call);
}

function methodNotAllowed(call: S3Call): S3Error {
  return new S3Error('MethodNotAllowed', 405, 'The specified method is not allowed against this resource.', {
    details: { Method: call.method },
  });
}
