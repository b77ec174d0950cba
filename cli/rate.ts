import type { Rate } from '#shared/core/status/progress.ts';
import { formatBytes } from './io.ts';
import { formatAge } from './times.ts';

/** `1.2 GB of 6 GB, 20 %, 45 MB/s, 2 min left` */
export function describeRate({ bytes, of, bytesPerSecond, secondsLeft }: Rate): string {
  const share = of === 0 ? '' : `, ${Math.floor((100 * bytes) / of)} %`;
  const pace =
    bytesPerSecond === undefined || secondsLeft === undefined
      ? ''
      : `, ${formatBytes(Math.round(bytesPerSecond))}/s, ${formatAge(secondsLeft)} left`;
  return `${formatBytes(bytes)} of ${formatBytes(of)}${share}${pace}`;
}
