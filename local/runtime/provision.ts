/**
 * Makes the buckets, tables, queues, secrets, keys and event buses of the template, by the calls that CloudFormation would make. What is
 * there already stays with what it holds, so that a restart goes on where the stack ended.
 */
import { randomInt } from 'node:crypto';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ResourceNotFoundException as NoSuchTable,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { CreateEventBusCommand, EventBridgeClient, ResourceAlreadyExistsException } from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient, ListKeysCommand, ListResourceTagsCommand } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  ResourceNotFoundException as NoSuchSecret,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Identity } from '#local/assembly/resources/kind.ts';
import * as storage from '#local/assembly/resources/storage.ts';
import type { Resource, StackModel } from '#local/assembly/stack-model.ts';
import type { Credentials, LocalStack } from '#local/types.ts';
import { RuntimeError } from './runtime-error.ts';

type PropertiesOf<K extends { readonly schema: { readonly _zod: { readonly output: unknown } } }> =
  K['schema']['_zod']['output'];
type Table = Resource<PropertiesOf<typeof storage.table>>;

export interface ProvisionOptions {
  readonly endpoints: Pick<
    LocalStack['endpoints'],
    's3' | 'dynamodb' | 'sqs' | 'secretsManager' | 'kms' | 'eventBridge'
  >;
  readonly administrator: Credentials;
  /** Divides visibility timeouts and delays. */
  readonly speed: number;
}

/** What only the running services know. */
export interface Provisioned {
  /** Identities to resolve references with, by logical id. */
  readonly identities: ReadonlyMap<string, Identity>;
  /** Address that a queue really has, by the address that AWS would give it. */
  readonly queueUrls: ReadonlyMap<string, string>;
}

/** Idempotent. */
export async function provision(model: StackModel, options: ProvisionOptions): Promise<Provisioned> {
  const { endpoints, administrator } = options;
  const as = { region: model.region, credentials: administrator };
  const s3 = new S3Client({ ...as, endpoint: endpoints.s3, forcePathStyle: true });
  const dynamodb = new DynamoDBClient({ ...as, endpoint: endpoints.dynamodb });
  const sqs = new SQSClient({ ...as, endpoint: endpoints.sqs });
  const secrets = new SecretsManagerClient({ ...as, endpoint: endpoints.secretsManager });
  const kms = new KMSClient({ ...as, endpoint: endpoints.kms });
  const eventBridge = new EventBridgeClient({ ...as, endpoint: endpoints.eventBridge });
  try {
    const [, tables, queueUrls, secretIdentities, keyIdentities] = await Promise.all([
      makeBuckets(model, s3),
      makeTables(model, dynamodb),
      makeQueues(model, sqs, options.speed),
      makeSecrets(model, secrets),
      makeKeys(model, kms),
      makeBuses(model, eventBridge),
    ]);
    return { identities: new Map([...tables, ...secretIdentities, ...keyIdentities]), queueUrls };
  } finally {
    for (const client of [s3, dynamodb, sqs, secrets, kms, eventBridge]) client.destroy();
  }
}

async function makeBuckets(model: StackModel, s3: S3Client): Promise<void> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const there = new Set(Buckets.map((bucket) => bucket.Name));
  for (const { ref, properties } of model.of(storage.bucket)) {
    const { ObjectLockEnabled = false, ObjectLockConfiguration } = properties;
    if (!there.has(ref))
      await s3.send(new CreateBucketCommand({ Bucket: ref, ObjectLockEnabledForBucket: ObjectLockEnabled }));
    if (ObjectLockConfiguration !== undefined)
      await s3.send(new PutObjectLockConfigurationCommand({ Bucket: ref, ObjectLockConfiguration }));
    const rules = properties.LifecycleConfiguration?.Rules ?? [];
    if (rules.length === 0) continue;
    const Rules = rules.map(({ Id, Status, Prefix, ExpirationInDays, AbortIncompleteMultipartUpload }, index) => ({
      ID: Id ?? `rule-${index}`,
      Status,
      Filter: { Prefix },
      ...(ExpirationInDays === undefined ? {} : { Expiration: { Days: ExpirationInDays } }),
      ...(AbortIncompleteMultipartUpload === undefined ? {} : { AbortIncompleteMultipartUpload }),
    }));
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: ref, LifecycleConfiguration: { Rules } }));
  }
}

/** Returns the identities of tables with streams. */
async function makeTables(model: StackModel, client: DynamoDBClient): Promise<ReadonlyMap<string, Identity>> {
  for (const { logicalId, properties } of model.of(storage.globalTable)) {
    const region = properties.Replicas[0]?.Region;
    if (region !== model.region) {
      throw new RuntimeError('bad-configuration', `${logicalId} has its replica in ${region}, not in ${model.region}`);
    }
  }
  const identities = new Map<string, Identity>();
  for (const table of [...model.of(storage.table), ...model.of(storage.globalTable)]) {
    await makeTable(table, client);
    await setTimeToLive(table, client);
    if (table.properties.StreamSpecification !== undefined)
      identities.set(table.logicalId, await streamIdentity(table, client));
  }
  return identities;
}

