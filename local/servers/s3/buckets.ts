/** Operations on buckets and their configurations. */
import type { S3Call } from './call.ts';
import { bucketArn, demand, demandBucket, sendEmpty, sendXml } from './call.ts';
import { checkTags, isoDate } from './description.ts';
import { malformedXml, notImplemented, S3Error } from './errors.ts';
import { parseLifecycle } from './lifecycle.ts';
import { parseNotification } from './notifications.ts';
import { hasObjectLock, lockNewBucket } from './object-lock.ts';
import { receiveText } from './receive.ts';
import type { BucketDocument } from './records.ts';
import { childOf, childrenOf, element, parseXml, textOf, xmlDocument } from './xml.ts';

export async function listBuckets(call: S3Call): Promise<void> {
  demand(call, 's3:ListAllMyBuckets', 'arn:aws:s3:::*');
  const prefix = call.query.get('prefix') ?? '';
  const answer = element('ListAllMyBucketsResult', [
    element('Owner', [element('ID', call.room.options.accountId)]),
    element(
      'Buckets',
      call.room.store
        .buckets()
        .filter((bucket) => bucket.name.startsWith(prefix))
        .map((bucket) =>
          element('Bucket', [
            element('Name', bucket.name),
            element('CreationDate', isoDate(bucket.createdMs)),
            element('BucketRegion', call.room.options.region),
          ]),
        ),
    ),
  ]);
  sendXml(call, xmlDocument(answer, { namespace: true }));
}

export async function createBucket(call: S3Call): Promise<void> {
  demand(call, 's3:CreateBucket', bucketArn(call.bucket));
  checkName(call.bucket);
  const body = await receiveText(call);
  if (body.trim() !== '') checkRegion(call, body);
  if (!call.room.store.createBucket(call.bucket, call.room.nowMs())) {
    throw new S3Error(
      'BucketAlreadyOwnedByYou',
      409,
      'Your previous request to create the named bucket succeeded and you already own it.',
      { details: { BucketName: call.bucket } },
    );
  }
  lockNewBucket(call);
  sendEmpty(call, 200, { location: `/${call.bucket}` });
}

/** Source: "Bucket naming rules" in the S3 User Guide. */
function checkName(name: string): void {
  const ok =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
  if (!ok) {
    throw new S3Error('InvalidBucketName', 400, 'The specified bucket is not valid.', {
      details: { BucketName: name },
    });
  }
}

function checkRegion(call: S3Call, xml: string): void {
  const root = parseXml(xml);
  if (root?.name !== 'CreateBucketConfiguration') throw malformedXml('CreateBucketConfiguration expected.');
  const location = textOf(root, 'LocationConstraint');
  if (location !== undefined && location !== call.room.options.region) {
    throw new S3Error('InvalidLocationConstraint', 400, 'The specified location-constraint is not valid', {
      details: { LocationConstraint: location },
    });
  }
}

export async function headBucket(call: S3Call): Promise<void> {
  demand(call, 's3:ListBucket', bucketArn(call.bucket));
  demandBucket(call);
  sendEmpty(call, 200, { 'x-amz-bucket-region': call.room.options.region });
}

export async function deleteBucket(call: S3Call): Promise<void> {
  demand(call, 's3:DeleteBucket', bucketArn(call.bucket));
  const { store, blobs } = call.room;
  const parts = store.transaction(() => {
    demandBucket(call);
    const uploads = store.uploads(call.bucket);
    const left = uploads.flatMap((upload) => store.parts(upload.id));
    for (const upload of uploads) store.deleteUpload(upload.id);
    if (!store.deleteBucket(call.bucket)) {
      throw new S3Error('BucketNotEmpty', 409, 'The bucket you tried to delete is not empty', {
        details: { BucketName: call.bucket },
      });
    }
    return left;
  });
  await blobs.remove(parts.map((part) => part.blob));
  sendEmpty(call, 204);
}

export async function getBucketLocation(call: S3Call): Promise<void> {
  demand(call, 's3:GetBucketLocation', bucketArn(call.bucket));
  demandBucket(call);
  const { region } = call.room.options;
  // The oldest region is told by an empty element.
  sendXml(call, xmlDocument(element('LocationConstraint', region === 'us-east-1' ? '' : region), { namespace: true }));
}

