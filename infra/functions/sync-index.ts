import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { syncIndexEnv } from '#functions/sync-index/env.ts';
import { type MetricName, metricsNamespace } from '#shared/contract/metrics.ts';
import type { OutboundProxy } from '../edge/outbound-proxy.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import { BrokerSchedule } from '../kit/broker-schedule.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Events } from '../stores/events.ts';
import type { SignedRepository } from '../stores/repository.ts';

export interface SyncIndexProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly events: Events;
  readonly signed: SignedRepository;
  readonly outboundProxy: OutboundProxy | undefined;
  readonly indexUrl: string;
  /** PEM, beside Microsoft's. */
  readonly indexRoots: string | undefined;
  readonly allowSha1: boolean;
  readonly maxShrinkPercent: number;
  readonly every: Duration;
  readonly memoryMiB: number;
  /** How many publications stay stored, the current one among them. */
  readonly keepPublications: number;
  /** Age of the current index from which on the alarm `index-age` rings. */
  readonly maxIndexAge: Duration;
}

/**
 * Lambda takes 4,096 bytes of variables (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and
 * the others have some 500. Bytes of the certificates as JSON, which is how Lambda measures.
 */
const maxRootsBytes = 3_000;

/**
 * What was copied is kept for a day (maxCopyAgeMilliseconds of functions/sync-index): a tick must come before, with time
 * to go on.
 */
const longestPause = Duration.hours(12);

/** Asks Microsoft for a new index on a schedule, and takes it in. */
export class SyncIndex extends BrokerFunction {
  constructor(scope: Construct, id: string, props: SyncIndexProps) {
    const { every, indexRoots } = props;
    if (every.toSeconds() < 60 || every.toSeconds() > longestPause.toSeconds())
      throw new Error(`syncEvery is ${every.toHumanString()}; allowed are 1 minute to ${longestPause.toHumanString()}`);
    const rootsBytes = Buffer.byteLength(JSON.stringify(indexRoots ?? ''));
    if (rootsBytes > maxRootsBytes)
      throw new Error(
        `indexRoots has ${rootsBytes} bytes; allowed are ${maxRootsBytes}, one certificate. Microsoft's roots are there without it`,
      );
    const { keepPublications } = props;
    if (!Number.isInteger(keepPublications) || keepPublications < 1)
      throw new Error(`keepIndexes is ${keepPublications}; allowed are whole numbers from 1 on`);
    const proxyBytes = props.outboundProxy?.caBytes ?? 0;
    if (rootsBytes + proxyBytes > maxRootsBytes)
      throw new Error(
        `indexRoots and outboundProxy.caPem have ${rootsBytes + proxyBytes} bytes; allowed are ${maxRootsBytes} together`,
      );
    super(scope, id, {
      ...props,
      name: 'sync-index',
      description: 'Asks Microsoft for a new offline index and takes it into the repository',
      env: syncIndexEnv,
      // The longest that Lambda allows: some 650 MB are read twice in one invocation. Copying them goes on in another.
      timeout: Duration.minutes(15),
      // Two runs at once would fetch the same bytes twice, and one of them would lose at the pointer.
      reservedConcurrency: 1,
      // The next tick is the retry. An invocation that waits for the one running is kept for an hour.
      asynchronous: { retries: 0, maxAge: Duration.hours(1) },
    });
    this.bind({
      INDEX_URL: props.indexUrl,
      INDEX_ALLOW_SHA1: String(props.allowSha1),
      MAX_SHRINK_PERCENT: String(props.maxShrinkPercent),
      KEEP_PUBLICATIONS: String(keepPublications),
      ...(props.indexRoots !== undefined && { INDEX_ROOTS: props.indexRoots }),
    });
    props.catalog.grantPublish(this);
    props.events.grantPublish(this, ['IndexPublished']);
    props.signed.grantTell(this);
    props.outboundProxy?.grantUse(this);
    this.allowItself();
    new BrokerSchedule(this, 'Schedule', {
      fn: this,
      every: props.every,
      description: 'Ask Microsoft for a new index',
    });

    this.watch(props);
  }

  /**
   * Lets an invocation start the next one. A policy of its own: the function waits for its role's default policy, which
   * therefore cannot name the function.
   */
  private allowItself(): void {
    const statement = new PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: [this.lambda.functionArn],
    });
    new Policy(this, 'GoOn', { statements: [statement] }).attachToRole(this.role);
  }

  /** What the runs say of themselves: an expected failure is a result and not an error of the function. */
  private watch(props: SyncIndexProps): void {
    // A period holds one run at least.
    const period = props.every.toSeconds() < 3600 ? Duration.hours(1) : props.every;
    const metric = (metricName: MetricName, statistic: 'Maximum' | 'Minimum') =>
      new Metric({
        namespace: metricsNamespace,
        metricName,
        dimensionsMap: { service: 'sync-index' },
        statistic,
        period,
      });
    const { notify } = props;
    new BrokerAlarm(this, 'index-age', {
      metric: metric('IndexAgeSeconds', 'Maximum'),
      threshold: props.maxIndexAge.toSeconds(),
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 3,
      // Every run says how old the index is. Silence means that none gets that far.
      missingData: TreatMissingData.BREACHING,
      meaning: `The index is older than ${props.maxIndexAge.toDays()} days, or no run said how old it is.`,
      notify,
    });
    new BrokerAlarm(this, 'index-refused', {
      metric: metric('SyncRefused', 'Maximum'),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      // `index-age` hears the silence.
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'Microsoft published an index that cannot be used; the one before stays current.',
      notify,
    });
    new BrokerAlarm(this, 'index-unreachable', {
      // Every run of a period must have failed, six periods long: Microsoft's hosts stumble now and then.
      metric: metric('SyncFailed', 'Minimum'),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 6,
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'No run could get an answer about the index from Microsoft, several times in a row.',
      notify,
    });
  }
}
