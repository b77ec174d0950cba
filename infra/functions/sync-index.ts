import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { syncIndexEnv } from '#functions/sync-index/env.ts';
import { BrokerAlarm, metricNamespace } from '../kit/broker-alarm.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import { BrokerSchedule } from '../kit/broker-schedule.ts';
import type { Catalog } from '../stores/catalog.ts';

export interface SyncIndexProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly indexUrl: string;
  readonly every: Duration;
  readonly memoryMiB: number;
  /** Age of the current index from which on the alarm `index-age` rings. */
  readonly maxIndexAge: Duration;
}

const name = 'sync-index';

/** Asks Microsoft for a new index on a schedule, and takes it in. */
export class SyncIndex extends BrokerFunction {
  constructor(scope: Construct, id: string, props: SyncIndexProps) {
    super(scope, id, {
      ...props,
      name,
      description: 'Asks Microsoft for a new offline index and takes it into the repository',
      env: syncIndexEnv,
      // The longest that Lambda allows: some 650 MB arrive and are decoded in one run.
      timeout: Duration.minutes(15),
      // Two runs at once would fetch the same bytes twice, and one of them would lose at the pointer.
      reservedConcurrency: 1,
      // The next tick is the retry. An invocation that waits for the one running is kept for an hour.
      asynchronous: { retries: 0, maxAge: Duration.hours(1) },
    });
    this.bind({ INDEX_URL: props.indexUrl });
    props.catalog.grantPublish(this);
    new BrokerSchedule(this, 'Schedule', {
      fn: this,
      every: props.every,
      description: 'Ask Microsoft for a new index',
    });

    new BrokerAlarm(this, 'index-age', {
      metric: new Metric({
        namespace: metricNamespace,
        metricName: 'IndexAgeSeconds',
        // Powertools for AWS Lambda puts every metric under the name of its service.
        dimensionsMap: { service: name },
        statistic: 'Maximum',
        period: props.every.toSeconds() < 3600 ? Duration.hours(1) : props.every,
      }),
      threshold: props.maxIndexAge.toSeconds(),
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 3,
      // Every run says how old the index is. Silence means that none gets that far.
      missingData: TreatMissingData.BREACHING,
      meaning: `The index is older than ${props.maxIndexAge.toDays()} days, or no run said how old it is.`,
      notify: props.notify,
    });
  }
}
