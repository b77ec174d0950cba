import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { ComparisonOperator, type IAlarmAction, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { requestsBinding } from '#shared/stores/requests/binding.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';

/**
 * Deliveries of a message before the queue moves it to the dead-letter queue. The worker is told the same number:
 * at the last delivery it gives the request up.
 */
const maxReceiveCount = 3;

/**
 * Messages handed to one run of the worker, which works them one after the other within one time limit. With more than
 * one, a file that uses up the limit would cost the others a delivery without a try, and in the end their place on the
 * queue. More files at a time is what `maxConcurrency` is for.
 */
const batchSize = 1;

export interface RequestsProps {
  readonly removalPolicy: RemovalPolicy;
  /** Time limit of the function that works the queue. */
  readonly workerTimeout: Duration;
  readonly notify: readonly IAlarmAction[];
}

/** Files that hosts asked for: a table, and the queue between sweep and worker. */
export class Requests extends Construct {
  readonly table: BrokerTable;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  private readonly visibilityTimeout: Duration;

  constructor(scope: Construct, id: string, props: RequestsProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: requestsBinding.table,
      indexes: [requestsBinding.byState],
      removalPolicy: props.removalPolicy,
    });

    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: props.removalPolicy,
    });
    // Six times the function's time limit, as Lambda asks: a batch may wait while the function is throttled.
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    this.visibilityTimeout = Duration.seconds(6 * props.workerTimeout.toSeconds());
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: this.visibilityTimeout,
      // Shorter than that of the dead-letter queue: a message keeps its age when it is moved there.
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
      removalPolicy: props.removalPolicy,
    });

    new BrokerAlarm(this, 'fetch-dead-letters', {
      metric: this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: 'Maximum',
      }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      // SQS sends no data of a queue that was not used for six hours.
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: `Files could not be fetched in ${maxReceiveCount} attempts.`,
      notify: props.notify,
    });
  }

  /** To open requests for files that hosts need, and to see how they stand. */
  grantOpen(fn: BrokerFunction): void {
    this.table.allow(fn, ['BatchGetItem', 'UpdateItem']);
    this.bind(fn);
  }

  /** To list and count requests. */
  grantList(fn: BrokerFunction): void {
    this.table.allow(fn, ['BatchGetItem']);
    this.table.allowIndex(fn, requestsBinding.byState, ['Query']);
    this.bind(fn);
  }

  /** To put open and lost requests on the queue. */
  grantSweep(fn: BrokerFunction): void {
    this.table.allow(fn, ['UpdateItem']);
    this.table.allowIndex(fn, requestsBinding.byState, ['Query']);
    fn.allow(['sqs:SendMessage'], [this.queue.queueArn]);
    this.bind(fn);
    fn.bind({
      [requestsBinding.env.queue]: this.queue.queueUrl,
      // A message that nobody finished is out of the queue after so many deliveries; one more period of grace.
      REQUEUE_AFTER_SECONDS: String((maxReceiveCount + 1) * this.visibilityTimeout.toSeconds()),
    });
  }

  /** To work the queue: Lambda polls it for the function, `maxConcurrency` messages at a time. */
  grantWork(fn: BrokerFunction, maxConcurrency: number): void {
    this.table.allow(fn, ['UpdateItem']);
    this.bind(fn);
    fn.bind({ MAX_RECEIVE_COUNT: String(maxReceiveCount) });
    // Gives the function's role what the poller needs on the queue.
    fn.lambda.addEventSource(
      new SqsEventSource(this.queue, { batchSize, maxConcurrency, reportBatchItemFailures: true }),
    );
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [requestsBinding.env.table]: this.table.table.tableName });
  }
}
