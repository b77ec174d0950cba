import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Effect, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge, logicalId } from './acknowledge.ts';
import type { BrokerFunction } from './broker-function.ts';

export interface PrivateBucketProps {
  readonly removalPolicy: RemovalPolicy;
  /**
   * Prefix under which unfinished work lies; what is still there after two days was left by a crash.
   *
   * @default - none
   */
  readonly stagingPrefix?: string;
  /**
   * Keeps what is written over or deleted, so that an administrator of the account can put it back. For small files that
   * are worth it: nothing ever drops the old versions.
   *
   * @default false
   */
  readonly versioned?: boolean;
  /**
   * How long an upload in parts may last; what is older was left by a crash.
   *
   * @default Duration.days(1): a Lambda function runs 15 minutes at most, and a copy of the index that several go on with is
   * given up after a day (functions/sync-index)
   */
  readonly uploadsLast?: Duration;
  /**
   * More lifecycle rules.
   *
   * @default - none
   */
  readonly lifecycleRules?: readonly LifecycleRule[];
  /**
   * Why nobody needs a log of each access.
   *
   * @default - what holds for a bucket of the repository
   */
  readonly noAccessLog?: string;
}

/**
 * A bucket of the broker: encrypted, reached by TLS only, nothing in it public.
 *
 * As a rule it is not versioned. Payloads and indexes are immutable under the digest of their bytes, so that a version would
 * only be a copy of bytes that were deleted on purpose; the one object that moves beside them, `index/current.json`, is written
 * conditionally. The snapshot of the fleet can be made anew.
 */
export class PrivateBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: PrivateBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      ...(props.versioned === true && { versioned: true }),
      removalPolicy: props.removalPolicy,
      lifecycleRules: [
        // Parts of an upload that was neither completed nor aborted are invisible and cost money until dropped.
        {
          id: 'abort-unfinished-uploads',
          abortIncompleteMultipartUploadAfter: props.uploadsLast ?? Duration.days(1),
        },
        ...(props.stagingPrefix === undefined
          ? []
          : [{ id: 'drop-stale-staging', prefix: props.stagingPrefix, expiration: Duration.days(2) }]),
        ...(props.lifecycleRules ?? []),
      ],
    });
    acknowledge(this.bucket, {
      'AwsSolutions-S1':
        props.noAccessLog ??
        'Only the functions of this stack and CloudFront reach the bucket, and what it holds are public files of ' +
          'Microsoft. Whoever must know each read switches on CloudTrail data events for the account.',
    });
  }

  /** Gives object actions on the keys under the prefixes, and nothing on the other keys. */
  allowObjects(fn: BrokerFunction, actions: readonly string[], prefixes: readonly string[]): void {
    fn.allow(
      actions,
      prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}*`)),
    );
    for (const prefix of prefixes) {
      acknowledge(fn, {
        [`AwsSolutions-IAM5[Resource::<${logicalId(this.bucket)}.Arn>/${prefix}*]`]: `The keys under ${prefix} are digests and run ids, which nobody knows in advance.`,
      });
    }
  }

  /**
   * Nobody writes over these objects, whatever else he may do. Without If-None-Match a write would take their place.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
   *
   * @param keys patterns with `*`
   */
  writeOnce(keys: readonly string[]): void {
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'WriteOnce',
        effect: Effect.DENY,
        principals: [new StarPrincipal()],
        actions: ['s3:PutObject'],
        resources: keys.map((key) => this.bucket.arnForObjects(key)),
        conditions: { Null: { 's3:if-none-match': 'true' } },
      }),
    );
  }

  /**
   * Lets the function tell a missing object from a forbidden one. Without `s3:ListBucket` S3 answers 403 for both.
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
   */
  allowMissing(fn: BrokerFunction): void {
    fn.allow(['s3:ListBucket'], [this.bucket.bucketArn]);
  }
}
