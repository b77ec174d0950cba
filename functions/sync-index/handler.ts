import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { syncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { scheduleHandler } from '#shared/lambda/schedule-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsIndexStore } from '#shared/stores/catalog/aws-index.ts';
import { awsSyncJournal } from '#shared/stores/catalog/aws-journal.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { createUpstreamAgent } from '#shared/upstream/agent.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { syncIndexEnv } from './env.ts';
import { measureSync, type SyncPorts, syncIndex } from './sync-index.ts';

const { CATALOG_TABLE: table, INDEX_BUCKET: bucket, INDEX_URL: indexUrl } = parseEnv(syncIndexEnv);
const clock = systemClock();
const dynamodb = documentClient(new DynamoDBClient());
const s3 = new S3Client();
const ports: SyncPorts = {
  upstream: createUpstream({ dispatcher: createUpstreamAgent(), timing: clock }),
  index: awsIndexStore(s3, bucket),
  catalog: awsCatalogStore({ dynamodb, s3, table, bucket, sleep: clock.sleep }),
  journal: awsSyncJournal(dynamodb, table),
  indexUrl,
  now: clock.date,
  newRunId: randomUUID,
};

export const handler = scheduleHandler({
  telemetry: createTelemetry('sync-index'),
  event: syncIndexEvent,
  run: (event, { signal }) => syncIndex(ports, event, signal),
  measure: measureSync,
  answer: ({ result }) => result,
});
