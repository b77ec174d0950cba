/**
 * The embedded DynamoDB: the `dynoxide` program (SQLite) behind a proxy that verifies signatures, asks for permission
 * and expires items. Backups and PartiQL are not modelled and refused by name.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback } from '../http.ts';
import type { JsonService } from '../json-service.ts';
import { createJsonServer, JsonServiceError } from '../json-service.ts';
import { type DynamoBackend, dynamoBackend, dynamoDbPrefix } from './backend.ts';
import { startDynoxide } from './child.ts';
import { leadingKeysOf } from './leading-keys.ts';
import { dynamoDbNeeds, tableArn } from './needs.ts';
import { dynamoDbStreams, indexStreams, streamsPrefix, trimStreams } from './streams.ts';
import { expireItems } from './time-to-live.ts';

export interface DynamoDbOptions extends ServerOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Milliseconds since 1970, for the time to live of items. Default: the clock of the machine. */
  readonly nowMs?: () => number;
  /** How often expired items are looked for. Default 60,000; AWS promises "within a few days". */
  readonly expiryIntervalMs?: number;
}

export interface DynamoDbServer extends EmbeddedServer {
  /** Deletes what has expired now instead of at the next interval; returns how many items. */
  expire(): Promise<number>;
}

/** The program has a region and an account of its own. */
const BACKEND_ARNS = 'arn:aws:dynamodb:dynoxide:000000000000:';
/** Operations whose requests or answers have ARNs in them; none of these carries items. */
const NAMES_ARNS: ReadonlySet<string> = new Set([
  'CreateTable',
  'DeleteTable',
  'DescribeContinuousBackups',
  'DescribeTable',
  'ListTagsOfResource',
  'TagResource',
  'UntagResource',
  'UpdateContinuousBackups',
  'UpdateTable',
]);

/** BatchWriteItem carries at most 16 MB. */
const MAX_BODY_BYTES = 17 * 1024 * 1024;

/** @throws ServersError `data-in-use`, `unsupported-platform`, `not-started` */
export async function startDynamoDb(options: DynamoDbOptions): Promise<DynamoDbServer> {
  await using started = new AsyncDisposableStack();
  const lock = lockFolder(options.dataDir);
  started.defer(() => lock.release());
  const nowMs = options.nowMs ?? Date.now;
  const databaseFile = join(options.dataDir, 'dynamodb.sqlite');
  trimStreams(databaseFile, nowMs());
  const child = await startDynoxide(options.dataDir);
  started.defer(() => child.stop());
  indexStreams(databaseFile);
  const backend = dynamoBackend(child, options.region);

  const leadingKeys = leadingKeysOf(backend);
  const ownArns = tableArn(options, '').slice(0, -'table/'.length);
  const toBackend = (text: string): string => text.replaceAll(ownArns, BACKEND_ARNS);
  const fromBackend = (text: string): string => text.replaceAll(BACKEND_ARNS, ownArns);
  const streams = dynamoDbStreams({
    region: options.region,
    backend,
    tableArn: (table) => tableArn(options, table),
    toBackend,
    fromBackend,
  });
  const service: JsonService = {
    signingName: 'dynamodb',
    targetPrefix: [dynamoDbPrefix, streamsPrefix],
    contentType: 'application/x-amz-json-1.0',
    refusalStatus: 400,
    maxBodyBytes: MAX_BODY_BYTES,
    needs: (call) =>
      streams.has(call.operation)
        ? streams.needs(call.operation, call.input)
        : Promise.all(dynamoDbNeeds(options, call.operation, call.input).map(leadingKeys.added)),
    answer: async (call) => {
      if (streams.has(call.operation)) return streams.answer(call.operation, call.input);
      if (!NAMES_ARNS.has(call.operation)) return backend.forward(call.operation, call.body);
      if (call.operation === 'UpdateTable') await refuseSecondStream(backend, call.input);
      if (call.operation === 'DeleteTable') leadingKeys.forget();
      const answer = await backend.forward(call.operation, toBackend(call.body.toString()));
      return { status: answer.status, body: fromBackend(answer.body.toString()) };
    },
  };
  let sweep: Promise<number> = Promise.resolve(0);
  started.defer(() => sweep.then(() => undefined));
  const expire = () => {
    const result = sweep.then(() => expireItems(backend, nowMs()));
    sweep = result.catch(() => 0);
    return result;
  };
  const server = createJsonServer(service, options);
  const url = await listenOnLoopback(server, options.port);
  started.defer(() => closeServer(server));
  // A failed sweep changes nothing and is tried again; a dead program shows in every call.
  const timer = setInterval(() => expire().catch(() => 0), options.expiryIntervalMs ?? 60_000);
  timer.unref();
  started.defer(() => clearInterval(timer));
  const running = started.move();
  return { url, expire, close: () => running.disposeAsync() };
}

const enabling = z.looseObject({
  TableName: z.string(),
  StreamSpecification: z.looseObject({ StreamEnabled: z.literal(true) }),
});
const described = z.looseObject({
  Table: z.looseObject({ StreamSpecification: z.optional(z.looseObject({ StreamEnabled: z.boolean() })) }),
});

/**
 * The program would begin another stream, and leave the readers of the first behind.
 *
 * @throws JsonServiceError `ValidationException` as AWS words it
 */
async function refuseSecondStream(backend: DynamoBackend, input: unknown): Promise<void> {
  const wanted = z.safeParse(enabling, input);
  if (!wanted.success) return;
  const { TableName } = wanted.data;
  const { Table } = z.parse(described, await backend.call('DescribeTable', { TableName }));
  if (Table.StreamSpecification?.StreamEnabled === true)
    throw new JsonServiceError('ValidationException', `Table already has an enabled stream: TableName: ${TableName}`);
}
