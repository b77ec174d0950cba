import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, type KeySchemaElement } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { startDynamoDb } from '#local/servers/dynamodb/server.ts';
import { type EventBridgeServer, startEventBridge } from '#local/servers/eventbridge/server.ts';
import { startKms } from '#local/servers/kms/server.ts';
import { startS3 } from '#local/servers/s3/server.ts';
import { startSecretsManager } from '#local/servers/secrets-manager/server.ts';
import { startSqs } from '#local/servers/sqs/server.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';

interface IndexShape {
  readonly indexName: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

/** Keys of a table and of its indexes, as the bindings of the stores spell them. All keys are strings. */
export interface TableShape {
  readonly table: { readonly partitionKey: string; readonly sortKey?: string };
  readonly byState?: IndexShape;
  readonly byTime?: IndexShape;
  readonly active?: IndexShape;
}

/** Real protocol servers for adapter tests, with clients that may do everything. */
export interface AwsServers {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly s3: S3Client;
  /** One more client of S3, without retries, whose middleware a test may change. */
  newS3(): S3Client;
  /** A new table. @returns its name */
  createTable(shape: TableShape): Promise<string>;
  /** A new bucket. @returns its name */
  createBucket(): Promise<string>;
  /** Keys of all objects, sorted. */
  keys(bucket: string): Promise<string[]>;
  /** Keys of uploads that were neither completed nor aborted. */
  openUploads(bucket: string): Promise<string[]>;
  close(): Promise<void>;
}

const credentials = { accessKeyId: 'TESTS', secretAccessKey: 'tests-only' };
const region = 'eu-west-1';
const common = {
  region,
  accountId: '111122223333',
  authorize: () => ({ allowed: true }) as const,
  secretOf: (id: string) => (id === credentials.accessKeyId ? credentials.secretAccessKey : undefined),
};

async function freshFolder(started: AsyncDisposableStack, parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'kbroker-aws-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One server with its client; a test disposes of it with `await using`. */
export interface ServedClient<Client> extends AsyncDisposable {
  readonly client: Client;
}

/** Starts SQS on loopback. */
export async function startQueues(): Promise<ServedClient<SQSClient>> {
  await using started = new AsyncDisposableStack();
  const server = await startSqs({ ...common, dataDir: await freshFolder(started) });
  started.defer(() => server.close());
  const client = new SQSClient({ endpoint: server.url, region, credentials });
  started.defer(() => client.destroy());
  const running = started.move();
  return { client, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Starts Secrets Manager on loopback. */
export async function startSecrets(): Promise<ServedClient<SecretsManagerClient>> {
  await using started = new AsyncDisposableStack();
  const server = await startSecretsManager({ ...common, dataDir: await freshFolder(started) });
  started.defer(() => server.close());
  const client = new SecretsManagerClient({ endpoint: server.url, region, credentials });
  started.defer(() => client.destroy());
  const running = started.move();
  return { client, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** KMS on loopback, with a way to make keys on P-256. */
export interface ServedKeys extends ServedClient<KMSClient> {
  /** @returns its ARN */
  newKey(): Promise<string>;
}

export async function startKeys(): Promise<ServedKeys> {
  await using started = new AsyncDisposableStack();
  const server = await startKms({ ...common, dataDir: await freshFolder(started) });
  started.defer(() => server.close());
  const client = new KMSClient({ endpoint: server.url, region, credentials, maxAttempts: 1 });
  started.defer(() => client.destroy());
  const running = started.move();
  return {
    client,
    async newKey() {
      const made = await client.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
      return made.KeyMetadata?.Arn ?? '';
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** EventBridge, and what arrived there. */
export interface ServedEvents extends ServedClient<EventBridgeClient>, Pick<EventBridgeServer, 'events'> {}

/** Starts EventBridge on loopback, without a bus. */
export async function startEvents(): Promise<ServedEvents> {
  await using started = new AsyncDisposableStack();
  const server = await startEventBridge({ ...common, dataDir: await freshFolder(started) });
  started.defer(() => server.close());
  const client = new EventBridgeClient({ endpoint: server.url, region, credentials });
  started.defer(() => client.destroy());
  const running = started.move();
  return { client, events: server.events, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/**
 * Starts DynamoDB and S3 on loopback, each in a fresh folder that {@link AwsServers.close} removes.
 *
 * @param parent where that folder is made; by default where temporary files belong
 */
export async function startAwsServers(parent?: string): Promise<AwsServers> {
  await using started = new AsyncDisposableStack();
  const folder = await freshFolder(started, parent);
  const dynamodbServer = await startDynamoDb({ ...common, dataDir: join(folder, 'dynamodb') });
  started.defer(() => dynamodbServer.close());
  const s3Server = await startS3({ ...common, dataDir: join(folder, 's3') });
  started.defer(() => s3Server.close());

  const plain = new DynamoDBClient({ endpoint: dynamodbServer.url, region, credentials });
  started.defer(() => plain.destroy());
  const s3Config = { endpoint: s3Server.url, region, credentials, forcePathStyle: true };
  const s3 = new S3Client(s3Config);
  started.defer(() => s3.destroy());

  let created = 0;
  const name = (): string => {
    created += 1;
    return `made-for-a-test-${created}`;
  };
  const running = started.move();
  return {
    dynamodb: documentClient(plain),
    s3,
    newS3: () => new S3Client({ ...s3Config, maxAttempts: 1 }),
    async createTable({ table, ...shape }) {
      const TableName = name();
      const indexes = [shape.byState, shape.byTime, shape.active].filter((index) => index !== undefined);
      const keys = new Set([
        table.partitionKey,
        ...(table.sortKey === undefined ? [] : [table.sortKey]),
        ...indexes.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]),
      ]);
      await plain.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [...keys].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: keySchema(table.partitionKey, table.sortKey),
          ...(indexes.length > 0 && {
            GlobalSecondaryIndexes: indexes.map((index) => ({
              IndexName: index.indexName,
              KeySchema: keySchema(index.partitionKey, index.sortKey),
              Projection: { ProjectionType: 'ALL' },
            })),
          }),
        }),
      );
      return TableName;
    },
    async createBucket() {
      const Bucket = name();
      await s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    async keys(Bucket) {
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
      return (Contents ?? []).map(({ Key }) => Key ?? '').sort();
    },
    async openUploads(Bucket) {
      const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
      return (Uploads ?? []).map(({ Key }) => Key ?? '').sort();
    },
    close: () => running.disposeAsync(),
  };
}

function keySchema(partitionKey: string, sortKey?: string): KeySchemaElement[] {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' },
    ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' } as const]),
  ];
}
