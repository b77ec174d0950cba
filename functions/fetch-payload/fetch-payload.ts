import { createHash } from 'node:crypto';
import type { FetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { CatalogStore } from '#shared/stores/catalog/port.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { HeldPayload, PayloadStore } from '#shared/stores/payloads/port.ts';
import type { Claim, RequestStore } from '#shared/stores/requests/port.ts';
import type { Upstream } from '#shared/upstream/client.ts';
import { FetchError } from './fetch-error.ts';

export interface FetchPorts {
  readonly requests: Pick<RequestStore, 'claim' | 'fail' | 'complete'>;
  readonly payloads: Pick<PayloadStore, 'held' | 'restore' | 'begin' | 'record'>;
  readonly catalog: Pick<CatalogStore, 'fileFacts'>;
  readonly upstream: Pick<Upstream, 'getPayload'>;
  readonly events: EventSink;
  readonly now: () => Date;
  /** After so many deliveries of its message a request is given up. */
  readonly maxReceiveCount: number;
}

export interface FetchDelivery {
  readonly messageId: string;
  readonly receiveCount: number;
  /** When Lambda ends this process: the lease lasts as long. */
  readonly deadlineAt: Date;
  /** Fires a little before, to stop and clean up. */
  readonly signal: AbortSignal;
}

export type FetchResult =
  /** Somebody else is on it, or it is done or given up: this delivery has nothing to do. */
  | { readonly outcome: 'nothing-to-do' }
  | { readonly outcome: 'already-held'; readonly sha256: string }
  | { readonly outcome: 'fetched'; readonly sha256: string; readonly bytes: number };

/**
 * Fetches one requested file. Two deliveries for one file cause one download, because the claim is a conditional write.
 *
 * @throws FetchError, UpstreamError or a failure of a store after noting it on the request: the delivery has failed
 *   and the queue brings it again
 */
export async function fetchPayload(
  ports: FetchPorts,
  { sha1 }: FetchPayloadMessage,
  delivery: FetchDelivery,
): Promise<FetchResult> {
  const { requests, payloads } = ports;
  const claim: Claim = {
    messageId: delivery.messageId,
    receiveCount: delivery.receiveCount,
    leaseUntil: delivery.deadlineAt.toISOString(),
  };
  if ((await requests.claim(sha1, claim, ports.now().toISOString())) === false) return { outcome: 'nothing-to-do' };
  try {
    // A file that was retired lately is still there; asking for it is all that it takes.
    const held = (await payloads.held([sha1])).get(sha1) ?? (await payloads.restore(sha1, ports.now().toISOString()));
    const payload = held ?? (await download(ports, await factsOf(ports, sha1), delivery.signal));
    await tellCached(ports, payload);
    await requests.complete(sha1, { at: ports.now().toISOString(), sha256: payload.sha256 });
    return held === undefined
      ? { outcome: 'fetched', sha256: payload.sha256, bytes: payload.size }
      : { outcome: 'already-held', sha256: held.sha256 };
  } catch (error) {
    await noteFailure(ports, sha1, claim, error);
    throw error;
  }
}

/**
 * Tells that a requested file is in the repository. Before the request is done, so that a delivery that dies in between is
 * followed by one that tells: then, or when somebody asked again for a file that was there, the event comes twice.
 */
async function tellCached({ events }: FetchPorts, { sha1, sha256, size, name }: HeldPayload): Promise<void> {
  await events.publish('FileCached', { version: 1, sha1, sha256, size, ...(name !== undefined && { name }) });
}

/** @throws FetchError: what the catalogue lacks cannot be fetched */
async function factsOf({ catalog }: FetchPorts, sha1: string): Promise<PayloadFile & { readonly url: string }> {
  const facts = (await catalog.fileFacts([sha1])).get(sha1);
  if (facts === undefined) throw new FetchError('not-in-catalogue', `${sha1} is not in the catalogue`);
  const { url } = facts;
  if (url === undefined) throw new FetchError('no-address', `the index names no address for ${sha1}`);
  return { ...facts, url };
}

/** Streams the file into the repository; it appears there only after its bytes are proved. */
async function download(
  ports: FetchPorts,
  facts: PayloadFile & { readonly url: string },
  signal: AbortSignal,
): Promise<HeldPayload> {
  const file = await ports.upstream.getPayload(facts.url, { size: facts.size, signal });
  try {
    const upload = await ports.payloads.begin(facts);
    try {
      const sha1 = createHash('sha1');
      const sha256 = createHash('sha256');
      let size = 0;
      for await (const chunk of file.body) {
        sha1.update(chunk);
        sha256.update(chunk);
        size += chunk.byteLength;
        await upload.write(chunk);
      }
      const proved = prove(facts, { sha1: sha1.digest('hex'), sha256: sha256.digest('hex'), size });
      await upload.complete(proved.sha256);
      const payload: HeldPayload = {
        ...proved,
        ...(facts.name !== undefined && { name: facts.name }),
        heldAt: ports.now().toISOString(),
      };
      await ports.payloads.record(payload);
      return payload;
    } catch (error) {
      // The reason is what the request must say; parts that stay behind fall to the bucket's lifecycle rule.
      await upload.abort().catch(() => {});
      throw error;
    }
  } finally {
    file.cancel();
  }
}

interface Digests {
  readonly sha1: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * The bytes against what the index says. Old files have no SHA-256 there: then length and SHA-1 are proved, and the
 * SHA-256 that was computed becomes the file's address.
 *
 * @throws FetchError
 */
function prove(facts: PayloadFile, got: Digests): Digests {
  if (facts.size !== undefined && got.size !== facts.size)
    throw new FetchError('wrong-length', `${facts.url} has ${got.size} bytes; the index says ${facts.size}`);
  if (got.sha1 !== facts.sha1)
    throw new FetchError('wrong-bytes', `${facts.url} has the SHA-1 ${got.sha1}; the index says ${facts.sha1}`);
  if (facts.sha256 !== undefined && got.sha256 !== facts.sha256)
    throw new FetchError('wrong-bytes', `${facts.url} has the SHA-256 ${got.sha256}; the index says ${facts.sha256}`);
  return got;
}

/** The failure itself is what the caller must see, also when it could not be noted; then the lease lapses. */
async function noteFailure(ports: FetchPorts, sha1: string, claim: Claim, error: unknown): Promise<void> {
  const failure = {
    at: ports.now().toISOString(),
    error: error instanceof Error ? error.message : String(error),
    final: claim.receiveCount >= ports.maxReceiveCount,
  };
  try {
    await ports.requests.fail(sha1, claim, failure);
  } catch (noteError) {
    throw new AggregateError([error, noteError], `${failure.error} (and it could not be noted on the request)`);
  }
}

/** Metrics of a delivery that ended well. */
export function measureFetch(result: FetchResult): Measurements {
  return result.outcome === 'fetched' ? { PayloadBytes: result.bytes } : {};
}

/** Metrics of a delivery that failed, a malformed message included. */
export function measureFetchFailure(receiveCount: number, maxReceiveCount: number): Measurements {
  return { FetchFailed: 1, RequestsGivenUp: receiveCount >= maxReceiveCount ? 1 : 0 };
}
