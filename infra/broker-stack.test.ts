import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { metricsNamespace, metricUnits } from '#shared/contract/metrics.ts';
import { functionsDir, projectDir } from './kit/paths.ts';
import { statementsOf } from './testing/statements.ts';
import { type Resource, type Synthesized, synthesize } from './testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const ofType = (...types: string[]): readonly Resource[] => synthesized.ofType(...types);

describe('functions', () => {
  const names = readdirSync(functionsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const variables = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
  const pascal = (name: string) => name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
  const nameOf = (fn: Resource) => names.find((name) => fn.id.startsWith(`${pascal(name)}Function`));

  test('are the folders of functions/, on Node 24 and arm64', () => {
    const functions = ofType('AWS::Lambda::Function');
    expect(functions.map(nameOf).sort()).toEqual(names.sort());
    for (const { properties } of functions) {
      expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
    }
  });

  test('each have an alarm on errors', () => {
    const watched = ofType('AWS::CloudWatch::Alarm')
      .filter(({ properties }) => properties.Namespace === 'AWS/Lambda' && properties.MetricName === 'Errors')
      .map(({ properties }) => JSON.stringify(properties.Dimensions));
    for (const fn of ofType('AWS::Lambda::Function')) {
      expect(
        watched.filter((dimensions) => dimensions.includes(`"${fn.id}"`)),
        fn.id,
      ).toHaveLength(1);
    }
  });

  test('each write to a log of their own that ends', () => {
    const logs = new Map(ofType('AWS::Logs::LogGroup').map((log) => [log.id, log.properties.RetentionInDays]));
    const used = ofType('AWS::Lambda::Function').map(
      ({ properties }) =>
        z.object({ LogGroup: z.object({ Ref: z.string() }) }).parse(properties.LoggingConfig).LogGroup.Ref,
    );
    expect(new Set(used).size).toBe(names.length);
    for (const log of used) expect(logs.get(log), log).toBe(90);
  });

  test('that poll a queue leave it six times their time limit, and answer for each message', () => {
    const queues = ofType('AWS::SQS::Queue').filter(({ properties }) => properties.RedrivePolicy !== undefined);
    const timeoutOf = (name: string) =>
      Number(ofType('AWS::Lambda::Function').find((fn) => nameOf(fn) === name)?.properties.Timeout);
    const [publish, fetch] = queues.toSorted((a) => (a.properties.FifoQueue === true ? -1 : 1));
    expect(queues).toHaveLength(2);
    expect(fetch?.properties.VisibilityTimeout).toBe(6 * timeoutOf('fetch-payload'));
    expect(publish?.properties.VisibilityTimeout).toBe(6 * timeoutOf('publish-repository'));
    const mappings = ofType('AWS::Lambda::EventSourceMapping').filter(
      // Of a stream: aggregate-fleet.test.ts.
      ({ properties }) => properties.StartingPosition === undefined,
    );
    const common = { BatchSize: 1, FunctionResponseTypes: ['ReportBatchItemFailures'] };
    const ofWorker = ({ id }: Resource) => id.startsWith('FetchPayload');
    expect(mappings.find(ofWorker)?.properties).toMatchObject({ ...common, ScalingConfig: { MaximumConcurrency: 5 } });
    // One message group: SQS hands out one message at a time.
    expect(mappings.filter((mapping) => !ofWorker(mapping)).map(({ properties }) => properties)).toEqual([
      expect.objectContaining(common),
    ]);
  });

  test('that give up count deliveries as the queue does', () => {
    const [worker] = ofType('AWS::Lambda::Function').filter((fn) => nameOf(fn) === 'fetch-payload');
    const [queue] = ofType('AWS::SQS::Queue').filter(
      ({ properties }) => properties.RedrivePolicy !== undefined && properties.FifoQueue !== true,
    );
    if (!worker || !queue) throw new Error('no worker or no queue');
    const { maxReceiveCount } = z.object({ maxReceiveCount: z.int() }).parse(queue.properties.RedrivePolicy);
    expect(variables.parse(worker.properties).Environment.Variables.MAX_RECEIVE_COUNT).toBe(String(maxReceiveCount));
  });

  test('that need more than one invocation may start themselves, and no other function', () => {
    const [policy, ...others] = ofType('AWS::IAM::Policy').filter(({ id }) => id.startsWith('SyncIndexGoOn'));
    const fn = ofType('AWS::Lambda::Function').find((one) => nameOf(one) === 'sync-index');
    expect(others).toEqual([]);
    expect(policy && statementsOf(policy)).toEqual([
      { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: { 'Fn::GetAtt': [fn?.id, 'Arn'] } },
    ]);
    expect(fn?.properties).toMatchObject({ MemorySize: 2048, Timeout: 900, ReservedConcurrentExecutions: 1 });
    // Without the switches Microsoft's roots are trusted, and SHA-1 is not.
    const { Variables } = variables.parse(fn?.properties).Environment;
    expect(Variables).toMatchObject({ INDEX_ALLOW_SHA1: 'false', MAX_SHRINK_PERCENT: '20' });
    expect(Variables).not.toHaveProperty('INDEX_ROOTS');
  });

  test('that run on a schedule are started by a role that may do nothing else', () => {
    const schedules = ofType('AWS::Scheduler::Schedule');
    expect(schedules.map(({ properties }) => properties.ScheduleExpression).sort()).toEqual([
      'rate(1 day)',
      'rate(1 day)',
      'rate(1 hour)',
      'rate(2 minutes)',
      'rate(3 minutes)',
      'rate(30 minutes)',
    ]);
    for (const schedule of schedules) {
      const target = z
        .object({ Arn: z.unknown(), RoleArn: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }) })
        .parse(schedule.properties.Target);
      const role = target.RoleArn['Fn::GetAtt'][0];
      const policies = ofType('AWS::IAM::Policy').filter(({ properties }) =>
        JSON.stringify(properties.Roles).includes(`"${role}"`),
      );
      expect(policies.flatMap((policy) => statementsOf(policy))).toEqual([
        { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: target.Arn },
      ]);
    }
  });
});

