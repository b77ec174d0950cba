/** The embedded EventBridge: buses that take events and keep the last of them. It has no rules and no targets. */
import type { EmbeddedServer, ServerOptions, StackEvent } from '../../types.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback } from '../http.ts';
import { createJsonServer } from '../json-service.ts';
import { eventsNeeds, runEventsCall } from './operations.ts';
import { EventStore } from './store.ts';

export interface EventBridgeOptions extends ServerOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** How many events are kept of each bus. Default 1000. */
  readonly keep?: number;
}

export interface EventBridgeServer extends EmbeddedServer {
  /** What is kept of all buses, the oldest first. */
  events(): readonly StackEvent[];
}

/** @throws ServersError `data-in-use` */
export async function startEventBridge(options: EventBridgeOptions): Promise<EventBridgeServer> {
  await using started = new AsyncDisposableStack();
  const lock = lockFolder(options.dataDir);
  started.defer(() => lock.release());
  const store = new EventStore(options.dataDir, options.keep ?? 1000);
  started.defer(() => store.close());
  const room = { store, region: options.region, accountId: options.accountId, nowMs: Date.now };
  const server = createJsonServer(
    {
      signingName: 'events',
      targetPrefix: 'AWSEvents.',
      contentType: 'application/x-amz-json-1.1',
      refusalStatus: 400,
      // Ten entries, escaped, and what is around them.
      maxBodyBytes: 1024 * 1024,
      needs: (call) => eventsNeeds(room, call),
      answer: async (call) => ({ status: 200, body: JSON.stringify(runEventsCall(room, call)) }),
    },
    options,
  );
  const url = await listenOnLoopback(server, options.port);
  started.defer(() => closeServer(server));
  const running = started.move();
  return { url, events: () => store.events(), close: () => running.disposeAsync() };
}
