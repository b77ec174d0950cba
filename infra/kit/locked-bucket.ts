import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Effect, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge, logicalId } from './acknowledge.ts';
import type { BrokerFunction } from './broker-function.ts';

export interface LockedBucketProps {
  readonly removalPolicy: RemovalPolicy;
  /** How long each object is locked, from its writing on. Whole days, one at least. */
  readonly retention: Duration;
}

/**
 * A bucket that things are written to once. Object lock keeps each version until its retention ends: by COMPLIANCE nobody
 * can shorten it, not even the account's root; in a stack that is made for a trial, by GOVERNANCE, so that an administrator
 * can take it away. The policy keeps an object from being hidden behind a newer version or a delete marker.
 */
export class LockedBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { removalPolicy, retention }: LockedBucketProps) {
    super(scope, id);
    const trial = removalPolicy === RemovalPolicy.DESTROY;
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      objectLockDefaultRetention: trial
        ? ObjectLockRetention.governance(retention)
        : ObjectLockRetention.compliance(retention),
      removalPolicy,
      lifecycleRules: [{ id: 'abort-unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    });
    const objects = this.bucket.arnForObjects('*');
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'WriteOnce',
        effect: Effect.DENY,
        principals: [new StarPrincipal()],
        actions: ['s3:PutObject'],
        resources: [objects],
        // Without If-None-Match a write would put a newer version over what is there.
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        conditions: { Null: { 's3:if-none-match': 'true' } },
      }),
    );
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'NeverDelete',
        effect: Effect.DENY,
        principals: [new StarPrincipal()],
        actions: ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:PutObjectRetention', 's3:PutObjectLegalHold'],
        resources: [objects],
      }),
    );
    acknowledge(this.bucket, {
      'AwsSolutions-S1':
        'One function of this stack writes an object a day, and another reads them. Whoever must know each read ' +
        'switches on CloudTrail data events for the account.',
    });
  }

  /** Gives object actions on the keys under the prefix, and nothing on the other keys. */
  allowObjects(fn: BrokerFunction, actions: readonly string[], prefix: string, keys: string): void {
    fn.allow(actions, [this.bucket.arnForObjects(`${prefix}*`)]);
    acknowledge(fn, {
      [`AwsSolutions-IAM5[Resource::<${logicalId(this.bucket)}.Arn>/${prefix}*]`]: `The keys under ${prefix} are ${keys}.`,
    });
  }

  /** Lets the function list the keys. */
  allowList(fn: BrokerFunction): void {
    fn.allow(['s3:ListBucket'], [this.bucket.bucketArn]);
  }
}