async function makeTable({ ref, logicalId, properties }: Table, client: DynamoDBClient): Promise<void> {
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes } = properties;
  const StreamSpecification = properties.StreamSpecification && {
    StreamEnabled: true,
    StreamViewType: properties.StreamSpecification.StreamViewType,
  };
  const wanted: CreateTableCommandInput = {
    TableName: ref,
    AttributeDefinitions,
    KeySchema,
    BillingMode: 'PAY_PER_REQUEST',
    ...(GlobalSecondaryIndexes === undefined ? {} : { GlobalSecondaryIndexes }),
    ...(StreamSpecification === undefined ? {} : { StreamSpecification }),
  };
  const existing = await client.send(new DescribeTableCommand({ TableName: ref })).catch((error: unknown) => {
    if (error instanceof NoSuchTable) return undefined;
    throw error;
  });
  if (existing?.Table === undefined) {
    await client.send(new CreateTableCommand(wanted));
    await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 0.1, maxDelay: 1 }, { TableName: ref });
    return;
  }
  const shape = (keys: typeof KeySchema | undefined): string =>
    JSON.stringify((keys ?? []).map((key) => [key.AttributeName, key.KeyType]));
  const keys = (existing.Table.KeySchema ?? []).map(({ AttributeName = '', KeyType = 'HASH' }) => ({
    AttributeName,
    KeyType,
  }));
  if (shape(keys) !== shape(KeySchema)) {
    throw new RuntimeError(
      'bad-configuration',
      `the table of ${logicalId} in the data folder has the keys ${shape(keys)}, the template wants ${shape(KeySchema)}: start with an empty data folder`,
    );
  }
  const indexes = new Set((existing.Table.GlobalSecondaryIndexes ?? []).map((index) => index.IndexName));
  for (const index of GlobalSecondaryIndexes ?? []) {
    if (indexes.has(index.IndexName)) continue;
    const GlobalSecondaryIndexUpdates = [{ Create: index }];
    await client.send(new UpdateTableCommand({ TableName: ref, AttributeDefinitions, GlobalSecondaryIndexUpdates }));
  }
  const is = existing.Table.StreamSpecification;
  if (StreamSpecification === undefined || is?.StreamEnabled === true) {
    const [had, wants] = [is?.StreamViewType, StreamSpecification?.StreamViewType];
    if (wants === undefined || had === wants) return;
    const message = `the stream of ${logicalId} in the data folder carries ${had}, the template wants ${wants}: start with an empty data folder`;
    throw new RuntimeError('bad-configuration', message);
  }
  await client.send(new UpdateTableCommand({ TableName: ref, StreamSpecification }));
}

/** The ARN of a stream has a label that the service gives. */
async function streamIdentity({ ref, attributes }: Table, client: DynamoDBClient): Promise<Identity> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: ref }));
  if (Table?.LatestStreamArn === undefined) {
    throw new RuntimeError('bad-configuration', `the table ${ref} got no stream`);
  }
  return { ref, attributes: { ...attributes, StreamArn: Table.LatestStreamArn } };
}

async function setTimeToLive({ ref, properties }: Table, client: DynamoDBClient): Promise<void> {
  const wanted = properties.TimeToLiveSpecification;
  if (wanted === undefined) return;
  const { TimeToLiveDescription: is } = await client.send(new DescribeTimeToLiveCommand({ TableName: ref }));
  const enabled = is?.TimeToLiveStatus === 'ENABLED' || is?.TimeToLiveStatus === 'ENABLING';
  if (enabled === wanted.Enabled && (!enabled || is?.AttributeName === wanted.AttributeName)) return;
  await client.send(new UpdateTimeToLiveCommand({ TableName: ref, TimeToLiveSpecification: wanted }));
}

async function makeQueues(model: StackModel, sqs: SQSClient, speed: number): Promise<ReadonlyMap<string, string>> {
  const urls = new Map<string, string>();
  const queues = model.of(storage.queue);
  for (const { ref, attributes, properties } of queues) {
    const { FifoQueue, ContentBasedDeduplication = false } = properties;
    const created = await sqs.send(
      new CreateQueueCommand({
        QueueName: attributes.QueueName,
        ...(FifoQueue && {
          Attributes: { FifoQueue: 'true', ContentBasedDeduplication: String(ContentBasedDeduplication) },
        }),
      }),
    );
    if (created.QueueUrl === undefined) throw new RuntimeError('bad-configuration', `the queue ${ref} got no address`);
    urls.set(ref, created.QueueUrl);
  }
  // Attributes come after all queues are there, because a redrive policy names another queue; and on every start,
  // because the template or the speed may have changed.
  for (const { ref, properties } of queues) {
    const { VisibilityTimeout, DelaySeconds, ReceiveMessageWaitTimeSeconds, RedrivePolicy } = properties;
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: urls.get(ref),
        Attributes: {
          VisibilityTimeout: String(scaledVisibilitySeconds(VisibilityTimeout, speed)),
          DelaySeconds: String(Math.round(DelaySeconds / speed)),
          ReceiveMessageWaitTimeSeconds: String(ReceiveMessageWaitTimeSeconds),
          ...(RedrivePolicy === undefined ? {} : { RedrivePolicy: JSON.stringify(RedrivePolicy) }),
        },
      }),
    );
  }
  return urls;
}

