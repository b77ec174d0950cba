import { Stack } from 'aws-cdk-lib';
import {
  Alarm,
  type ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

export interface BrokerAlarmProps {
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  /** Number of periods of the metric that must all be over the threshold. */
  readonly periods: number;
  /** What no data means. There is no default: silence is good news for one metric and the worst for another. */
  readonly missingData: TreatMissingData;
  /** What it means, in one sentence for the e-mail. */
  readonly meaning: string;
  /** Whom to tell; the same when it is over. */
  readonly notify: readonly IAlarmAction[];
}

/**
 * An alarm whose id is also its name (after the stack's) and the heading of its section in docs/operating.md. A test
 * compares the two lists.
 */
export class BrokerAlarm extends Construct {
  constructor(scope: Construct, id: string, props: BrokerAlarmProps) {
    super(scope, id);
    const alarm = new Alarm(this, 'Alarm', {
      alarmName: `${Stack.of(this).stackName}-${id}`,
      alarmDescription: `${props.meaning} What to do: docs/operating.md, "Alarm: ${id}".`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.comparison,
      evaluationPeriods: props.periods,
      datapointsToAlarm: props.periods,
      treatMissingData: props.missingData,
    });
    alarm.addAlarmAction(...props.notify);
    alarm.addOkAction(...props.notify);
  }
}
