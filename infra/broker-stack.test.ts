import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { publicPrefixes } from '#shared/contract/keys.ts';
import { metricsNamespace, metricUnits } from '#shared/contract/metrics.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { functionsDir, projectDir } from './kit/paths.ts';
import { type Resource, type Synthesized, synthesize } from './testing/synth.ts';

let synthesized: Synthesized;
beforeAll(() => {
  synthesized = synthesize();
});
afterAll(() => synthesized.remove());

const ofType = (...types: string[]): readonly Resource[] => synthesized.ofType(...types);

const statement = z.object({
  Effect: z.string(),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.optional(z.unknown()),
  Principal: z.optional(z.unknown()),
  Condition: z.optional(z.record(z.string(), z.record(z.string(), z.unknown()))),
});
type Statement = z.infer<typeof statement>;
const document = z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) });
const statementsOf = (resource: Resource): readonly Statement[] =>
  document.parse(resource.properties).PolicyDocument.Statement;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** Path part of an object ARN of a bucket: what `Fn::Join` puts behind the bucket's ARN. */
const joinedTail = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const tailOf = (resource: unknown): string => {
  const parsed = joinedTail.safeParse(resource);
  return parsed.success ? String(parsed.data['Fn::Join'][1].at(-1)) : '';
};

describe('state', () => {
  const stateful = [
    'AWS::DynamoDB::Table',
    'AWS::S3::Bucket',
    'AWS::SQS::Queue',
    'AWS::SecretsManager::Secret',
  ] as const;

  test('stays when it leaves the stack', () => {
    const kept = ofType(...stateful).map((resource) => [
      resource.id,
      resource.deletionPolicy,
      resource.updateReplacePolicy,
    ]);
    expect(kept).toHaveLength(10);
    expect(kept.filter(([, deletion, replacement]) => deletion !== 'Retain' || replacement !== 'Retain')).toEqual([]);
  });

  test('can be given up, for a trial', () => {
    const trial = synthesize({ stateRemoval: RemovalPolicy.DESTROY });
    try {
      expect(new Set(trial.ofType(...stateful).map((resource) => resource.deletionPolicy))).toEqual(
        new Set(['Delete']),
      );
      for (const table of trial.ofType('AWS::DynamoDB::Table')) {
        expect(table.properties.DeletionProtectionEnabled).toBe(false);
      }
    } finally {
      trial.remove();
    }
  });

  test('in tables is encrypted, on demand, restorable and protected from deletion', () => {
    for (const { properties } of ofType('AWS::DynamoDB::Table')) {
      expect(properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        SSESpecification: { SSEEnabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      });
    }
  });

  test('in buckets is encrypted and never public, and unfinished work is dropped', () => {
    for (const { properties } of ofType('AWS::S3::Bucket')) {
      expect(properties).toMatchObject({
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      });
      const lifecycle = JSON.stringify(properties.LifecycleConfiguration);
      expect(lifecycle).toContain('"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}');
      // Only staging may expire: nothing published does.
      expect(lifecycle.match(/"ExpirationInDays"/g)).toHaveLength(1);
      expect(lifecycle).toContain('"Prefix":"staging/"');
    }
  });

  test('in queues is encrypted', () => {
    for (const { properties } of ofType('AWS::SQS::Queue')) expect(properties.SqsManagedSseEnabled).toBe(true);
  });

  test('is reached by TLS only', () => {
    const policies = ofType('AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy');
    expect(policies).toHaveLength(4);
    for (const policy of policies) {
      const denied = statementsOf(policy).filter(
        (one) => one.Effect === 'Deny' && one.Condition?.Bool?.['aws:SecureTransport'] === 'false',
      );
      expect(denied, policy.id).toHaveLength(1);
    }
  });
});