/** A visibility timeout at the speed of the stack, at least a second, so that what is received stays hidden at all. */
const scaledVisibilitySeconds = (seconds: number, speed: number): number => Math.max(1, Math.round(seconds / speed));

async function makeSecrets(model: StackModel, client: SecretsManagerClient): Promise<ReadonlyMap<string, Identity>> {
  const identities = new Map<string, Identity>();
  for (const { logicalId, ref, properties } of model.of(storage.secret)) {
    const name = secretName(ref);
    const existing = await client.send(new DescribeSecretCommand({ SecretId: name })).catch((error: unknown) => {
      if (error instanceof NoSuchSecret) return undefined;
      throw error;
    });
    const arn =
      existing?.ARN ??
      (await client.send(new CreateSecretCommand({ Name: name, SecretString: firstValue(properties) }))).ARN;
    if (arn === undefined) throw new RuntimeError('bad-configuration', `the secret ${name} got no ARN`);
    identities.set(logicalId, { ref: arn, attributes: { Id: arn } });
  }
  return identities;
}

const logicalIdTag = 'kbroker:logical-id';

/** A key has no name; the one of a resource is found again by its tag. */
async function makeKeys(model: StackModel, client: KMSClient): Promise<ReadonlyMap<string, Identity>> {
  const identities = new Map<string, Identity>();
  const resources = model.of(storage.kmsKey);
  if (resources.length === 0) return identities;
  const made = new Map<string, { readonly id: string; readonly arn: string }>();
  const { Keys = [] } = await client.send(new ListKeysCommand({}));
  for (const { KeyId: id = '', KeyArn: arn = '' } of Keys) {
    const { Tags = [] } = await client.send(new ListResourceTagsCommand({ KeyId: id }));
    const logicalId = Tags.find(({ TagKey }) => TagKey === logicalIdTag)?.TagValue;
    if (logicalId !== undefined) made.set(logicalId, { id, arn });
  }
  for (const { logicalId, properties } of resources) {
    const { id, arn } = made.get(logicalId) ?? (await makeKey(logicalId, properties, client));
    identities.set(logicalId, { ref: id, attributes: { Arn: arn, KeyId: id } });
  }
  return identities;
}

async function makeKey(
  logicalId: string,
  { Description, KeySpec, KeyUsage }: PropertiesOf<typeof storage.kmsKey>,
  client: KMSClient,
): Promise<{ readonly id: string; readonly arn: string }> {
  const Tags = [{ TagKey: logicalIdTag, TagValue: logicalId }];
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ Description, KeySpec, KeyUsage, Tags }));
  const { KeyId: id, Arn: arn } = KeyMetadata ?? {};
  if (id === undefined || arn === undefined)
    throw new RuntimeError('bad-configuration', `the key ${logicalId} got no ARN`);
  return { id, arn };
}

async function makeBuses(model: StackModel, client: EventBridgeClient): Promise<void> {
  for (const { ref } of model.of(storage.eventBus)) {
    await client.send(new CreateEventBusCommand({ Name: ref })).catch((error: unknown) => {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error;
    });
  }
}

/** `arn:aws:secretsmanager:region:account:secret:name-xxxxxx` */
const secretName = (arn: string): string =>
  arn
    .split(':')
    .slice(6)
    .join(':')
    .replace(/-.{6}$/, '');

type SecretProperties = PropertiesOf<typeof storage.secret>;

function firstValue({ SecretString, GenerateSecretString }: SecretProperties): string {
  if (SecretString !== undefined) return SecretString;
  if (GenerateSecretString === undefined) return generatePassword({});
  const password = generatePassword(GenerateSecretString);
  const { SecretStringTemplate, GenerateStringKey } = GenerateSecretString;
  if (SecretStringTemplate === undefined || GenerateStringKey === undefined) return password;
  return JSON.stringify({ ...JSON.parse(SecretStringTemplate), [GenerateStringKey]: password });
}

/** As GetRandomPassword does. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html */
function generatePassword(options: Partial<NonNullable<SecretProperties['GenerateSecretString']>>): string {
  const excluded = new Set(options.ExcludeCharacters ?? '');
  const types = [
    options.ExcludeLowercase ? '' : 'abcdefghijklmnopqrstuvwxyz',
    options.ExcludeUppercase ? '' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    options.ExcludeNumbers ? '' : '0123456789',
    options.ExcludePunctuation ? '' : '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    options.IncludeSpace ? ' ' : '',
  ]
    .map((type) => [...type].filter((character) => !excluded.has(character)).join(''))
    .filter((type) => type !== '');
  const all = types.join('');
  const length = options.PasswordLength ?? 32;
  const draw = (): string => Array.from({ length }, () => all[randomInt(all.length)]).join('');
  let password = draw();
  const complete = (): boolean => types.every((type) => [...type].some((character) => password.includes(character)));
  while ((options.RequireEachIncludedType ?? true) && length >= types.length && !complete()) password = draw();
  return password;
}
