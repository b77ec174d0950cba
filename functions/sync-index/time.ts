import type { SyncSession } from './ports.ts';
import { SyncError } from './sync-error.ts';

/** From then on no further part is begun, nor a copy begun again. Milliseconds since 1970. */
export const lastBeginning = ({ invocation, limits }: SyncSession): number =>
  invocation.deadlineAt.getTime() - limits.lastPartMilliseconds;

const overtime = (where: string): SyncError => new SyncError('time-limit', `the time was over ${where}`);

/** @throws SyncError `time-limit` when the time is over; `where` says how far the run was */
export function stopAtEnd({ invocation }: SyncSession, where: string): void {
  if (invocation.signal.aborted) throw overtime(where);
}

/**
 * Waits for work, but no longer than the time lasts: a server that says nothing must not take the run's last word. The
 * work itself is not stopped, so it must be such that does no harm when it is done later.
 *
 * @throws SyncError `time-limit`
 */
export async function withinTime<T>({ invocation }: SyncSession, work: Promise<T>, where: () => string): Promise<T> {
  const { signal } = invocation;
  let stop = (): void => {};
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(overtime(where()));
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([over, work]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
