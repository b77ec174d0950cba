/**
 * The moment that a snapshot stands for, in milliseconds since 1970. A beat that came through the stream says that all
 * before it came, too, in its shard; so the oldest of the latest beats counts. Before the first of each came, it is the
 * newest change that was applied.
 *
 * @param beats the latest of each number
 * @param count of the numbers
 */
export function asOf(beats: Iterable<number>, count: number, changedAt: number): number {
  const times = [...beats];
  return times.length < count ? changedAt : Math.min(...times);
}
