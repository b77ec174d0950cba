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
 * Puts open requests on the queue, and those whose delivery got lost. A request is sent first and noted as queued
 * afterwards: a sweep that dies in between sends it twice, which the worker's claim makes harmless, whereas the other
 * order could lose it until it counts as lost.
 */
export async function sweepRequests(ports: SweepPorts): Promise<SweepReport> {
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
      const due = page.items.filter((request) => isDue(request, now, lostBefore));
      const taken = await ports.queue.send(due.map(({ sha1 }) => ({ version: 1, sha1 })));
      await Promise.all(taken.map((sha1) => ports.requests.markQueued(sha1, at, lostBefore)));
      sent += taken.length;
      cursor = page.next;
    } while (cursor !== undefined);
    return sent;
  };
  const opened = await sendAll('open');
  const requeued = (await sendAll('queued')) + (await sendAll('fetching'));
  // Files that came since the last sweep are offered now, and what grows old is signed again.
  await ports.publisher.send({ version: 1, kind: 'feed' });
  return { version: 1, queued: opened + requeued, requeued, unreadable };
}

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
