import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { apiHandler } from '#shared/lambda/api-handler.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { countLostEvents } from '#shared/lambda/lost-events.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsAuditLog } from '#shared/stores/audit/aws.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsCommandStore } from '#shared/stores/commands/aws.ts';
import { awsCookieIssuer } from '#shared/stores/cookies/aws.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsEventSink } from '#shared/stores/events/aws.ts';
import { awsHostStore } from '#shared/stores/hosts/aws.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { agentAuthentication } from './authenticate.ts';
import { serveAgentsEnv } from './env.ts';
import type { AgentPorts } from './ports.ts';
import { nameOf, refusedBodies, serveAgents } from './serve-agents.ts';

const env = parseEnv(serveAgentsEnv);
const { sleep, date } = systemClock();
const telemetry = createTelemetry('serve-agents');
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const ports: AgentPorts = {
  hosts: awsHostStore({ dynamodb, table: env.HOSTS_TABLE, tokensTable: env.TOKENS_TABLE, sleep }),
  audit: awsAuditLog({ dynamodb, table: env.AUDIT_TABLE, newId: randomUUID, sleep }),
  commands: awsCommandStore({ dynamodb, table: env.COMMANDS_TABLE, sleep }),
  cookies: awsCookieIssuer({
    client: new SecretsManagerClient(),
    secretArn: env.REPOSITORY_KEY_SECRET_ARN,
    repositoryUrl: env.REPOSITORY_URL,
    keyPairId: env.REPOSITORY_KEY_PAIR_ID,
    publicKeySha256: env.REPOSITORY_KEY_SHA256,
  }),
  onNoCookies: ({ error }) => {
    telemetry.measure({ CookiesNotIssued: 1 });
    if (error !== undefined) telemetry.log.error('the cookies of the repository cannot be signed', { error });
  },
  events: awsEventSink({ client: new EventBridgeClient(), bus: env.EVENT_BUS, onLost: countLostEvents(telemetry) }),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  payloads: awsPayloadStore({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  requests: awsRequestStore({ dynamodb, table: env.REQUESTS_TABLE, sleep }),
  filesPerDay: env.AGENT_FILES_PER_DAY,
  audience: env.AGENT_AUDIENCE,
  repositoryUrl: env.REPOSITORY_URL,
  keepMilliseconds: env.SETTINGS_KEEP_SECONDS * 1000,
  now: date,
};
const rate = { burst: env.AGENT_BURST, perMinute: env.AGENT_PER_MINUTE };

export const handler = apiHandler({
  telemetry,
  endpoints: agentEndpoints,
  implementation: serveAgents(ports),
  authenticate: agentAuthentication({ ...ports, rate }),
  nameOf,
  onRefusedBody: refusedBodies(ports),
});
