/**
 * The embedded SQS: standard and FIFO queues with visibility, delays, long polling, retention and dead-letter queues,
 * kept in SQLite. Message move tasks and permissions by queue policy are refused or left to the stack.
 */
import { join } from 'node:path';
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { Database } from '../database.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback } from '../http.ts';
import type { JsonService } from '../json-service.ts';
import { createJsonServer } from '../json-service.ts';
import { MESSAGE_TABLES, MessageStore } from './message-store.ts';
import { OPERATIONS, sqsNeeds } from './operations.ts';
import { QUEUE_TABLES, QueueStore } from './queue-store.ts';
import { Waiters } from './waiters.ts';

export interface SqsOptions extends ServerOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /**
   * Milliseconds since 1970, for visibility, delays, retention and deduplication: a clock that runs faster shortens
   * them all. Long polling waits by the real clock. Default: the clock of the machine.
   */
  readonly nowMs?: () => number;
}

/** A batch of 1 MiB, with what JSON makes of it. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** @throws ServersError `data-in-use` */
export async function startSqs(options: SqsOptions): Promise<EmbeddedServer> {
  await using started = new AsyncDisposableStack();
  const lock = lockFolder(options.dataDir);
  started.defer(() => lock.release());
  const db = new Database(join(options.dataDir, 'sqs.sqlite'), QUEUE_TABLES + MESSAGE_TABLES);
  started.defer(() => db.close());
  const nowMs = options.nowMs ?? Date.now;
  const queues = new QueueStore(db, nowMs);
  const messages = new MessageStore(db, queues, nowMs);
  const waiters = new Waiters();
  let url = '';
  const room = { queues, messages, waiters, region: options.region, accountId: options.accountId, url: () => url };
  const service: JsonService = {
    signingName: 'sqs',
    targetPrefix: 'AmazonSQS.',
    contentType: 'application/x-amz-json-1.0',
    refusalStatus: 403,
    maxBodyBytes: MAX_BODY_BYTES,
    needs: (call) => sqsNeeds(options, call),
    answer: async (call) => {
      const result = await OPERATIONS[call.operation]?.run(room, call);
      return { status: 200, body: JSON.stringify(result ?? {}) };
    },
  };
  const server = createJsonServer(service, options);
  url = await listenOnLoopback(server, options.port);
  started.defer(() => closeServer(server));
  started.defer(() => waiters.close());
  const running = started.move();
  return { url, close: () => running.disposeAsync() };
}