describe('permissions', () => {
  test('name their actions, without a wildcard', () => {
    const actions = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy).flatMap((one) => list(one.Action).map(String)),
    );
    expect(actions.length).toBeGreaterThan(20);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('name their resources; the only wildcard is the rest of a key under a prefix', () => {
    const allowed = ['/index/*', '/catalog/*', '/payloads/*', '/staging/*'];
    const surprising = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .flatMap((one) => list(one.Resource))
        .filter((resource) => JSON.stringify(resource).includes('*') && !allowed.includes(tailOf(resource)))
        .map((resource) => [policy.id, resource]),
    );
    expect(surprising).toEqual([]);
  });

  test('come from the stack alone, not from managed policies', () => {
    for (const { properties } of ofType('AWS::IAM::Role')) expect(properties.ManagedPolicyArns).toBeUndefined();
  });

  test('let nobody delete what was published', () => {
    const deletable = ofType('AWS::IAM::Policy').flatMap((policy) =>
      statementsOf(policy)
        .filter((one) => list(one.Action).includes('s3:DeleteObject'))
        .flatMap((one) => list(one.Resource).map(tailOf)),
    );
    expect(new Set(deletable)).toEqual(new Set(['/staging/*']));
  });

  test('let only the worker write payloads and only the synchronisation write the index', () => {
    const writers = (tail: string) =>
      ofType('AWS::IAM::Policy')
        .filter((policy) =>
          statementsOf(policy).some(
            (one) => list(one.Action).includes('s3:PutObject') && list(one.Resource).map(tailOf).includes(tail),
          ),
        )
        .map((policy) => policy.id.replace(/RoleDefaultPolicy.*/, ''));
    expect(writers('/payloads/*')).toEqual(['FetchPayload']);
    expect(writers('/index/*')).toEqual(['SyncIndex']);
  });

  test('give the agents’ function nothing of an operator', () => {
    const policy = ofType('AWS::IAM::Policy').find((one) => one.id.startsWith('ServeAgents'));
    if (!policy) throw new Error('no policy of ServeAgents');
    const actions = statementsOf(policy).flatMap((one) => list(one.Action).map(String));
    expect(actions).not.toContain('lambda:InvokeFunction');
    expect(actions.filter((action) => action.startsWith('s3:'))).toEqual([]);
    const onRules = statementsOf(policy).filter((one) => JSON.stringify(one.Resource).includes('RulesTable'));
    expect(onRules.flatMap((one) => list(one.Action))).toEqual(['dynamodb:GetItem']);
  });
});

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
    const [worker] = ofType('AWS::Lambda::Function').filter((fn) => nameOf(fn) === 'fetch-payload');
    const [queue] = ofType('AWS::SQS::Queue').filter(({ properties }) => properties.RedrivePolicy !== undefined);
    expect(queue?.properties.VisibilityTimeout).toBe(6 * Number(worker?.properties.Timeout));
    const [mapping, ...others] = ofType('AWS::Lambda::EventSourceMapping');
    expect(others).toEqual([]);
    expect(mapping?.properties).toMatchObject({
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
  });

  test('that give up count deliveries as the queue does', () => {
    const [worker] = ofType('AWS::Lambda::Function').filter((fn) => nameOf(fn) === 'fetch-payload');
    const [queue] = ofType('AWS::SQS::Queue').filter(({ properties }) => properties.RedrivePolicy !== undefined);
    if (!worker || !queue) throw new Error('no worker or no queue');
    const { maxReceiveCount } = z.object({ maxReceiveCount: z.int() }).parse(queue.properties.RedrivePolicy);
    expect(variables.parse(worker.properties).Environment.Variables.MAX_RECEIVE_COUNT).toBe(String(maxReceiveCount));
  });

  test('that run on a schedule are started by a role that may do nothing else', () => {
    const schedules = ofType('AWS::Scheduler::Schedule');
    expect(schedules.map(({ properties }) => properties.ScheduleExpression).sort()).toEqual([
      'rate(1 hour)',
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

describe('edge', () => {
  const routes = () =>
    new Map(ofType('AWS::ApiGatewayV2::Route').map(({ properties }) => [properties.RouteKey, properties]));

  test('has a route for each endpoint and no other, with the right authorization', () => {
    const expected = [
      ...Object.values(agentEndpoints).map(({ method, path }) => [`${method} ${path}`, 'NONE']),
      ...Object.values(operatorEndpoints).map(({ method, path }) => [`${method} ${path}`, 'AWS_IAM']),
    ];
    const actual = [...routes()].map(([key, properties]) => [key, properties.AuthorizationType]);
    expect(actual.sort()).toEqual(expected.sort());
  });

  test('sends agents and operators to different functions', () => {
    const integrations = new Map(
      ofType('AWS::ApiGatewayV2::Integration').map(({ id, properties }) => [
        id,
        JSON.stringify(properties.IntegrationUri),
      ]),
    );
    const targetOf = (key: string) => {
      const target = joinedTail.parse(routes().get(key)?.Target)['Fn::Join'][1].at(-1);
      return integrations.get(z.object({ Ref: z.string() }).parse(target).Ref);
    };
    expect(targetOf('POST /v1/agent/reports')).toContain('ServeAgents');
    expect(targetOf('PUT /v1/rules')).toContain('ServeOperators');
  });

  test('limits and logs requests', () => {
    const [stage] = ofType('AWS::ApiGatewayV2::Stage');
    expect(stage?.properties.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 });
    expect(stage?.properties.AccessLogSettings).toBeDefined();
  });

  const distributionConfig = z.object({
    DistributionConfig: z.object({
      DefaultCacheBehavior: z.record(z.string(), z.unknown()),
      CacheBehaviors: z.array(z.record(z.string(), z.unknown())),
      Origins: z.array(z.record(z.string(), z.unknown())),
      ViewerCertificate: z.optional(z.record(z.string(), z.unknown())),
      Aliases: z.optional(z.array(z.string())),
    }),
  });

  test('serves the public prefixes over HTTPS, to readers only, and the pointer briefly', () => {
    const [distribution] = ofType('AWS::CloudFront::Distribution');
    const config = distributionConfig.parse(distribution?.properties).DistributionConfig;
    expect(config.CacheBehaviors.map((behaviour) => behaviour.PathPattern)).toEqual([
      '/index/current.json',
      '/index/*',
      '/payloads/*',
    ]);
    for (const behaviour of [config.DefaultCacheBehavior, ...config.CacheBehaviors]) {
      expect(behaviour).toMatchObject({
        ViewerProtocolPolicy: 'https-only',
        AllowedMethods: ['GET', 'HEAD'],
        Compress: false,
      });
      expect(behaviour.ResponseHeadersPolicyId).toBeDefined();
    }
    const ttl = new Map(
      ofType('AWS::CloudFront::CachePolicy').map(({ id, properties }) => [
        id,
        z.object({ MaxTTL: z.number() }).parse(properties.CachePolicyConfig).MaxTTL,
      ]),
    );
    const policyOf = (index: number) =>
      z.object({ Ref: z.string() }).parse(config.CacheBehaviors[index]?.CachePolicyId).Ref;
    expect([0, 1, 2].map((index) => ttl.get(policyOf(index)))).toEqual([60, 31_536_000, 31_536_000]);
    for (const origin of config.Origins) expect(origin.OriginAccessControlId).toBeDefined();
  });

  test('lets CloudFront read exactly the public prefixes', () => {
    const readable = ofType('AWS::S3::BucketPolicy').flatMap((policy) =>
      statementsOf(policy)
        .filter((one) => one.Effect === 'Allow')
        .map((one) => {
          expect(one.Principal).toEqual({ Service: 'cloudfront.amazonaws.com' });
          expect(one.Action).toBe('s3:GetObject');
          expect(Object.keys(one.Condition?.StringEquals ?? {})).toEqual(['AWS:SourceArn']);
          return tailOf(one.Resource);
        }),
    );
    expect(readable.sort()).toEqual(publicPrefixes.map((prefix) => `/${prefix}*`));
  });

  test('refuses old TLS when the repository has a name of its own', () => {
    const named = synthesize({
      repositoryDomain: {
        name: 'updates.example.org',
        certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/5f0d1e2c',
      },
    });
    try {
      const [distribution] = named.ofType('AWS::CloudFront::Distribution');
      const config = distributionConfig.parse(distribution?.properties).DistributionConfig;
      expect(config.Aliases).toEqual(['updates.example.org']);
      expect(config.ViewerCertificate?.MinimumProtocolVersion).toBe('TLSv1.2_2021');
      expect(named.template.Outputs.RepositoryUrl?.Value).toBe('https://updates.example.org');
    } finally {
      named.remove();
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
    const own = ofType('AWS::CloudWatch::Alarm').filter(({ properties }) => properties.Namespace === metricsNamespace);
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
    });
    try {
      const text = JSON.stringify(other.template);
      expect(text).toContain('"INDEX_URL":"https://download.windowsupdate.com/');
      expect(text).toContain('rate(6 hours)');
      expect(text).toContain('rate(10 minutes)');
      expect(text).toContain('"VisibilityTimeout":1800');
      expect(text).toContain('"REQUEUE_AFTER_SECONDS":"7200"');
      expect(text).toContain('"MemorySize":1024');
      expect(text).toContain('"MaximumConcurrency":20');
    } finally {
      other.remove();
    }
  });
});

test('the outputs are the names that the command line, the agents and the runner know', () => {
  expect(Object.keys(synthesized.template.Outputs)).toEqual([
    'ApiUrl',
    'RepositoryUrl',
    'AgentSecretArn',
    'FetchQueueUrl',
    'FetchDeadLetterQueueUrl',
    'SyncIndexFunction',
    'SweepRequestsFunction',
    'FetchPayloadFunction',
    'ServeAgentsFunction',
    'ServeOperatorsFunction',
    'CatalogTable',
    'PayloadsTable',
    'RequestsTable',
    'HostsTable',
    'RulesTable',
    'IndexBucket',
    'PayloadsBucket',
  ]);
});

test('the stack is made of these resources', () => {
  const counts: Record<string, number> = {};
  for (const { Type } of Object.values(synthesized.template.Resources)) counts[Type] = (counts[Type] ?? 0) + 1;
  expect(counts).toMatchInlineSnapshot(`
    {
      "AWS::ApiGatewayV2::Api": 1,
      "AWS::ApiGatewayV2::Integration": 2,
      "AWS::ApiGatewayV2::Route": 13,
      "AWS::ApiGatewayV2::Stage": 1,
      "AWS::CloudFront::CachePolicy": 2,
      "AWS::CloudFront::Distribution": 1,
      "AWS::CloudFront::OriginAccessControl": 1,
      "AWS::CloudFront::ResponseHeadersPolicy": 1,
      "AWS::CloudWatch::Alarm": 10,
      "AWS::DynamoDB::Table": 5,
      "AWS::IAM::Policy": 7,
      "AWS::IAM::Role": 7,
      "AWS::Lambda::EventInvokeConfig": 2,
      "AWS::Lambda::EventSourceMapping": 1,
      "AWS::Lambda::Function": 5,
      "AWS::Lambda::Permission": 13,
      "AWS::Logs::LogGroup": 6,
      "AWS::S3::Bucket": 2,
      "AWS::S3::BucketPolicy": 2,
      "AWS::SQS::Queue": 2,
      "AWS::SQS::QueuePolicy": 2,
      "AWS::Scheduler::Schedule": 2,
      "AWS::SecretsManager::Secret": 1,
    }
  `);
});
