/** Roles and policies, functions with what invokes them, schedules. */
import * as z from 'zod/mini';
import { flag, kind, modelled, physicalName, tagged, wholeNumber } from './kind.ts';
import { policyDocument } from './policy-document.ts';

const unnamed = ({ logicalId }: { readonly logicalId: string }) => ({ ref: logicalId, attributes: {} });

export const role = kind(
  'AWS::IAM::Role',
  modelled(
    {
      RoleName: z.optional(z.string()),
      Path: z.optional(z.literal('/')),
      AssumeRolePolicyDocument: policyDocument,
      ManagedPolicyArns: z._default(z.array(z.string()), []),
      Policies: z._default(z.array(z.strictObject({ PolicyName: z.string(), PolicyDocument: policyDocument })), []),
    },
    { ...tagged, Description: 'for people', MaxSessionDuration: 'sessions last as long as the stack runs' },
  ),
  (context) => {
    const name = physicalName(context, 'RoleName', 64);
    return { ref: name, attributes: { Arn: `arn:aws:iam::${context.accountId}:role/${name}` } };
  },
);

export const policy = kind(
  'AWS::IAM::Policy',
  modelled({ PolicyName: z.string(), PolicyDocument: policyDocument, Roles: z.array(z.string()) }),
  unnamed,
);

export const managedPolicy = kind(
  'AWS::IAM::ManagedPolicy',
  modelled(
    {
      ManagedPolicyName: z.optional(z.string()),
      PolicyDocument: policyDocument,
      Roles: z._default(z.array(z.string()), []),
      Path: z.optional(z.literal('/')),
    },
    { Description: 'for people' },
  ),
  (context) => ({
    ref: `arn:aws:iam::${context.accountId}:policy/${physicalName(context, 'ManagedPolicyName', 128)}`,
    attributes: {},
  }),
);

export const lambdaFunction = kind(
  'AWS::Lambda::Function',
  modelled(
    {
      FunctionName: z.optional(z.string()),
      Code: z.strictObject({ S3Bucket: z.string(), S3Key: z.string() }),
      Handler: z.string(),
      Runtime: z.enum(['nodejs22.x', 'nodejs24.x']),
      Role: z.string(),
      MemorySize: z._default(wholeNumber, 128),
      Timeout: z._default(wholeNumber, 3),
      Environment: z._default(z.strictObject({ Variables: z._default(z.record(z.string(), z.string()), {}) }), {
        Variables: {},
      }),
      PackageType: z.optional(z.literal('Zip')),
      ReservedConcurrentExecutions: z.optional(wholeNumber),
      LoggingConfig: z.optional(
        modelled(
          {
            LogFormat: z.optional(z.enum(['JSON', 'Text'])),
            ApplicationLogLevel: z.optional(z.string()),
          },
          {
            LogGroup: 'lines go to the log of the runner',
            SystemLogLevel: 'lines of the platform go to the log of the runner with their own level',
          },
        ),
      ),
    },
    {
      ...tagged,
      Architectures: 'functions are JavaScript; they run on the processor of this machine',
      Description: 'for people',
      EphemeralStorage: 'the temporary folder is as large as the disk of this machine',
      RecursiveLoop: 'a guard against bills',
      TracingConfig: 'traces are for people',
    },
  ),
  (context) => {
    const name = physicalName(context, 'FunctionName', 64);
    return {
      ref: name,
      attributes: { Arn: `arn:aws:lambda:${context.region}:${context.accountId}:function:${name}` },
    };
  },
);

export const permission = kind(
  'AWS::Lambda::Permission',
  modelled({
    Action: z.string(),
    FunctionName: z.string(),
    Principal: z.string(),
    SourceArn: z.optional(z.string()),
    SourceAccount: z.optional(z.string()),
  }),
  unnamed,
);

export const eventInvokeConfig = kind(
  'AWS::Lambda::EventInvokeConfig',
  modelled({
    FunctionName: z.string(),
    Qualifier: z.literal('$LATEST'),
    MaximumRetryAttempts: z._default(wholeNumber, 2),
    MaximumEventAgeInSeconds: z._default(wholeNumber, 21_600),
  }),
  unnamed,
);

export const eventSourceMapping = kind(
  'AWS::Lambda::EventSourceMapping',
  modelled(
    {
      EventSourceArn: z.string(),
      FunctionName: z.string(),
      Enabled: z._default(flag, true),
      /** Lambda's own default is 10 for a queue and 100 for a stream. */
      BatchSize: z.optional(wholeNumber),
      MaximumBatchingWindowInSeconds: z._default(wholeNumber, 0),
      FunctionResponseTypes: z._default(z.array(z.literal('ReportBatchItemFailures')), []),
      /** Of a queue. */
      ScalingConfig: z.optional(z.strictObject({ MaximumConcurrency: wholeNumber })),
      /** Of a stream, like all that follow; -1 stands for no bound. */
      StartingPosition: z.optional(z.enum(['TRIM_HORIZON', 'LATEST'])),
      BisectBatchOnFunctionError: z._default(flag, false),
      MaximumRetryAttempts: z._default(wholeNumber, -1),
      MaximumRecordAgeInSeconds: z._default(wholeNumber, -1),
      ParallelizationFactor: z._default(z.literal(1), 1),
      DestinationConfig: z.optional(
        z.strictObject({ OnFailure: z.optional(z.strictObject({ Destination: z.string() })) }),
      ),
    },
    { ...tagged, MetricsConfig: 'a metric' },
  ),
  unnamed,
);

export const schedule = kind(
  'AWS::Scheduler::Schedule',
  modelled(
    {
      Name: z.optional(z.string()),
      GroupName: z._default(z.string(), 'default'),
      ScheduleExpression: z.string(),
      ScheduleExpressionTimezone: z._default(z.string(), 'UTC'),
      State: z._default(z.enum(['ENABLED', 'DISABLED']), 'ENABLED'),
      Target: modelled(
        {
          Arn: z.string(),
          RoleArn: z.string(),
          Input: z.optional(z.string()),
          DeadLetterConfig: z.optional(z.strictObject({ Arn: z.string() })),
        },
        { RetryPolicy: 'retries what the target did not accept; an embedded target accepts, or denies for good' },
      ),
    },
    { Description: 'for people', FlexibleTimeWindow: 'the window spreads load; the start of it is always in it' },
  ),
  (context) => {
    const name = physicalName(context, 'Name', 64);
    const group = context.given('GroupName') ?? 'default';
    return {
      ref: name,
      attributes: { Arn: `arn:aws:scheduler:${context.region}:${context.accountId}:schedule/${group}/${name}` },
    };
  },
);

export const scheduleGroup = kind(
  'AWS::Scheduler::ScheduleGroup',
  modelled({ Name: z.optional(z.string()) }, tagged),
  (context) => {
    const name = physicalName(context, 'Name', 64);
    return {
      ref: name,
      attributes: { Arn: `arn:aws:scheduler:${context.region}:${context.accountId}:schedule-group/${name}` },
    };
  },
);
