import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { publishRepositoryEnv } from '#functions/publish-repository/env.ts';
import { type MetricName, metricsNamespace } from '#shared/contract/metrics.ts';
import { BrokerAlarm } from '../kit/broker-alarm.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Fleet } from '../stores/fleet.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { SignedRepository } from '../stores/repository.ts';
import type { Rules } from '../stores/rules.ts';

export interface PublishRepositoryProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly fleet: Fleet;
  readonly payloads: Payloads;
  readonly repository: SignedRepository;
  readonly rules: Rules;
  readonly timeout: Duration;
}

/** The one publisher of the signed repository. */
export class PublishRepository extends BrokerFunction {
  constructor(scope: Construct, id: string, props: PublishRepositoryProps) {
    super(scope, id, {
      ...props,
      name: 'publish-repository',
      description: 'Puts together and signs which rules, index and files the repository offers',
      env: publishRepositoryEnv,
      // The snapshot of a large fleet is unpacked in memory.
      memoryMiB: 1024,
    });
    props.repository.grantPublish(this);
    props.rules.grantRead(this);
    props.catalog.grantOffer(this);
    props.payloads.grantLookUp(this);
    props.fleet.grantRead(this);
    this.watch(props);
  }

  private watch({ notify }: FunctionSettings): void {
    const metric = (metricName: MetricName, period: Duration, statistic = 'Maximum') =>
      new Metric({
        namespace: metricsNamespace,
        metricName,
        dimensionsMap: { service: 'publish-repository' },
        statistic,
        period,
      });
    new BrokerAlarm(this, 'repository-age', {
      metric: metric('RepositoryAgeSeconds', Duration.hours(6)),
      threshold: Duration.days(3).toSeconds(),
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      // Each sweep makes a run. Silence means that none gets that far, and hosts refuse what is seven days old.
      missingData: TreatMissingData.BREACHING,
      meaning: 'The timestamp of the signed repository was not signed for three days, or no run said when it was.',
      notify,
    });
    new BrokerAlarm(this, 'signatures-end', {
      metric: metric('SignaturesEndSeconds', Duration.hours(6), 'Minimum'),
      threshold: Duration.days(21).toSeconds(),
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: 1,
      // Before administrators began there is none; later silence rings repository-age.
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'A signature of administrators ends within 21 days; hosts refuse the repository then.',
      notify,
    });
    new BrokerAlarm(this, 'repository-refused', {
      metric: metric('RepositoryRefused', Duration.minutes(5)),
      threshold: 0,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      periods: 1,
      missingData: TreatMissingData.NOT_BREACHING,
      meaning: 'Rules or keys are stored that no administrator signed as it must be; hosts keep those of before.',
      notify,
    });
  }
}
