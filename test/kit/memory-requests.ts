import * as z from 'zod/mini';
import type { FetchPayloadMessage } from '#shared/contract/messages/fetch-payload.ts';
import { type PayloadTransfer, payloadTransfer } from '#shared/contract/payload-transfer.ts';
import { type FileRequest, type FileRequestState, fileRequest } from '#shared/contract/requests.ts';
import { canonicalTime, defaultRetryFailedAfterSeconds, maxErrorLength } from '#shared/stores/requests/lifecycle.ts';
import type { Claim, FetchQueue, NewRequest, RequestStore } from '#shared/stores/requests/port.ts';
import { pageOf } from './pages.ts';

interface Row {
  readonly request: FileRequest;
  readonly claim?: Claim | undefined;
}

/** The request store in memory; it passes the same contract suite as the AWS adapter. */
export class MemoryRequestStore implements RequestStore {
  readonly #rows = new Map<string, Row>();
  /** What rows have besides the request. */
  readonly #kept = new Map<
    string,
    { readonly transfer?: PayloadTransfer | undefined; readonly fruitlessClaims: number }
  >();
  readonly #retryFailedAfterMs: number;

  constructor(options: { readonly retryFailedAfterSeconds?: number } = {}) {
    this.#retryFailedAfterMs = (options.retryFailedAfterSeconds ?? defaultRetryFailedAfterSeconds) * 1000;
  }

