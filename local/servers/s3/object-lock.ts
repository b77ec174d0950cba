/**
 * Object lock: what a bucket that was made with it keeps from being changed.
 *
 * Modelled: the default retention of a bucket, which locks each object from its writing on; GOVERNANCE can be bypassed by
 * those who may. Not modelled: versions. A bucket with object lock has them on AWS, where writing a key again makes a new
 * version and deleting it hides all of them behind a marker, and only the versions are locked. Here each object has the one
 * version, so that both are refused while it is locked. Locks of single objects and legal holds are refused by name.
 *
 * Source: "Locking objects with Object Lock" and "Object Lock considerations" in the S3 User Guide.
 */
import type { S3Call, S3Room } from './call.ts';
import { bucketArn, demand, demandBucket, header, mayDo, objectArn, sendEmpty, sendXml } from './call.ts';
import { accessDenied, invalidRequest, malformedXml, noSuchKey, notImplemented, S3Error } from './errors.ts';
import { receiveText } from './receive.ts';
import type { StoredObject } from './records.ts';
import { childOf, element, parseXml, textOf, xmlDocument } from './xml.ts';

type Lock = NonNullable<StoredObject['lock']>;

interface DefaultRetention {
  readonly mode: Lock['mode'];
  readonly unit: 'Days' | 'Years';
  readonly count: number;
}

/** Of a bucket that was made with object lock and has no default retention. */
const enabledOnly = xmlDocument(element('ObjectLockConfiguration', [element('ObjectLockEnabled', 'Enabled')]), {
  namespace: true,
});

/** Object lock can only be switched on when a bucket is made. */
export function lockNewBucket(call: S3Call): void {
  if (header(call, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() !== 'true') return;
  call.room.store.putDocument(call.bucket, 'object-lock', enabledOnly);
}

export const hasObjectLock = (room: S3Room, bucket: string): boolean =>
  room.store.document(bucket, 'object-lock') !== undefined;

/** @throws S3Error `MalformedXML` */
function parseRetention(xml: string): DefaultRetention | undefined {
  const root = parseXml(xml);
  if (root?.name !== 'ObjectLockConfiguration') throw malformedXml('ObjectLockConfiguration expected.');
  if (textOf(root, 'ObjectLockEnabled') !== 'Enabled') throw malformedXml('ObjectLockEnabled must be Enabled.');
  const rule = childOf(root, 'Rule');
  const retention = rule && childOf(rule, 'DefaultRetention');
  if (!rule) return undefined;
  const mode = retention && textOf(retention, 'Mode');
  const [days, years] = [retention && textOf(retention, 'Days'), retention && textOf(retention, 'Years')];
  const count = Number(days ?? years);
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw malformedXml('Mode must be GOVERNANCE or COMPLIANCE.');
  if ((days === undefined) === (years === undefined) || !Number.isInteger(count) || count < 1)
    throw malformedXml('DefaultRetention has either Days or Years, a positive number.');
  return { mode, unit: days === undefined ? 'Years' : 'Days', count };
}

export async function getObjectLock(call: S3Call): Promise<void> {
  demand(call, 's3:GetBucketObjectLockConfiguration', bucketArn(call.bucket));
  demandBucket(call);
  const xml = call.room.store.document(call.bucket, 'object-lock');
  if (xml !== undefined) return sendXml(call, xml);
  throw new S3Error(
    'ObjectLockConfigurationNotFoundError',
    404,
    'Object Lock configuration does not exist for this bucket',
    { details: { BucketName: call.bucket } },
  );
}

export async function putObjectLock(call: S3Call): Promise<void> {
  demand(call, 's3:PutBucketObjectLockConfiguration', bucketArn(call.bucket));
  demandBucket(call);
  const xml = await receiveText(call);
  parseRetention(xml);
  if (!hasObjectLock(call.room, call.bucket))
    throw new S3Error(
      'InvalidBucketState',
      409,
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    );
  call.room.store.putDocument(call.bucket, 'object-lock', xml);
  sendEmpty(call, 200);
}

/**
 * S3 locks no bytes that nothing proves.
 *
 * @throws S3Error `InvalidRequest`
 */
export function demandProof(call: S3Call): void {
  const proven = Object.keys(call.headers).some((name) => /^(content-md5|x-amz-checksum-|x-amz-trailer)/.test(name));
  if (!proven && newLock(call, call.bucket).lock !== undefined)
    throw invalidRequest(
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    );
}

/** The lock that an object gets which is written to the bucket now. */
export function newLock(call: S3Call, bucket: string): { lock?: Lock } {
  const xml = call.room.store.document(bucket, 'object-lock');
  const retention = xml === undefined ? undefined : parseRetention(xml);
  if (retention === undefined) return {};
  const until = new Date(call.room.nowMs());
  if (retention.unit === 'Days') until.setUTCDate(until.getUTCDate() + retention.count);
  else until.setUTCFullYear(until.getUTCFullYear() + retention.count);
  return { lock: { mode: retention.mode, untilMs: until.getTime() } };
}

export const isLocked = (room: S3Room, object: StoredObject): boolean =>
  object.lock !== undefined && object.lock.untilMs > room.nowMs();

/** @throws S3Error `NotImplemented` */
export function refuseOverwrite(call: S3Call, current: StoredObject | undefined): void {
  if (current !== undefined && isLocked(call.room, current))
    throw notImplemented('a second version of an object under object lock');
}

/** @throws S3Error `AccessDenied` */
export function refuseLockedDelete(call: S3Call, current: StoredObject): void {
  if (!isLocked(call.room, current)) return;
  const bypasses =
    current.lock?.mode === 'GOVERNANCE' &&
    header(call, 'x-amz-bypass-governance-retention')?.toLowerCase() === 'true' &&
    mayDo(call, 's3:BypassGovernanceRetention', objectArn(current.bucket, current.key));
  if (!bypasses) throw accessDenied('Access Denied because object protected by object lock.');
}

export async function getRetention(call: S3Call): Promise<void> {
  demand(call, 's3:GetObjectRetention', objectArn(call.bucket, call.key));
  demandBucket(call);
  const object = call.room.store.object(call.bucket, call.key);
  if (object === undefined) throw noSuchKey(call.key);
  if (object.lock === undefined)
    throw new S3Error(
      'NoSuchObjectLockConfiguration',
      404,
      'The specified object does not have a ObjectLock configuration',
    );
  const { mode, untilMs } = object.lock;
  const answer = [element('Mode', mode), element('RetainUntilDate', new Date(untilMs).toISOString())];
  sendXml(call, xmlDocument(element('Retention', answer), { namespace: true }));
}
