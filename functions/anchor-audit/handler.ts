import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { anchorAuditEvent } from '#shared/contract/messages/anchor-audit.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { scheduleHandler } from '#shared/lambda/schedule-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsAuditLog } from '#shared/stores/audit/aws.ts';
import { awsAuditAnchorStore } from '#shared/stores/audit/aws-anchors.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { type AnchorPorts, anchorAudit } from './anchor-audit.ts';
import { anchorAuditEnv } from './env.ts';

const env = parseEnv(anchorAuditEnv);
const { date, sleep } = systemClock();
const dynamodb = documentClient(new DynamoDBClient());
const ports: AnchorPorts = {
  audit: awsAuditLog({ dynamodb, table: env.AUDIT_TABLE, newId: randomUUID, sleep }),
  anchors: awsAuditAnchorStore(new S3Client(), env.AUDIT_BUCKET),
  now: date,
};

export const handler = scheduleHandler({
  telemetry: createTelemetry('anchor-audit'),
  event: anchorAuditEvent,
  run: () => anchorAudit(ports),
  measure: () => ({}),
  answer: (report) => report,
});