describe('alarms', () => {
  test('each have a section in docs/operating.md, and each section an alarm', () => {
    const documented = [
      ...readFileSync(join(projectDir, 'docs/operating.md'), 'utf8').matchAll(/^## Alarm: (.+)$/gm),
    ].map(([, name]) => name);
    const alarms = ofType('AWS::CloudWatch::Alarm').map(({ properties }) =>
      String(properties.AlarmName).replace(/^KBroker-/, ''),
    );
    expect(alarms.sort()).toEqual(documented.sort());
  });

  test('tell nobody by default, and by e-mail or to a topic on demand', () => {
    for (const { properties } of ofType('AWS::CloudWatch::Alarm')) expect(properties.AlarmActions).toBeUndefined();
    const topicArn = 'arn:aws:sns:eu-west-3:111122223333:on-call';
    const told = synthesize({ alarmEmail: 'admins@example.org', alarmTopicArn: topicArn });
    try {
      const [topic] = told.ofType('AWS::SNS::Topic');
      for (const { properties } of told.ofType('AWS::CloudWatch::Alarm')) {
        expect(properties.AlarmActions).toEqual([{ Ref: topic?.id }, topicArn]);
        expect(properties.OKActions).toEqual(properties.AlarmActions);
      }
    } finally {
      told.remove();
    }
  });

  test('watch what the synchronisation says of itself; silence about the age is the worst', () => {
    const own = ofType('AWS::CloudWatch::Alarm').filter(
      ({ properties }) =>
        properties.Namespace === metricsNamespace && JSON.stringify(properties.Dimensions).includes('"sync-index"'),
    );
    expect(
      own.map(({ properties: { MetricName, Statistic, Threshold, EvaluationPeriods, TreatMissingData } }) => [
        MetricName,
        Statistic,
        Threshold,
        EvaluationPeriods,
        TreatMissingData,
      ]),
    ).toEqual([
      ['IndexAgeSeconds', 'Maximum', 38 * 86_400, 3, 'breaching'],
      ['SyncRefused', 'Maximum', 0, 1, 'notBreaching'],
      ['SyncFailed', 'Minimum', 0, 6, 'notBreaching'],
    ]);
    for (const { properties } of own) {
      expect(Object.keys(metricUnits)).toContain(properties.MetricName);
      expect(properties.Dimensions).toEqual([{ Name: 'service', Value: 'sync-index' }]);
      expect(properties.Period).toBe(3600);
    }
  });
});

describe('props', () => {
  test('reach what they are for', () => {
    const other = synthesize({
      indexUrl: 'https://download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab',
      syncEvery: Duration.hours(6),
      sweepEvery: Duration.minutes(10),
      workerTimeout: Duration.minutes(5),
      workerMemoryMiB: 1024,
      workerConcurrency: 20,
      indexRoots: '-----BEGIN CERTIFICATE-----',
      allowSha1Signatures: true,
      maxShrinkPercent: 35,
      requestsPerPersonAndMinute: 600,
    });
    try {
      const text = JSON.stringify(other.template);
      expect(text).toContain('"INDEX_URL":"https://download.windowsupdate.com/');
      expect(text).toContain('"INDEX_ROOTS":"-----BEGIN CERTIFICATE-----"');
      expect(text).toContain('"INDEX_ALLOW_SHA1":"true"');
      expect(text).toContain('"MAX_SHRINK_PERCENT":"35"');
      expect(text).toContain('rate(6 hours)');
      expect(text).toContain('rate(10 minutes)');
      expect(text).toContain('"VisibilityTimeout":1800');
      expect(text).toContain('"REQUEUE_AFTER_SECONDS":"7200"');
      expect(text).toContain('"MemorySize":1024');
      expect(text).toContain('"MaximumConcurrency":20');
      expect(text).toContain('"REQUESTS_PER_PERSON_AND_MINUTE":"600"');
      expect(JSON.stringify(synthesized.template)).toContain('"REQUESTS_PER_PERSON_AND_MINUTE":"120"');
    } finally {
      other.remove();
    }
  });
});

test('the outputs are the names that the command line, the agents and the runner know', () => {
  expect(Object.keys(synthesized.template.Outputs)).toEqual([
    'ApiUrl',
    'RepositoryUrl',
    'RepositoryKeyPairId',
    'Issuer',
    'ClientId',
    'LoginDomain',
    'FetchQueueUrl',
    'FetchDeadLetterQueueUrl',
    'PublishQueueUrl',
    'PublishDeadLetterQueueUrl',
    'FleetFailuresQueueUrl',
    'SyncIndexFunction',
    'SweepRequestsFunction',
    'PublishRepositoryFunction',
    'FetchPayloadFunction',
    'AggregateFleetFunction',
    'CleanPayloadsFunction',
    'AnchorAuditFunction',
    'ServeAgentsFunction',
    'ServeOperatorsFunction',
    'CatalogTable',
    'PayloadsTable',
    'RequestsTable',
    'HostsTable',
    'RulesTable',
    'TokensTable',
    'CommandsTable',
    'AuditTable',
    'EventBus',
    'FleetBucket',
    'IndexBucket',
    'PayloadsBucket',
    'RepositoryBucket',
    'OnlineKeyId',
    'AuditBucket',
  ]);
});

test('the stack is made of these resources', () => {
  const counts: Record<string, number> = {};
  for (const { Type } of Object.values(synthesized.template.Resources)) counts[Type] = (counts[Type] ?? 0) + 1;
  expect(counts).toMatchInlineSnapshot(`
    {
      "AWS::ApiGatewayV2::Api": 1,
      "AWS::ApiGatewayV2::Integration": 2,
      "AWS::ApiGatewayV2::Route": 45,
      "AWS::ApiGatewayV2::Stage": 1,
      "AWS::CloudFront::CachePolicy": 2,
      "AWS::CloudFront::Distribution": 1,
      "AWS::CloudFront::KeyGroup": 1,
      "AWS::CloudFront::OriginAccessControl": 1,
      "AWS::CloudFront::PublicKey": 1,
      "AWS::CloudFront::ResponseHeadersPolicy": 1,
      "AWS::CloudWatch::Alarm": 22,
      "AWS::Cognito::UserPool": 1,
      "AWS::Cognito::UserPoolClient": 1,
      "AWS::Cognito::UserPoolDomain": 1,
      "AWS::Cognito::UserPoolGroup": 3,
      "AWS::DynamoDB::Table": 10,
      "AWS::Events::EventBus": 1,
      "AWS::IAM::Policy": 16,
      "AWS::IAM::Role": 15,
      "AWS::KMS::Key": 1,
      "AWS::Lambda::EventInvokeConfig": 5,
      "AWS::Lambda::EventSourceMapping": 3,
      "AWS::Lambda::Function": 9,
      "AWS::Lambda::Permission": 6,
      "AWS::Logs::LogGroup": 10,
      "AWS::S3::Bucket": 5,
      "AWS::S3::BucketPolicy": 5,
      "AWS::SQS::Queue": 5,
      "AWS::SQS::QueuePolicy": 5,
      "AWS::Scheduler::Schedule": 6,
      "AWS::SecretsManager::Secret": 1,
    }
  `);
});
