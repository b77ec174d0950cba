import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { sweepRequestsEvent } from '#shared/contract/messages/sync-index.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { scheduleHandler } from '#shared/lambda/schedule-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsPublishQueue } from '#shared/stores/repository/aws-queue.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { awsFetchQueue } from '#shared/stores/requests/aws-queue.ts';
import { sweepRequestsEnv } from './env.ts';
import { measureSweep, type SweepPorts, sweepRequests } from './sweep-requests.ts';

const env = parseEnv(sweepRequestsEnv);
const clock = systemClock();
const sqs = new SQSClient();
const ports: SweepPorts = {
  requests: awsRequestStore({
    dynamodb: documentClient(new DynamoDBClient()),
    table: env.REQUESTS_TABLE,
    sleep: clock.sleep,
  }),
  queue: awsFetchQueue(sqs, env.FETCH_QUEUE_URL),
  publisher: awsPublishQueue(sqs, env.PUBLISH_QUEUE_URL, randomUUID),
  now: clock.date,
  requeueAfterSeconds: env.REQUEUE_AFTER_SECONDS,
};

export const handler = scheduleHandler({
  telemetry: createTelemetry('sweep-requests'),
  event: sweepRequestsEvent,
  run: (event) => sweepRequests(ports, event),
  measure: measureSweep,
  answer: ({ version, queued, requeued }) => ({ version, queued, requeued }),
});
