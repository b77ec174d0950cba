/** Buckets, tables, queues, secrets, event buses and keys that sign. */
import * as z from 'zod/mini';
import { flag, generatedId, kind, modelled, physicalName, tagged, wholeNumber } from './kind.ts';
import { policyDocument } from './policy-document.ts';

const encryption = 'encryption at rest does not show in any answer';

export const bucket = kind(
  'AWS::S3::Bucket',
  modelled(
    {
      BucketName: z.optional(z.string()),
      LifecycleConfiguration: z.optional(
        z.strictObject({
          Rules: z.array(
            z.strictObject({
              Id: z.optional(z.string()),
              Status: z.enum(['Enabled', 'Disabled']),
              Prefix: z._default(z.string(), ''),
              ExpirationInDays: z.optional(wholeNumber),
              // Nobody who reads an object sees its storage class.
              Transitions: z.optional(
                z.array(z.strictObject({ StorageClass: z.string(), TransitionInDays: wholeNumber })),
              ),
              AbortIncompleteMultipartUpload: z.optional(z.strictObject({ DaysAfterInitiation: wholeNumber })),
            }),
          ),
        }),
      ),
      ObjectLockEnabled: z.optional(flag),
      ObjectLockConfiguration: z.optional(
        z.strictObject({
          ObjectLockEnabled: z.literal('Enabled'),
          Rule: z.optional(
            z.strictObject({
              DefaultRetention: z.strictObject({
                Mode: z.enum(['COMPLIANCE', 'GOVERNANCE']),
                Days: z.optional(wholeNumber),
                Years: z.optional(wholeNumber),
              }),
            }),
          ),
        }),
      ),
    },
    {
      ...tagged,
      BucketEncryption: encryption,
      LoggingConfiguration: 'access logs are for people',
      OwnershipControls: 'the stack has one account',
      PublicAccessBlockConfiguration: 'nothing is public: requests without a signature are refused anyway',
      VersioningConfiguration: 'old versions are for an administrator who restores; only the current one is kept',
    },
  ),
  (context) => {
    const name = physicalName(context, 'BucketName', 63).toLowerCase();
    return {
      ref: name,
      attributes: {
        Arn: `arn:aws:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${context.region}.amazonaws.com`,
      },
    };
  },
);

export const bucketPolicy = kind(
  'AWS::S3::BucketPolicy',
  modelled({ Bucket: z.string(), PolicyDocument: policyDocument }),
  ({ logicalId }) => ({ ref: logicalId, attributes: {} }),
);

