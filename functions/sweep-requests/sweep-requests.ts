import type { SweepRequestsEvent } from '#shared/contract/messages/sync-index.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import type { SweepResult } from '#shared/contract/operators/views.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import type { PublishQueue } from '#shared/stores/repository/port.ts';
import type { FetchQueue, RequestStore } from '#shared/stores/requests/port.ts';

export interface SweepPorts {
  readonly requests: RequestStore;
  readonly queue: FetchQueue;
  readonly publisher: PublishQueue;
  readonly now: () => Date;
  /** A queued request that nobody worked on for so long counts as lost. Seconds. */
  readonly requeueAfterSeconds: number;
}

export interface SweepReport extends SweepResult {
  /** Keys of rows that do not parse; they stay as they are. */
  readonly unreadable: readonly string[];
}

const pageSize = 100;

/**
 * Puts open requests on the queue, and those whose delivery got lost; or only those that a worker began: large files, of which
 * a part is in the store, and files whose worker is gone. Workers never send to their own queue, since Lambda stops such loops
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html). A request is sent first and noted as queued
 * afterwards: a sweep that dies in between sends it twice, which the worker's claim makes harmless, whereas the other
 * order could lose it until it counts as lost.
 */
export async function sweepRequests(ports: SweepPorts, { only }: SweepRequestsEvent = {}): Promise<SweepReport> {
  const now = ports.now();
  const at = now.toISOString();
  const lostBefore = new Date(now.getTime() - ports.requeueAfterSeconds * 1000).toISOString();
  const unreadable: string[] = [];
  const sendAll = async (state: 'open' | 'queued' | 'fetching'): Promise<number> => {
    let sent = 0;
    let cursor: string | undefined;
    do {
      const page = await ports.requests.list({ state, cursor, limit: pageSize });
      unreadable.push(...page.unreadable);
      const wanted = only === undefined ? page.items : page.items.filter(isBegun);
      const due = wanted.filter((request) => isDue(request, now, lostBefore));
      const taken = await ports.queue.send(due.map(({ sha1 }) => ({ version: 1, sha1 })));
      await Promise.all(taken.map((sha1) => ports.requests.markQueued(sha1, at, lostBefore)));
      sent += taken.length;
      cursor = page.next;
    } while (cursor !== undefined);
    return sent;
  };
  const opened = await sendAll('open');
  const requeued = (only === undefined ? await sendAll('queued') : 0) + (await sendAll('fetching'));
  // Files that came since the last sweep are offered now, and what grows old is signed again.
  if (only === undefined) await ports.publisher.send({ version: 1, kind: 'feed' });
  return { version: 1, queued: opened + requeued, requeued, unreadable };
}

const isBegun = (request: FileRequest): boolean => request.state === 'fetching' || request.progress !== undefined;

function isDue(request: FileRequest, now: Date, lostBefore: string): boolean {
  switch (request.state) {
    case 'open':
      return true;
    case 'queued':
      return Date.parse(request.queuedAt) < Date.parse(lostBefore);
    case 'fetching':
      return Date.parse(request.leaseUntil) < now.getTime();
    default:
      // The index by state lags a moment: the row may have ended meanwhile.
      return false;
  }
}

/** Metrics of a sweep. */
export function measureSweep({ queued, requeued, unreadable }: SweepReport): Measurements {
  return { RequestsQueued: queued, RequestsRequeued: requeued, UnreadableRows: unreadable.length };
}
