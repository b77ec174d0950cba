import type { FetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import type { HeldPayload } from '#shared/stores/payloads/port.ts';
import type { Claim, ClaimedRequest } from '#shared/stores/requests/port.ts';
import { UpstreamError } from '#shared/upstream/upstream-error.ts';
import { FetchError } from './fetch-error.ts';
import { fetchLarge, type LargeFetch } from './large-file.ts';
import type { FetchDelivery, FetchPorts, FetchSession } from './ports.ts';
import type { FetchableFile } from './prove.ts';
import { fetchWhole } from './whole-file.ts';

export type FetchResult =
  /** Somebody else is on it, or it is done or given up: this delivery has nothing to do. */
  | { readonly outcome: 'nothing-to-do' }
  | { readonly outcome: 'already-held'; readonly sha256: string }
  | { readonly outcome: 'fetched'; readonly sha256: string; readonly bytes: number }
  /** Part of it is in the store, and a sweep sends the rest. With `reason` something was in the way. */
  | { readonly outcome: 'paused'; readonly bytes: number; readonly reason?: string }
  /** No further try would bring it. */
  | { readonly outcome: 'given-up'; readonly reason: string };

/**
 * Fetches one requested file, or a further part of it. Two deliveries for one file cause one download, because the claim is a
 * conditional write.
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
  const claimed = await requests.claim(sha1, claim, ports.now().toISOString());
  if (claimed === false) return { outcome: 'nothing-to-do' };
  const session: FetchSession = { ports, claim, delivery, transfer: claimed.transfer, gain: {} };
  try {
    requireFruit(ports, claimed);
    // A file that was retired lately is still there; asking for it is all that it takes.
    const held = (await payloads.held([sha1])).get(sha1) ?? (await payloads.restore(sha1, ports.now().toISOString()));
    const payload = held ?? (await fetchFile(session, await factsOf(ports, sha1)));
    if ('paused' in payload) {
      await requests.pause(sha1, claim);
      return { outcome: 'paused', bytes: payload.bytes };
    }
    await tellCached(ports, payload);
    await requests.complete(sha1, { at: ports.now().toISOString(), sha256: payload.sha256 });
    return held === undefined
      ? { outcome: 'fetched', sha256: payload.sha256, bytes: payload.size }
      : { outcome: 'already-held', sha256: held.sha256 };
  } catch (error) {
    return await afterFailure(session, sha1, error);
  }
}

/** @throws FetchError `fruitless` for a file that ends its worker each time */
function requireFruit({ limits }: FetchPorts, { fruitlessClaims, sha1 }: ClaimedRequest): void {
  if (fruitlessClaims > limits.maxFruitlessClaims)
    throw new FetchError(
      'fruitless',
      `${fruitlessClaims - 1} deliveries of ${sha1} ended without adding anything and without saying why`,
    );
}

/** In parts, when it is larger than one: of a file whose worker dies at most a part is lost. */
function fetchFile(session: FetchSession, facts: FetchableFile): Promise<LargeFetch> {
  const { size } = facts;
  return size !== undefined && size > session.ports.limits.partBytes
    ? fetchLarge(session, { ...facts, size })
    : fetchWhole(session, facts);
}

/**
 * Tells that a requested file is in the repository. Before the request is done, so that a delivery that dies in between is
 * followed by one that tells: then, or when somebody asked again for a file that was there, the event comes twice.
 */
async function tellCached({ events }: FetchPorts, { sha1, sha256, size, name }: HeldPayload): Promise<void> {
  await events.publish('FileCached', { version: 1, sha1, sha256, size, ...(name !== undefined && { name }) });
}

/** @throws FetchError: what the catalogue lacks cannot be fetched */
async function factsOf({ catalog }: FetchPorts, sha1: string): Promise<FetchableFile> {
  const facts = (await catalog.fileFacts([sha1])).get(sha1);
  if (facts === undefined) throw new FetchError('not-in-catalogue', `${sha1} is not in the catalogue`);
  const { url } = facts;
  if (url === undefined) throw new FetchError('no-address', `the index names no address for ${sha1}`);
  return { ...facts, url };
}

/** Notes a failure. Whether another delivery comes depends on what is in the way, and on whether this one got anywhere. */
async function afterFailure(session: FetchSession, sha1: string, error: unknown): Promise<FetchResult> {
  const { ports, claim, gain } = session;
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof FetchError && error.code === 'taken-over') return { outcome: 'nothing-to-do' };
  const isForGood =
    (error instanceof UpstreamError && error.code === 'not-found') ||
    (error instanceof FetchError && error.code === 'fruitless');
  // Deliveries are counted for files that do not get on: a large one may meet more trouble than the queue has patience.
  const goesOn = gain.bytes !== undefined && !isForGood && !(error instanceof FetchError);
  const failure = {
    at: ports.now().toISOString(),
    error: reason,
    final: isForGood || claim.receiveCount >= ports.maxReceiveCount,
  };
  try {
    if (goesOn) await ports.requests.pause(sha1, claim, failure);
    else await ports.requests.fail(sha1, claim, failure);
  } catch (noteError) {
    // The failure itself is what the caller must see, also when it could not be noted; then the lease lapses.
    throw new AggregateError([error, noteError], `${reason} (and it could not be noted on the request)`);
  }
  if (goesOn) return { outcome: 'paused', bytes: gain.bytes ?? 0, reason };
  if (isForGood) return { outcome: 'given-up', reason };
  throw error;
}

/** Metrics of a delivery that ended well. */
export function measureFetch(result: FetchResult): Measurements {
  switch (result.outcome) {
    case 'fetched':
      return { PayloadBytes: result.bytes };
    case 'given-up':
      return { FetchFailed: 1, RequestsGivenUp: 1 };
    default:
      return {};
  }
}

/** Metrics of a delivery that failed, a malformed message included. */
export function measureFetchFailure(receiveCount: number, maxReceiveCount: number): Measurements {
  return { FetchFailed: 1, RequestsGivenUp: receiveCount >= maxReceiveCount ? 1 : 0 };
}
