import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { microsoftRoots, parseRoots } from '#shared/authenticode/index.ts';
import { syncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { countLostEvents } from '#shared/lambda/lost-events.ts';
import { scheduleHandler } from '#shared/lambda/schedule-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsIndexStore } from '#shared/stores/catalog/aws-index.ts';
import { awsSyncJournal } from '#shared/stores/catalog/aws-journal.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsEventSink } from '#shared/stores/events/aws.ts';
import { awsPublishQueue } from '#shared/stores/repository/aws-queue.ts';
import { awsSyncStarter } from '#shared/stores/runs/aws.ts';
import { connectionTimeouts } from '#shared/stores/s3/timeouts.ts';
import { secretReader } from '#shared/stores/secrets/aws.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { createUpstreamConnections } from '#shared/upstream/connections.ts';
import { outboundProxy } from '#shared/upstream/outbound-proxy.ts';
import { syncIndexRuntimeEnv } from './env.ts';
import type { SyncPorts } from './ports.ts';
import { measureSync, syncIndex } from './sync-index.ts';

const env = parseEnv(syncIndexRuntimeEnv);
const { CATALOG_TABLE: table, INDEX_BUCKET: bucket, INDEX_ROOTS: roots } = env;
const telemetry = createTelemetry('sync-index');
const clock = systemClock();
const dynamodb = documentClient(new DynamoDBClient({ requestHandler: connectionTimeouts() }));
const s3 = new S3Client({ requestHandler: connectionTimeouts() });
const secrets = new SecretsManagerClient({ requestHandler: connectionTimeouts() });
const proxy = outboundProxy(env, (arn) => secretReader(secrets, arn));
const ports: SyncPorts = {
  upstream: createUpstream({ dispatcher: createUpstreamConnections(proxy), timing: clock }),
  index: awsIndexStore(s3, bucket),
  catalog: awsCatalogStore({ dynamodb, s3, table, bucket, sleep: clock.sleep }),
  journal: awsSyncJournal(dynamodb, table, (message) => telemetry.log.warn(message)),
  events: awsEventSink({ client: new EventBridgeClient(), bus: env.EVENT_BUS, onLost: countLostEvents(telemetry) }),
  publisher: awsPublishQueue(new SQSClient(), env.PUBLISH_QUEUE_URL, randomUUID),
  goOn: awsSyncStarter(new LambdaClient(), env.AWS_LAMBDA_FUNCTION_NAME),
  indexUrl: env.INDEX_URL,
  trust: {
    roots: [...microsoftRoots, ...(roots === undefined ? [] : parseRoots(roots))],
    allowSha1: env.INDEX_ALLOW_SHA1,
  },
  allowSinglePackage: env.INDEX_ALLOW_SINGLE_PACKAGE,
  maxShrinkPercent: env.MAX_SHRINK_PERCENT,
  keepPublications: env.KEEP_PUBLICATIONS,
  now: clock.date,
  sleep: clock.sleep,
  newCopyId: randomUUID,
};

export const handler = scheduleHandler({
  telemetry,
  event: syncIndexEvent,
  run: (event, invocation) => syncIndex(ports, event, invocation),
  measure: measureSync,
  answer: ({ result }) => result,
});
