import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { ComparisonOperator, type IAlarmAction, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { fleetBinding } from '#shared/stores/fleet/binding.ts';
import { acknowledge } from '../kit/acknowledge.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { PrivateBucket } from '../kit/private-bucket.ts';

export interface FleetProps {
  readonly removalPolicy: RemovalPolicy;
  readonly notify: readonly IAlarmAction[];
}

/**
 * The snapshot of the fleet: a bucket of its own, which the CDN never reads, because names of hosts are in it. All of it
 * can be made anew from the table of hosts.
 */
export class Fleet extends Construct {
  readonly bucket: PrivateBucket;
  /** Where Lambda tells of changes that it gave up. */
  readonly failures: Queue;

  constructor(scope: Construct, id: string, props: FleetProps) {
    super(scope, id);
    this.bucket = new PrivateBucket(this, 'Snapshot', {
      removalPolicy: props.removalPolicy,
      noAccessLog:
        'Only two functions of this stack reach the bucket, and what it holds is a copy of the table of hosts. Whoever ' +
        'must know each read switches on CloudTrail data events for the account.',
    });
    this.failures = new Queue(this, 'Failures', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: props.removalPolicy,
    });
    acknowledge(this.failures, {
      'AwsSolutions-SQS3': 'Nothing reads the queue but people: it is where failures end, and its alarm tells of each.',
    });
    new BrokerAlarm(this, 'fleet-failures', {
      metric: this.failures.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: 'Maximum',
      }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      // SQS sends no data of a queue that was not used for six hours.
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'Changes of hosts were given up and are not in the snapshot of the fleet.',
      notify: props.notify,
    });
  }

  /** To read the snapshot. */
  grantRead(fn: BrokerFunction): void {
    this.bucket.allowObjects(fn, ['s3:GetObject'], [fleetBinding.prefix]);
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  /** To keep the snapshot up to date. Its old layouts are deleted: nothing in it is the only copy. */
  grantKeep(fn: BrokerFunction): void {
    this.bucket.allowObjects(fn, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], [fleetBinding.prefix]);
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [fleetBinding.env.bucket]: this.bucket.bucket.bucketName });
  }
}
