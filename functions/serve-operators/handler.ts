import { randomBytes, randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { apiHandler } from '#shared/lambda/api-handler.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { parseEnv } from '#shared/lambda/env.ts';
import { countLostEvents } from '#shared/lambda/lost-events.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { kmsSigner } from '#shared/signing/kms.ts';
import { awsAuditLog } from '#shared/stores/audit/aws.ts';
import { awsAuditAnchorStore } from '#shared/stores/audit/aws-anchors.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { awsIndexStore } from '#shared/stores/catalog/aws-index.ts';
import { awsSyncJournal } from '#shared/stores/catalog/aws-journal.ts';
import { awsCommandStore } from '#shared/stores/commands/aws.ts';
import { signedCursors } from '#shared/stores/cursor.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsEventSink } from '#shared/stores/events/aws.ts';
import { awsFleetStore } from '#shared/stores/fleet/aws.ts';
import { fleetReader } from '#shared/stores/fleet/reader.ts';
import { awsHostStore } from '#shared/stores/hosts/aws.ts';
import { awsIdempotencyStore } from '#shared/stores/idempotency/aws.ts';
import { awsPackageFiles } from '#shared/stores/packages/aws.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsCleaningJournal } from '#shared/stores/payloads/aws-journal.ts';
import { awsRepositoryStore } from '#shared/stores/repository/aws.ts';
import { awsPublishQueue } from '#shared/stores/repository/aws-queue.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { awsRuleStore } from '#shared/stores/rules/aws.ts';
import { awsRunStarter } from '#shared/stores/runs/aws.ts';
import { secretReader } from '#shared/stores/secrets/aws.ts';
import { awsThrottleStore } from '#shared/stores/throttle/aws.ts';
import { awsTokenStore } from '#shared/stores/tokens/aws.ts';
import { personAuthentication } from './authenticate.ts';
import { serveOperatorsEnv } from './env.ts';
import { fleetLists } from './fleet-lists.ts';
import { guardCalls } from './guard-calls.ts';
import { issuerKeys } from './issuer-keys.ts';
import type { OperatorPorts } from './ports.ts';
import { serveOperators } from './serve-operators.ts';
import { withSignedCursors } from './signed-cursors.ts';

const env = parseEnv(serveOperatorsEnv);
const { sleep, date } = systemClock();
const telemetry = createTelemetry('serve-operators');
const s3 = new S3Client();
const dynamodb = documentClient(new DynamoDBClient());
const snapshot = fleetReader(awsFleetStore(s3, env.FLEET_BUCKET));
const ports: OperatorPorts = {
  index: awsIndexStore(s3, env.INDEX_BUCKET),
  catalog: awsCatalogStore({ dynamodb, s3, table: env.CATALOG_TABLE, bucket: env.INDEX_BUCKET, sleep }),
  journal: awsSyncJournal(dynamodb, env.CATALOG_TABLE),
  fleet: fleetLists({ snapshot, now: date }),
  snapshot,
  hosts: awsHostStore({ dynamodb, table: env.HOSTS_TABLE, tokensTable: env.TOKENS_TABLE, sleep }),
  requests: awsRequestStore({ dynamodb, table: env.REQUESTS_TABLE, sleep }),
  payloads: awsPayloadStore({ dynamodb, s3, table: env.PAYLOADS_TABLE, bucket: env.PAYLOADS_BUCKET, sleep }),
  packages: awsPackageFiles({ s3, bucket: env.PAYLOADS_BUCKET, now: date }),
  cleanings: awsCleaningJournal(dynamodb, env.PAYLOADS_TABLE),
  rules: awsRuleStore(dynamodb, env.RULES_TABLE),
  repository: awsRepositoryStore(s3, env.REPOSITORY_BUCKET),
  publisher: awsPublishQueue(new SQSClient(), env.PUBLISH_QUEUE_URL, randomUUID),
  onlineKey: kmsSigner(new KMSClient(), env.ONLINE_KEY_ID).publicKey,
  runs: awsRunStarter(new LambdaClient(), {
    syncFunction: env.SYNC_FUNCTION,
    sweepFunction: env.SWEEP_FUNCTION,
    cleanFunction: env.CLEAN_FUNCTION,
  }),
  commands: awsCommandStore({ dynamodb, table: env.COMMANDS_TABLE, sleep }),
  tokens: awsTokenStore({ dynamodb, table: env.TOKENS_TABLE, sleep }),
  audit: awsAuditLog({ dynamodb, table: env.AUDIT_TABLE, newId: randomUUID, sleep }),
  anchors: awsAuditAnchorStore(s3, env.AUDIT_BUCKET),
  events: awsEventSink({ client: new EventBridgeClient(), bus: env.EVENT_BUS, onLost: countLostEvents(telemetry) }),
  now: date,
  newId: randomUUID,
  randomBytes,
};

export const handler = apiHandler({
  telemetry,
  endpoints: operatorEndpoints,
  implementation: withSignedCursors(
    serveOperators(ports),
    signedCursors(secretReader(new SecretsManagerClient(), env.CURSOR_SECRET_ARN)),
  ),
  authenticate: personAuthentication({
    issuer: env.OIDC_ISSUER,
    clientId: env.OIDC_CLIENT_ID,
    roleClaim: env.OIDC_ROLE_CLAIM,
    keys: issuerKeys(env.OIDC_ISSUER),
    now: date,
  }),
  nameOf: ({ subject, role }) => `${role} ${subject}`,
  around: guardCalls({
    throttle: awsThrottleStore(dynamodb, env.THROTTLE_TABLE),
    idempotency: awsIdempotencyStore(dynamodb, env.IDEMPOTENCY_TABLE),
    requestsPerMinute: env.REQUESTS_PER_PERSON_AND_MINUTE,
    now: date,
    newId: randomUUID,
    onLost: (message, error) => telemetry.log.error(message, { error }),
  }),
});
