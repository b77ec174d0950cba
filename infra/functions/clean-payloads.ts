import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { cleanPayloadsEnv } from '#functions/clean-payloads/env.ts';
import { type MetricName, metricsNamespace } from '#shared/contract/metrics.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import { BrokerSchedule } from '../kit/broker-schedule.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Events } from '../stores/events.ts';
import type { Fleet } from '../stores/fleet.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { SignedRepository } from '../stores/repository.ts';
import type { Requests } from '../stores/requests.ts';

export interface CleanPayloadsProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly events: Events;
  readonly fleet: Fleet;
  readonly payloads: Payloads;
  readonly requests: Requests;
  readonly signed: SignedRepository;
  readonly every: Duration;
  /** How long a file that nobody needs stays held. */
  readonly grace: Duration;
  /** How long the bytes of a retired file stay. */
  readonly pause: Duration;
  /** How long a host that is not seen keeps files. */
  readonly hostsCountFor: Duration;
  /** KB numbers whose files are kept. */
  readonly keepKbs: readonly string[];
}

/** The alarm looks at days, and each must have a run. */
const [shortestPeriod, longestPeriod] = [Duration.minutes(15), Duration.days(1)];
/** Cookies open the repository for 8 hours, and a large file takes its time over a slow line. */
const shortestPause = Duration.days(1);

/** Takes out of the repository what no host needs. The only function that may delete payloads. */
export class CleanPayloads extends BrokerFunction {
  constructor(scope: Construct, id: string, props: CleanPayloadsProps) {
    const { every, pause } = props;
    if (every.toSeconds() < shortestPeriod.toSeconds() || every.toSeconds() > longestPeriod.toSeconds())
      throw new Error(
        `cleanEvery is ${every.toHumanString()}; allowed are ${shortestPeriod.toHumanString()} to ${longestPeriod.toHumanString()}`,
      );
    if (pause.toSeconds() < shortestPause.toSeconds())
      throw new Error(`cleanPause is ${pause.toHumanString()}; allowed is ${shortestPause.toHumanString()} or more`);
    super(scope, id, {
      ...props,
      name: 'clean-payloads',
      description: 'Takes files out of the repository that no host needs any more',
      env: cleanPayloadsEnv,
      // The snapshot of a large fleet is unpacked in memory.
      memoryMiB: 1024,
      timeout: Duration.minutes(15),
      // Two at once would do no harm, and count in their answers what the other did.
      reservedConcurrency: 1,
      // The next tick is the retry. An invocation that waits for the one running is kept for an hour.
      asynchronous: { retries: 0, maxAge: Duration.hours(1) },
    });
    this.bind({
      GRACE_SECONDS: String(props.grace.toSeconds()),
      PAUSE_SECONDS: String(pause.toSeconds()),
      HOSTS_COUNT_FOR_SECONDS: String(props.hostsCountFor.toSeconds()),
      KEEP_KBS: props.keepKbs.join(','),
    });
    props.catalog.grantReadFacts(this);
    props.events.grantPublish(this, ['FileRemoved']);
    props.fleet.grantRead(this);
    props.payloads.grantClean(this);
    props.requests.grantList(this);
    props.signed.grantRead(this);
    new BrokerSchedule(this, 'Schedule', { fn: this, every, description: 'Take out files that no host needs' });
    this.watch(props);
  }

  private watch({ notify }: FunctionSettings): void {
    const metricName: MetricName = 'CleaningStopped';
    new BrokerAlarm(this, 'cleaning-stopped', {
      metric: new Metric({
        namespace: metricsNamespace,
        metricName,
        dimensionsMap: { service: 'clean-payloads' },
        // Every run of a day must have stopped.
        statistic: 'Minimum',
        period: Duration.days(1),
      }),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 3,
      // Every run says whether it cleaned. Silence means that none gets that far.
      missingData: TreatMissingData.BREACHING,
      meaning: 'For three days nothing was cleaned: it is not known what hosts need, or no run came to its end.',
      notify,
    });
  }
}
