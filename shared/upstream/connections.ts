import type { Dispatcher } from 'undici';
import { createUpstreamAgent } from './agent.ts';
import { type OutboundProxy, ProxiedConnections } from './proxied-connections.ts';

/** One request, as the client makes it. */
export interface UpstreamRequest {
  /** `scheme://host`, on the scheme's own port. */
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  readonly method: 'GET';
  readonly headers: Readonly<Record<string, string>>;
  /** Until the headers are there. Milliseconds. */
  readonly headersTimeout: number;
  /** Between two pieces of the body. Milliseconds. */
  readonly bodyTimeout: number;
  readonly signal?: AbortSignal;
}

/** What a client's requests go out by; an undici Dispatcher is one. */
export interface Connections {
  request(options: UpstreamRequest): Promise<Dispatcher.ResponseData>;
}

/**
 * The connections of one process to Microsoft's hosts; made in the composition root and passed to the client.
 *
 * @param proxy what they go through. @default none
 */
export function createUpstreamConnections(proxy?: OutboundProxy): Connections {
  const direct = createUpstreamAgent();
  return proxy === undefined ? direct : new ProxiedConnections(proxy, direct);
}
