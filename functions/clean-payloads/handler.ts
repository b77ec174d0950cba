import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { cleanPayloadsEvent } from '#shared/contract/messages/clean-payloads.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { countLostEvents } from '#shared/lambda/lost-events.ts';
import { scheduleHandler } from '#shared/lambda/schedule-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsEventSink } from '#shared/stores/events/aws.ts';
import { awsFleetStore } from '#shared/stores/fleet/aws.ts';
import { fleetReader } from '#shared/stores/fleet/reader.ts';
import { awsPackageCleaning } from '#shared/stores/packages/aws.ts';
import { awsPayloadCleaning } from '#shared/stores/payloads/aws-cleaning.ts';
import { awsCleaningJournal } from '#shared/stores/payloads/aws-journal.ts';
import { awsRepositoryStore } from '#shared/stores/repository/aws.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { cleanPayloads, measureCleaning } from './clean-payloads.ts';
import { cleanPayloadsEnv } from './env.ts';
import type { CleanPorts } from './ports.ts';

const env = parseEnv(cleanPayloadsEnv);
const telemetry = createTelemetry('clean-payloads');
const { sleep, date } = systemClock();
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const ports: CleanPorts = {
  cleaning: awsPayloadCleaning({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  journal: awsCleaningJournal(dynamodb, env.PAYLOADS_TABLE),
  packages: awsPackageCleaning({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET }),
  repository: awsRepositoryStore(s3, env.REPOSITORY_BUCKET),
  fleet: fleetReader(awsFleetStore(s3, env.FLEET_BUCKET)),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  requests: awsRequestStore({ dynamodb, table: env.REQUESTS_TABLE, sleep }),
  events: awsEventSink({ client: new EventBridgeClient(), bus: env.EVENT_BUS, onLost: countLostEvents(telemetry) }),
  now: date,
  settings: {
    graceSeconds: env.GRACE_SECONDS,
    pauseSeconds: env.PAUSE_SECONDS,
    hostsCountForSeconds: env.HOSTS_COUNT_FOR_SECONDS,
    keepKbs: env.KEEP_KBS.split(',').filter((kb) => kb !== ''),
  },
};

export const handler = scheduleHandler({
  telemetry,
  event: cleanPayloadsEvent,
  run: (event, { signal }) => cleanPayloads(ports, event, signal),
  measure: measureCleaning,
  answer: ({ result }) => result,
});
