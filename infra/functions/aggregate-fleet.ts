import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Construct } from 'constructs';
import { aggregateFleetEnv } from '#functions/aggregate-fleet/env.ts';
import { type MetricName, metricsNamespace } from '#shared/contract/metrics.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import { BrokerSchedule } from '../kit/broker-schedule.ts';
import type { Events } from '../stores/events.ts';
import type { Fleet } from '../stores/fleet.ts';
import type { Hosts } from '../stores/hosts.ts';

export interface AggregateFleetProps extends FunctionSettings {
  readonly events: Events;
  readonly fleet: Fleet;
  readonly hosts: Hosts;
  /** Most partitions of the snapshot. */
  readonly maxPartitions: number;
}

/**
 * How long Lambda collects changes, and how often a beat follows them. Both together, and half a minute of work, are the
 * five minutes that the snapshot may be old; shorter ones cost more writes (docs/adr/0021).
 */
const window = Duration.seconds(150);
const beatEvery = Duration.minutes(2);

/** Changes that Lambda hands over at once at most. */
const batchSize = 1000;

/** What fails so long is given up, long before the stream drops it after a day. */
const triedFor = Duration.hours(12);

/** Brings changes of hosts into the snapshot of the fleet. */
export class AggregateFleet extends BrokerFunction {
  constructor(scope: Construct, id: string, props: AggregateFleetProps) {
    const { fleet, hosts, maxPartitions, notify } = props;
    if (!Number.isInteger(maxPartitions) || maxPartitions < 1 || maxPartitions > 256)
      throw new Error(`fleetPartitions is ${maxPartitions}; allowed are whole numbers from 1 to 256`);
    super(scope, id, {
      ...props,
      name: 'aggregate-fleet',
      description: 'Brings changes of hosts into the snapshot of the fleet',
      env: aggregateFleetEnv,
      // One whole processor: batches are compressed anew.
      memoryMiB: 1769,
      // A batch takes seconds. A rebuild reads the whole table.
      timeout: Duration.minutes(15),
      // Of beats: the next tick is the retry. A rebuild that fails is started again by whoever wanted it.
      asynchronous: { retries: 0, maxAge: Duration.minutes(5) },
    });
    fleet.grantKeep(this);
    hosts.grantFollow(this);
    props.events.grantPublish(this, ['HostFailing']);
    this.bind({ FLEET_PARTITIONS: String(maxPartitions) });
    this.lambda.addEventSourceMapping('Hosts', {
      eventSourceArn: hosts.streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize,
      maxBatchingWindow: window,
      // Changes of a partition that is damaged do not keep those of the others.
      bisectBatchOnError: true,
      maxRecordAge: triedFor,
      onFailure: new SqsDlq(fleet.failures),
    });
    new BrokerSchedule(this, 'Schedule', {
      fn: this,
      every: beatEvery,
      description: 'Send a beat through the stream of hosts',
    });
    const metricName: MetricName = 'FleetAgeSeconds';
    new BrokerAlarm(this, 'fleet-age', {
      metric: new Metric({
        namespace: metricsNamespace,
        metricName,
        dimensionsMap: { service: 'aggregate-fleet' },
        statistic: 'Maximum',
        period: Duration.minutes(5),
      }),
      threshold: Duration.minutes(10).toSeconds(),
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 3,
      // Every beat says how old the snapshot is. Silence means that none gets that far.
      missingData: TreatMissingData.BREACHING,
      meaning: 'The snapshot of the fleet is older than 10 minutes, or nobody said how old it is.',
      notify,
    });
  }
}
