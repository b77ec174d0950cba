/** Resource types that nothing on the local stack could tell from their absence, each with the reason. */
import * as z from 'zod/mini';
import { generatedId, type IdentityContext, physicalName, type ResourceKind } from './kind.ts';

export interface InertKind extends ResourceKind {
  readonly reason: string;
}

const named =
  (property: string, arn: (context: IdentityContext, name: string) => string) => (context: IdentityContext) => {
    const name = physicalName(context, property, 255);
    const value = arn(context, name);
    return { ref: name, attributes: { Arn: value } };
  };

const inert = (type: string, reason: string, identify: ResourceKind['identify']): InertKind => ({
  type,
  reason,
  schema: z.unknown(),
  identify,
});

const nameless = ({ logicalId }: IdentityContext) => ({ ref: logicalId, attributes: {} });

export const inertKinds: readonly InertKind[] = [
  inert('AWS::CDK::Metadata', 'counts how the CDK is used', nameless),
  inert(
    'AWS::Logs::LogGroup',
    'log lines go to the log of the runner',
    named('LogGroupName', ({ region, accountId }, name) => `arn:aws:logs:${region}:${accountId}:log-group:${name}:*`),
  ),
  inert('AWS::Logs::MetricFilter', 'no metrics are kept locally', nameless),
  inert(
    'AWS::CloudWatch::Alarm',
    'no metrics are kept locally, so that nothing could raise it',
    named('AlarmName', ({ region, accountId }, name) => `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`),
  ),
  inert(
    'AWS::CloudWatch::CompositeAlarm',
    'no metrics are kept locally, so that nothing could raise it',
    named('AlarmName', ({ region, accountId }, name) => `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`),
  ),
  inert('AWS::CloudWatch::Dashboard', 'for people', nameless),
  inert(
    'AWS::SNS::Topic',
    'only alarms publish to it, and they are inert; functions get no endpoint of SNS',
    (context) => {
      const name = physicalName(context, 'TopicName', 256);
      const arn = `arn:aws:sns:${context.region}:${context.accountId}:${name}`;
      return { ref: arn, attributes: { TopicArn: arn, TopicName: name } };
    },
  ),
  inert('AWS::SNS::TopicPolicy', 'guards an inert topic', nameless),
  inert('AWS::SNS::Subscription', 'listens to an inert topic', nameless),
  inert('AWS::CloudFront::CachePolicy', 'nothing is cached: each request goes to the origin', (context) => {
    const id = `${generatedId(context, 8)}-0000-4000-8000-${generatedId(context, 12)}`;
    return { ref: id, attributes: { Id: id } };
  }),
];