  async open({ sha1, name, size, requestedBy, requestedAt, again }: NewRequest) {
    const before = this.#rows.get(sha1)?.request;
    const at = canonicalTime(requestedAt);
    const wait = again === true ? 0 : this.#retryFailedAfterMs;
    if (before?.state === 'failed' && Date.parse(before.failedAt) > Date.parse(at) - wait)
      return 'failed-recently' as const;
    if (before !== undefined && before.state !== 'failed' && before.state !== 'done') return 'already' as const;
    this.#kept.delete(sha1);
    this.#write({
      version: 1,
      sha1,
      state: 'open',
      requestedAt: at,
      requestedBy,
      attempts: 0,
      name: name ?? before?.name,
      size: size ?? before?.size,
      lastError: before?.lastError,
    });
    return 'opened' as const;
  }

  async get(sha1s: Iterable<string>) {
    const found = [...new Set(sha1s)].flatMap((sha1) => {
      const request = this.#rows.get(sha1)?.request;
      return request === undefined ? [] : [[sha1, structuredClone(request)] as const];
    });
    return new Map(found);
  }

  async list(query: { state?: FileRequestState | undefined; cursor?: string | undefined; limit: number }) {
    const rows = [...this.#rows.values()].map(({ request }) => structuredClone(request));
    const wanted = rows.filter(({ state }) => query.state === undefined || state === query.state);
    wanted.sort((a, b) => (a.requestedAt < b.requestedAt ? -1 : 1));
    return pageOf(wanted, query, ({ sha1 }) => sha1, `requests ${query.state ?? 'all'}`);
  }

  async countByState() {
    const counts: Record<FileRequestState, number> = { open: 0, queued: 0, fetching: 0, done: 0, failed: 0 };
    for (const { request } of this.#rows.values()) counts[request.state] += 1;
    return counts;
  }

  async markQueued(sha1: string, at: string, lostBefore: string) {
    const before = this.#rows.get(sha1)?.request;
    const due =
      before?.state === 'open' ||
      (before?.state === 'queued' && before.queuedAt < canonicalTime(lostBefore)) ||
      (before?.state === 'fetching' && before.leaseUntil < canonicalTime(at));
    if (before === undefined || !due) return false;
    const { progress } = before;
    this.#write({ ...withoutWorker(before), state: 'queued', queuedAt: canonicalTime(at), progress });
    return true;
  }

  async claim(sha1: string, claim: Claim, now: string) {
    const row = this.#rows.get(sha1);
    if (row === undefined || !this.#mayClaim(row, claim, canonicalTime(now))) return false;
    const before = row.request;
    this.#write(
      {
        ...withoutWorker(before),
        state: 'fetching',
        queuedAt: 'queuedAt' in before ? before.queuedAt : canonicalTime(now),
        leaseUntil: canonicalTime(claim.leaseUntil),
        attempts: before.attempts + 1,
        progress: before.progress,
      },
      claim,
    );
    const kept = this.#kept.get(sha1);
    const fruitlessClaims = (kept?.fruitlessClaims ?? 0) + 1;
    this.#kept.set(sha1, { ...kept, fruitlessClaims });
    const claimed = (await this.get([sha1])).get(sha1);
    if (claimed === undefined) return false as const;
    return { ...claimed, ...(kept?.transfer && { transfer: kept.transfer }), fruitlessClaims };
  }

  async note(sha1: string, claim: Claim, { transfer, progress }: Parameters<RequestStore['note']>[2]) {
    const row = this.#rows.get(sha1);
    if (row?.request.state !== 'fetching' || !this.#isMine(row, claim)) return false;
    const before = this.#kept.get(sha1);
    this.#kept.set(sha1, {
      transfer: transfer === undefined ? undefined : z.parse(payloadTransfer, JSON.parse(JSON.stringify(transfer))),
      fruitlessClaims: progress === undefined ? (before?.fruitlessClaims ?? 0) : 0,
    });
    const leaseUntil = canonicalTime(claim.leaseUntil);
    this.#write({ ...row.request, leaseUntil, ...(progress && { progress }) }, row.claim);
    return true;
  }

  async pause(sha1: string, claim: Claim, why?: { readonly error: string }) {
    const row = this.#rows.get(sha1);
    if (row?.request.state !== 'fetching' || !this.#isMine(row, claim)) return;
    const { progress } = row.request;
    const lastError = why?.error.slice(0, maxErrorLength) ?? row.request.lastError;
    this.#write({ ...withoutWorker(row.request), state: 'open', progress, lastError });
  }

  #isMine(row: Row, claim: Claim): boolean {
    return row.claim?.messageId === claim.messageId && row.claim.receiveCount === claim.receiveCount;
  }

  #mayClaim({ request, claim: holder }: Row, claim: Claim, now: string): boolean {
    if (request.state === 'open' || request.state === 'queued') return true;
    if (request.state !== 'fetching') return false;
    const redelivered = holder?.messageId === claim.messageId && holder.receiveCount < claim.receiveCount;
    return request.leaseUntil < now || redelivered;
  }

  async fail(sha1: string, claim: Claim, { at, error, final }: Parameters<RequestStore['fail']>[2]) {
    const row = this.#rows.get(sha1);
    if (row?.request.state !== 'fetching' || !this.#isMine(row, claim)) return;
    const when = canonicalTime(at);
    if (final) this.#kept.delete(sha1);
    const before = { ...withoutWorker(row.request), lastError: error.slice(0, maxErrorLength) };
    this.#write(
      final
        ? { ...before, state: 'failed', failedAt: when }
        : { ...before, state: 'queued', queuedAt: when, progress: row.request.progress },
    );
  }

  async complete(sha1: string, { at, sha256 }: { readonly at: string; readonly sha256: string }) {
    const before = this.#rows.get(sha1)?.request;
    if (before === undefined) return;
    const { lastError: _, ...rest } = withoutWorker(before);
    this.#kept.delete(sha1);
    this.#write({ ...rest, state: 'done', doneAt: canonicalTime(at), sha256 });
  }

  /** Through JSON and the schema, like a row of a table. */
  #write(request: FileRequest, claim?: Claim): void {
    this.#rows.set(request.sha1, { request: z.parse(fileRequest, JSON.parse(JSON.stringify(request))), claim });
  }
}

/** What every state of a request has. */
function withoutWorker({ version, sha1, name, size, requestedAt, requestedBy, attempts, lastError }: FileRequest) {
  return { version, sha1, name, size, requestedAt, requestedBy, attempts, lastError };
}

/** A queue in memory that can refuse. */
export class MemoryFetchQueue implements FetchQueue {
  readonly sent: FetchPayloadMessage[] = [];
  readonly #refuses: (message: FetchPayloadMessage) => boolean;

  constructor(refuses: (message: FetchPayloadMessage) => boolean = () => false) {
    this.#refuses = refuses;
  }

  async send(messages: readonly FetchPayloadMessage[]) {
    const taken = messages.filter((message) => !this.#refuses(message));
    this.sent.push(...taken);
    return taken.map(({ sha1 }) => sha1);
  }
}
