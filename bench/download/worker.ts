/** The worker as Lambda runs it, for one delivery: `node worker.ts TASK`. The peer of `curl` in this benchmark. */
import { connect } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { Agent } from 'undici';
import { fetchPayload } from '#functions/fetch-payload/fetch-payload.ts';
import { defaultLimits } from '#functions/fetch-payload/ports.ts';
import { systemClock } from '#shared/lambda/clock.ts';
import { awsCatalogStore } from '#shared/stores/catalog/aws-catalog.ts';
import { documentClient } from '#shared/stores/dynamodb/document-client.ts';
import { awsPayloadStore } from '#shared/stores/payloads/aws.ts';
import { awsTransferStore } from '#shared/stores/payloads/aws-transfers.ts';
import { awsRequestStore } from '#shared/stores/requests/aws.ts';
import { createUpstream } from '#shared/upstream/client.ts';
import { credentials, region, type WorkerTask } from './common.ts';

const task = JSON.parse(process.argv[2] ?? '') as WorkerTask;
const clock = systemClock();
const { sleep } = clock;
const s3 = new S3Client({ endpoint: task.s3, region, credentials, forcePathStyle: true });
const dynamodb = documentClient(
  new DynamoDBClient({ endpoint: task.dynamodb, region, credentials: task.dynamodbCredentials }),
);
const { hostname, port } = new URL(task.origin);
// Microsoft's name leads to the origin, as the embedded stack has it.
const dispatcher = new Agent({
  connect: (_options, callback) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once('connect', () => callback(null, socket));
    socket.once('error', (error) => callback(error, null));
    return socket;
  },
});
const result = await fetchPayload(
  {
    requests: awsRequestStore({ dynamodb, table: task.tables.requests, sleep }),
    payloads: awsPayloadStore({ dynamodb, s3, table: task.tables.payloads, bucket: task.bucket, sleep }),
    transfers: awsTransferStore(s3, task.bucket),
    catalog: awsCatalogStore({ dynamodb, s3, table: task.tables.catalog, bucket: task.bucket, sleep }),
    upstream: createUpstream({ dispatcher, timing: clock }),
    events: { publish: async () => {} },
    now: clock.date,
    sleep,
    maxReceiveCount: 3,
    limits: defaultLimits,
  },
  { version: 1, sha1: task.sha1 },
  {
    messageId: 'bench',
    receiveCount: 1,
    deadlineAt: new Date(Date.now() + 900_000),
    signal: AbortSignal.timeout(890_000),
  },
);
if (result.outcome !== 'fetched') throw new Error(`the worker ended with ${JSON.stringify(result)}`);
process.exit(0);
