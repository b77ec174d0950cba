import { Aws, type Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { BrokerFunction } from './broker-function.ts';

export interface BrokerScheduleProps {
  readonly fn: BrokerFunction;
  readonly every: Duration;
  readonly description: string;
  /**
   * What the function is started with.
   *
   * @default - an empty event
   */
  readonly event?: Readonly<Record<string, unknown>>;
}

/**
 * Starts a function at a fixed rate.
 *
 * The target is bound here and not by aws-scheduler-targets: its LambdaInvoke also lets the scheduler invoke every
 * version and alias of the function.
 */
export class BrokerSchedule extends Construct {
  constructor(scope: Construct, id: string, props: BrokerScheduleProps) {
    super(scope, id);
    const { functionArn } = props.fn.lambda;
    const role = new Role(this, 'Role', {
      // Only for schedules of this account, not for those of somebody who knows the role's name.
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    role.addToPrincipalPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }));
    new Schedule(this, 'Schedule', {
      schedule: ScheduleExpression.rate(props.every),
      description: props.description,
      target: {
        bind: () => ({
          arn: functionArn,
          role,
          ...(props.event && { input: ScheduleTargetInput.fromObject(props.event) }),
          // Delivery to Lambda's own queue; a tick that cannot be delivered within this time is left to the next.
          retryPolicy: {
            maximumRetryAttempts: 3,
            maximumEventAgeInSeconds: Math.min(Math.max(props.every.toSeconds(), 60), 3600),
          },
        }),
      },
    });
  }
}
