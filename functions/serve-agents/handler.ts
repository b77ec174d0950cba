import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { apiHandler } from '#shared/lambda/api-handler.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsHostStore } from '#shared/stores/hosts/aws.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { awsRuleStore } from '#shared/stores/rules/aws.ts';
import { secretReader } from '#shared/stores/secrets/aws.ts';
import { agentAuthentication } from './authenticate.ts';
import { serveAgentsEnv } from './env.ts';
import { serveAgents } from './serve-agents.ts';

const env = parseEnv(serveAgentsEnv);
const { sleep, date, now } = systemClock();
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const implementation = serveAgents({
  rules: awsRuleStore(dynamodb, env.RULES_TABLE),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  payloads: awsPayloadStore({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  requests: awsRequestStore({ dynamodb, table: env.REQUESTS_TABLE, sleep }),
  hosts: awsHostStore(dynamodb, env.HOSTS_TABLE),
  now: date,
});
const readSecret = secretReader(new SecretsManagerClient(), env.AGENT_SECRET_ARN);
const authenticate = agentAuthentication({ readSecret, now });
const telemetry = createTelemetry('serve-agents');

export const handler = apiHandler({ telemetry, endpoints: agentEndpoints, implementation, authenticate });
