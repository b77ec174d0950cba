import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { publishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { queueHandler } from '#shared/lambda/queue-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { kmsSigner } from '#shared/signing/kms.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsIndexStore } from '#shared/stores/catalog/aws-index.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsFleetStore } from '#shared/stores/fleet/aws.ts';
import { fleetReader } from '#shared/stores/fleet/reader.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsRepositoryStore } from '#shared/stores/repository/aws.ts';
import { awsRuleStore } from '#shared/stores/rules/aws.ts';
import { publishRepositoryEnv } from './env.ts';
import type { PublishPorts } from './ports.ts';
import { measurePublish, publishRepository } from './publish-repository.ts';

const env = parseEnv(publishRepositoryEnv);
const telemetry = createTelemetry('publish-repository');
const { sleep, date } = systemClock();
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const ports: PublishPorts = {
  repository: awsRepositoryStore(s3, env.REPOSITORY_BUCKET),
  signer: kmsSigner(new KMSClient(), env.ONLINE_KEY_ID),
  rules: awsRuleStore(dynamodb, env.RULES_TABLE),
  index: awsIndexStore(s3, env.INDEX_BUCKET),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  payloads: awsPayloadStore({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  fleet: fleetReader(awsFleetStore(s3, env.FLEET_BUCKET)),
  now: date,
};

export const handler = queueHandler({
  telemetry,
  message: publishRepositoryMessage,
  async run(message) {
    const report = await publishRepository(ports, message);
    if (report.outcome === 'refused') telemetry.log.error('signed documents are refused', { reason: report.reason });
    return report;
  },
  measure: measurePublish,
  measureFailure: () => ({}),
});
