import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { ComparisonOperator, type IAlarmAction, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { repositoryBinding } from '#shared/stores/repository/binding.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { PrivateBucket } from '../kit/private-bucket.ts';

/** Deliveries of a message before the queue moves it to the dead-letter queue. */
const maxReceiveCount = 3;

export interface SignedRepositoryProps {
  readonly removalPolicy: RemovalPolicy;
  /** Time limit of the function that works the queue. */
  readonly publisherTimeout: Duration;
  readonly notify: readonly IAlarmAction[];
}

/** The signed repository: its bucket, the key that signs online, and the queue that all changes of it go through. */
export class SignedRepository extends Construct {
  readonly bucket: PrivateBucket;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  readonly onlineKey: Key;

  constructor(scope: Construct, id: string, props: SignedRepositoryProps) {
    super(scope, id);
    const { removalPolicy, notify } = props;
    this.bucket = new PrivateBucket(this, 'Files', { versioned: true, removalPolicy });
    // All but the timestamp, which has no number: also for somebody who took the publisher's role over.
    this.bucket.writeOnce(['metadata/*.*.json', 'metadata/roots/*', 'targets/*']);
    // Asymmetric keys cannot be rotated by KMS itself; docs/trust.md says how administrators do it.
    this.onlineKey = new Key(this, 'OnlineKey', {
      description: 'Signs which index and files the repository offers',
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy,
    });
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      fifo: true,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy,
    });
    this.queue = new Queue(this, 'Queue', {
      fifo: true,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // Six times the function's time limit, as Lambda asks. A message that failed holds up all that follow for so long.
      visibilityTimeout: Duration.seconds(6 * props.publisherTimeout.toSeconds()),
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
      removalPolicy,
    });
    new BrokerAlarm(this, 'publish-dead-letters', {
      metric: this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: 'Maximum',
      }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      // SQS sends no data of a queue that was not used for six hours.
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: `A change of the signed repository could not be published in ${maxReceiveCount} attempts.`,
      notify,
    });
  }

  /** To publish: work the queue, sign online, write what is new. Nothing that was written may be deleted. */
  grantPublish(fn: BrokerFunction): void {
    this.bucket.allowObjects(fn, ['s3:GetObject', 's3:PutObject'], repositoryBinding.prefixes);
    this.bucket.allowMissing(fn);
    fn.allow(['kms:GetPublicKey', 'kms:Sign'], [this.onlineKey.keyArn]);
    fn.bind({
      [repositoryBinding.env.bucket]: this.bucket.bucket.bucketName,
      [repositoryBinding.env.key]: this.onlineKey.keyId,
    });
    // All messages are of one group, so that one is worked on at a time, whatever the function's concurrency.
    fn.lambda.addEventSource(new SqsEventSource(this.queue, { batchSize: 1, reportBatchItemFailures: true }));
  }

  /** To tell the publisher that something changed. */
  grantTell(fn: BrokerFunction): void {
    fn.allow(['sqs:SendMessage'], [this.queue.queueArn]);
    fn.bind({ [repositoryBinding.env.queue]: this.queue.queueUrl });
  }

  /** To know which files signed packages name. */
  grantRead(fn: BrokerFunction): void {
    this.bucket.allowObjects(fn, ['s3:GetObject'], repositoryBinding.prefixes);
    this.bucket.allowMissing(fn);
    fn.bind({ [repositoryBinding.env.bucket]: this.bucket.bucket.bucketName });
  }

  /** To show what is published and by which key, and to hand on what administrators signed. */
  grantAdminister(fn: BrokerFunction): void {
    this.bucket.allowObjects(fn, ['s3:GetObject'], repositoryBinding.prefixes);
    this.bucket.allowMissing(fn);
    fn.allow(['kms:GetPublicKey'], [this.onlineKey.keyArn]);
    fn.bind({
      [repositoryBinding.env.bucket]: this.bucket.bucket.bucketName,
      [repositoryBinding.env.key]: this.onlineKey.keyId,
    });
    this.grantTell(fn);
  }
}
