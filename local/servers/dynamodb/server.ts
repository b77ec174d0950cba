/**
 * The embedded DynamoDB: the `dynoxide` program (SQLite) behind a proxy that verifies signatures, asks for permission
 * and expires items. Streams, backups and PartiQL are not modelled and refused by name.
 */
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback } from '../http.ts';
import type { JsonService } from '../json-service.ts';
import { createJsonServer } from '../json-service.ts';
import { dynamoBackend } from './backend.ts';
import { startDynoxide } from './child.ts';
import { leadingKeysOf } from './leading-keys.ts';
import { dynamoDbNeeds, refuseStreams, tableArn } from './needs.ts';
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
  const child = await startDynoxide(options.dataDir);
  started.defer(() => child.stop());
  const backend = dynamoBackend(child, options.region);

  const leadingKeys = leadingKeysOf(backend);
  const ownArns = tableArn(options, '').slice(0, -'table/'.length);
  const service: JsonService = {
    signingName: 'dynamodb',
    targetPrefix: 'DynamoDB_20120810.',
    contentType: 'application/x-amz-json-1.0',
    refusalStatus: 400,
    maxBodyBytes: MAX_BODY_BYTES,
    needs: (call) => Promise.all(dynamoDbNeeds(options, call.operation, call.input).map(leadingKeys.added)),
    answer: async (call) => {
      if (!NAMES_ARNS.has(call.operation)) return backend.forward(call.operation, call.body);
      refuseStreams(call.input);
      if (call.operation === 'DeleteTable') leadingKeys.forget();
      const answer = await backend.forward(call.operation, call.body.toString().replaceAll(ownArns, BACKEND_ARNS));
      return { status: answer.status, body: answer.body.toString().replaceAll(BACKEND_ARNS, ownArns) };
    },
  };
  const nowMs = options.nowMs ?? Date.now;
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
