import type { FetchPorts } from './ports.ts';

/**
 * Holds a worker to its share of the bandwidth: whoever took bytes waits until they would have come at that rate.
 *
 * @returns takes note of bytes that came, and resolves when more may be asked for
 */
export function paceOf(
  { limits, now, sleep }: Pick<FetchPorts, 'limits' | 'now' | 'sleep'>,
  signal: AbortSignal,
): (bytes: number) => Promise<void> {
  const { bytesPerSecond } = limits;
  if (bytesPerSecond === undefined) return async () => {};
  let free = now().getTime();
  return async (bytes) => {
    const at = now().getTime();
    free = Math.max(free, at) + (bytes * 1000) / bytesPerSecond;
    // Timers are not exact; what is shorter is made up for by the next wait.
    if (free - at >= 5) await sleep(free - at, signal).catch(() => {});
  };
}
