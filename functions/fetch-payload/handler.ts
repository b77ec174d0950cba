import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { countLostEvents } from '#shared/lambda/lost-events.ts';
import { queueHandler } from '#shared/lambda/queue-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsEventSink } from '#shared/stores/events/aws.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsTransferStore } from '#shared/stores/payloads/aws-transfers.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { connectionTimeouts } from '#shared/stores/s3/timeouts.ts';
import { secretReader } from '#shared/stores/secrets/aws.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { createUpstreamConnections } from '#shared/upstream/connections.ts';
import { outboundProxy } from '#shared/upstream/outbound-proxy.ts';
import { fetchPayloadEnv } from './env.ts';
import { fetchPayload, measureFetch, measureFetchFailure } from './fetch-payload.ts';
import { defaultLimits, type FetchPorts } from './ports.ts';

const env = parseEnv(fetchPayloadEnv);
const telemetry = createTelemetry('fetch-payload');
const clock = systemClock();
const { sleep } = clock;
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const secrets = new SecretsManagerClient({ requestHandler: connectionTimeouts() });
const proxy = outboundProxy(env, (arn) => secretReader(secrets, arn));
const ports: FetchPorts = {
  requests: awsRequestStore({ dynamodb, table: env.REQUESTS_TABLE, sleep }),
  payloads: awsPayloadStore({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  transfers: awsTransferStore(s3, env.PAYLOADS_BUCKET),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  events: awsEventSink({ client: new EventBridgeClient(), bus: env.EVENT_BUS, onLost: countLostEvents(telemetry) }),
  upstream: createUpstream({ dispatcher: createUpstreamConnections(proxy), timing: clock }),
  now: clock.date,
  sleep,
  maxReceiveCount: env.MAX_RECEIVE_COUNT,
  limits: { ...defaultLimits, bytesPerSecond: env.WORKER_BYTES_PER_SECOND },
};

export const handler = queueHandler({
  telemetry,
  message: fetchPayloadMessage,
  run: (message, delivery) => fetchPayload(ports, message, delivery),
  measure: measureFetch,
  measureFailure: ({ receiveCount }) => measureFetchFailure(receiveCount, env.MAX_RECEIVE_COUNT),
});
