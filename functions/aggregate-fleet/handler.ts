import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { aggregateFleetEvent } from '#shared/contract/messages/aggregate-fleet.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { countLostEvents } from '#shared/lambda/lost-events.ts';
import { scheduleHandler } from '#shared/lambda/schedule-handler.ts';
import { streamHandler } from '#shared/lambda/stream-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsEventSink } from '#shared/stores/events/aws.ts';
import { awsFleetRows, awsFleetStore } from '#shared/stores/fleet/aws.ts';
import { connectionTimeouts } from '#shared/stores/s3/timeouts.ts';
import { aggregateFleet, measureBatch } from './aggregate-fleet.ts';
import { type BeatReport, beatFleet, measureBeat } from './beat.ts';
import { aggregateFleetEnv } from './env.ts';
import type { FleetPorts } from './ports.ts';
import { measureRebuild, type RebuildReport, rebuildFleet } from './rebuild.ts';

const env = parseEnv(aggregateFleetEnv);
const telemetry = createTelemetry('aggregate-fleet');
const clock = systemClock();
const ports: FleetPorts = {
  store: awsFleetStore(new S3Client({ requestHandler: connectionTimeouts() }), env.FLEET_BUCKET),
  rows: awsFleetRows(documentClient(new DynamoDBClient()), env.HOSTS_TABLE),
  events: awsEventSink({ client: new EventBridgeClient(), bus: env.EVENT_BUS, onLost: countLostEvents(telemetry) }),
  maxPartitions: env.FLEET_PARTITIONS,
  now: clock.date,
  random: clock.random,
  sleep: clock.sleep,
  newId: randomUUID,
};

export const handler = streamHandler({
  telemetry,
  run: (changes) => aggregateFleet(ports, changes),
  measure: measureBatch,
  otherwise: scheduleHandler({
    telemetry,
    event: aggregateFleetEvent,
    run: ({ rebuild }): Promise<BeatReport | RebuildReport> =>
      rebuild === true ? rebuildFleet(ports) : beatFleet(ports),
    measure: (report) => ('hosts' in report ? measureRebuild(report) : measureBeat(report)),
    answer: (result) => result,
  }),
});