export async function getBucketVersioning(call: S3Call): Promise<void> {
  demand(call, 's3:GetBucketVersioning', bucketArn(call.bucket));
  demandBucket(call);
  // With object lock there are versions on AWS. Here each object has one (object-lock.ts).
  const status = hasObjectLock(call.room, call.bucket) ? [element('Status', 'Enabled')] : [];
  sendXml(call, xmlDocument(element('VersioningConfiguration', status), { namespace: true }));
}

export async function putBucketVersioning(call: S3Call): Promise<void> {
  demand(call, 's3:PutBucketVersioning', bucketArn(call.bucket));
  demandBucket(call);
  const root = parseXml(await receiveText(call));
  if (root?.name !== 'VersioningConfiguration') throw malformedXml('VersioningConfiguration expected.');
  const enabled = textOf(root, 'Status') === 'Enabled';
  if (enabled && !hasObjectLock(call.room, call.bucket)) throw notImplemented('buckets with versions');
  if (!enabled && hasObjectLock(call.room, call.bucket))
    throw new S3Error('InvalidBucketState', 409, 'An Object Lock configuration is present on this bucket');
  sendEmpty(call, 200);
}

/** A configuration that is kept as it was put: what it is called, what it needs, and how it is checked. */
interface Configuration {
  readonly kind: BucketDocument;
  /** Names of the IAM actions end in it. */
  readonly action: string;
  readonly check: (xml: string) => unknown;
  /** Answer when there is none. */
  readonly none: string | { readonly code: string; readonly message: string };
}

const lifecycle: Configuration = {
  kind: 'lifecycle',
  action: 'LifecycleConfiguration',
  check: parseLifecycle,
  none: { code: 'NoSuchLifecycleConfiguration', message: 'The lifecycle configuration does not exist' },
};
const notification: Configuration = {
  kind: 'notification',
  action: 'BucketNotification',
  check: parseNotification,
  none: xmlDocument(element('NotificationConfiguration', []), { namespace: true }),
};
const tagging: Configuration = {
  kind: 'tagging',
  action: 'BucketTagging',
  check: (xml) => {
    const root = parseXml(xml);
    const set = root?.name === 'Tagging' ? childOf(root, 'TagSet') : undefined;
    if (!set) throw malformedXml('Tagging needs a TagSet.');
    const tags = childrenOf(set, 'Tag').map((tag) => ({
      key: textOf(tag, 'Key') ?? '',
      value: textOf(tag, 'Value') ?? '',
    }));
    checkTags(tags, 50);
  },
  none: { code: 'NoSuchTagSet', message: 'The TagSet does not exist' },
};

const getter =
  ({ kind, action, none }: Configuration) =>
  async (call: S3Call) => {
    demand(call, `s3:Get${action}`, bucketArn(call.bucket));
    demandBucket(call);
    const xml = call.room.store.document(call.bucket, kind);
    if (xml !== undefined) sendXml(call, xml);
    else if (typeof none === 'string') sendXml(call, none);
    else throw new S3Error(none.code, 404, none.message, { details: { BucketName: call.bucket } });
  };

const putter =
  ({ kind, action, check }: Configuration) =>
  async (call: S3Call) => {
    demand(call, `s3:Put${action}`, bucketArn(call.bucket));
    demandBucket(call);
    const xml = await receiveText(call);
    check(xml);
    call.room.store.putDocument(call.bucket, kind, xml);
    sendEmpty(call, 200);
  };

/** Deleting a configuration needs the permission to put it. */
const deleter =
  ({ kind, action }: Configuration) =>
  async (call: S3Call) => {
    demand(call, `s3:Put${action}`, bucketArn(call.bucket));
    demandBucket(call);
    call.room.store.deleteDocument(call.bucket, kind);
    sendEmpty(call, 204);
  };

export const getBucketLifecycle = getter(lifecycle);
export const putBucketLifecycle = putter(lifecycle);
export const deleteBucketLifecycle = deleter(lifecycle);
export const getBucketNotification = getter(notification);
export const putBucketNotification = putter(notification);
export const getBucketTagging = getter(tagging);
export const putBucketTagging = putter(tagging);
export const deleteBucketTagging = deleter(tagging);