const keySchema = z.array(z.strictObject({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const attributeDefinitions = z.array(
  z.strictObject({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) }),
);
const secondaryIndex = modelled(
  {
    IndexName: z.string(),
    KeySchema: keySchema,
    Projection: z.strictObject({
      ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']),
      NonKeyAttributes: z.optional(z.array(z.string())),
    }),
  },
  {
    ContributorInsightsSpecification: 'a metric',
    OnDemandThroughput: 'nothing is throttled locally',
    WriteOnDemandThroughputSettings: 'nothing is throttled locally',
  },
);
const timeToLive = z.strictObject({ AttributeName: z.string(), Enabled: flag });

const tableShape = {
  TableName: z.optional(z.string()),
  AttributeDefinitions: attributeDefinitions,
  KeySchema: keySchema,
  BillingMode: z.optional(z.literal('PAY_PER_REQUEST')),
  GlobalSecondaryIndexes: z.optional(z.array(secondaryIndex)),
  TimeToLiveSpecification: z.optional(timeToLive),
  StreamSpecification: z.optional(
    modelled(
      { StreamViewType: z.enum(['KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES']) },
      { ResourcePolicy: 'the roles of the stack have policies of their own' },
    ),
  ),
  ResourcePolicy: z.optional(z.strictObject({ PolicyDocument: policyDocument })),
};
const tableInert = {
  ...tagged,
  ContributorInsightsSpecification: 'a metric',
  DeletionProtectionEnabled: 'the runner deletes no table',
  OnDemandThroughput: 'nothing is throttled locally',
  PointInTimeRecoverySpecification: 'backups are for an administrator who restores',
  SSESpecification: encryption,
  WriteOnDemandThroughputSettings: 'nothing is throttled locally',
};

const tableIdentity = (context: Parameters<typeof bucket.identify>[0]) => {
  const name = physicalName(context, 'TableName', 255);
  const arn = `arn:aws:dynamodb:${context.region}:${context.accountId}:table/${name}`;
  // The label at the end is the service's; the provisioner puts the ARN that the stream really got.
  return { ref: name, attributes: { Arn: arn, StreamArn: `${arn}/stream/none` } };
};

export const table = kind('AWS::DynamoDB::Table', modelled(tableShape, tableInert), tableIdentity);

export const globalTable = kind(
  'AWS::DynamoDB::GlobalTable',
  modelled(
    {
      ...tableShape,
      Replicas: z
        .array(
          modelled(
            { Region: z.string() },
            { ...tableInert, GlobalSecondaryIndexes: 'a replica repeats the names of the table’s indexes' },
          ),
        )
        .check(z.length(1, 'must be one replica: other regions are not modelled')),
    },
    tableInert,
  ),
  tableIdentity,
);

export const queue = kind(
  'AWS::SQS::Queue',
  modelled(
    {
      QueueName: z.optional(z.string()),
      VisibilityTimeout: z._default(wholeNumber, 30),
      DelaySeconds: z._default(wholeNumber, 0),
      ReceiveMessageWaitTimeSeconds: z._default(wholeNumber, 0),
      RedrivePolicy: z.optional(z.strictObject({ deadLetterTargetArn: z.string(), maxReceiveCount: wholeNumber })),
      FifoQueue: z.optional(z.literal(true)),
      ContentBasedDeduplication: z.optional(flag),
    },
    {
      ...tagged,
      KmsMasterKeyId: encryption,
      KmsDataKeyReusePeriodSeconds: encryption,
      SqsManagedSseEnabled: encryption,
      MessageRetentionPeriod: 'expiry after days is left out: nothing in a local data folder ages so long',
      RedriveAllowPolicy: 'says which queues may name this one; the template is the only one to name it',
    },
  ),
  (context) => {
    // CloudFormation adds the suffix to the name that it makes; it is told of the kind by a property.
    const fifo = context.given('FifoQueue') === 'true';
    const name = fifo ? `${physicalName(context, 'QueueName', 75)}.fifo` : physicalName(context, 'QueueName', 80);
    return {
      ref: `https://sqs.${context.region}.amazonaws.com/${context.accountId}/${name}`,
      attributes: { Arn: `arn:aws:sqs:${context.region}:${context.accountId}:${name}`, QueueName: name },
    };
  },
);

export const queuePolicy = kind(
  'AWS::SQS::QueuePolicy',
  modelled({ Queues: z.array(z.string()), PolicyDocument: policyDocument }),
  ({ logicalId }) => ({ ref: logicalId, attributes: {} }),
);

export const secret = kind(
  'AWS::SecretsManager::Secret',
  modelled(
    {
      Name: z.optional(z.string()),
      SecretString: z.optional(z.string()),
      GenerateSecretString: z.optional(
        z.strictObject({
          PasswordLength: z._default(wholeNumber, 32),
          ExcludeCharacters: z._default(z.string(), ''),
          ExcludeLowercase: z._default(flag, false),
          ExcludeUppercase: z._default(flag, false),
          ExcludeNumbers: z._default(flag, false),
          ExcludePunctuation: z._default(flag, false),
          IncludeSpace: z._default(flag, false),
          RequireEachIncludedType: z._default(flag, true),
          SecretStringTemplate: z.optional(z.string()),
          GenerateStringKey: z.optional(z.string()),
        }),
      ),
    },
    { ...tagged, Description: 'for people', KmsKeyId: encryption },
  ),
  (context) => {
    const name = physicalName(context, 'Name', 512);
    // The six random characters at the end are AWS's; the provisioner puts the ARN that the service really gave.
    const arn = `arn:aws:secretsmanager:${context.region}:${context.accountId}:secret:${name}-000000`;
    return { ref: arn, attributes: { Id: arn } };
  },
);

export const secretPolicy = kind(
  'AWS::SecretsManager::ResourcePolicy',
  modelled(
    { SecretId: z.string(), ResourcePolicy: policyDocument },
    { BlockPublicPolicy: 'checks the policy when it is put, not calls' },
  ),
  ({ logicalId }) => ({ ref: logicalId, attributes: {} }),
);

export const eventBus = kind(
  'AWS::Events::EventBus',
  modelled({ Name: z.string() }, { ...tagged, Description: 'for people', KmsKeyIdentifier: encryption }),
  (context) => {
    const name = physicalName(context, 'Name', 256);
    const arn = `arn:aws:events:${context.region}:${context.accountId}:event-bus/${name}`;
    return { ref: name, attributes: { Arn: arn, Name: name } };
  },
);

export const kmsKey = kind(
  'AWS::KMS::Key',
  modelled(
    {
      KeySpec: z.literal('ECC_NIST_P256'),
      KeyUsage: z.literal('SIGN_VERIFY'),
      KeyPolicy: policyDocument,
      Description: z._default(z.string(), ''),
    },
    { ...tagged, PendingWindowInDays: 'the runner deletes no key' },
  ),
  (context) => {
    // Ids are KMS's; the provisioner puts the one that the service really gave.
    const id = `00000000-0000-4000-8000-${generatedId(context, 12)}`;
    return { ref: id, attributes: { Arn: `arn:aws:kms:${context.region}:${context.accountId}:key/${id}`, KeyId: id } };
  },
);
