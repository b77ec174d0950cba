import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { apiHandler } from '#shared/lambda/api-handler.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsIndexStore } from '#shared/stores/catalog/aws-index.ts';
import { awsSyncJournal } from '#shared/stores/catalog/aws-journal.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsHostStore } from '#shared/stores/hosts/aws.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { awsRuleStore } from '#shared/stores/rules/aws.ts';
import { awsRunStarter } from '#shared/stores/runs/aws.ts';
import { personAuthentication } from './authenticate.ts';
import { serveOperatorsEnv } from './env.ts';
import { issuerKeys } from './issuer-keys.ts';
import { serveOperators } from './serve-operators.ts';

const env = parseEnv(serveOperatorsEnv);
const { sleep, date } = systemClock();
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const implementation = serveOperators({
  index: awsIndexStore(s3, env.INDEX_BUCKET),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  journal: awsSyncJournal(dynamodb, env.CATALOG_TABLE),
  hosts: awsHostStore(dynamodb, env.HOSTS_TABLE),
  requests: awsRequestStore({ dynamodb, table: env.REQUESTS_TABLE, sleep }),
  payloads: awsPayloadStore({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  rules: awsRuleStore(dynamodb, env.RULES_TABLE),
  runs: awsRunStarter(new LambdaClient(), { syncFunction: env.SYNC_FUNCTION, sweepFunction: env.SWEEP_FUNCTION }),
  now: date,
  newRunId: randomUUID,
});
const telemetry = createTelemetry('serve-operators');

export const handler = apiHandler({
  telemetry,
  endpoints: operatorEndpoints,
  implementation,
  authenticate: personAuthentication({
    issuer: env.OIDC_ISSUER,
    clientId: env.OIDC_CLIENT_ID,
    roleClaim: env.OIDC_ROLE_CLAIM,
    keys: issuerKeys(env.OIDC_ISSUER),
    now: date,
  }),
  nameOf: ({ subject, role }) => `${role} ${subject}`,
});
