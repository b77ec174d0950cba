/** What reading an index of a size costs. */
export interface SizeCost {
  /** Unpacked. */
  readonly bytes: number;
  readonly cpuSeconds: number;
}

/**
 * How much more a byte costs in a large index than in a small one: 1 when the cost grows in line with the index.
 *
 * What a process spends on starting, on compiling its code and on filling its caches the first time is in each of the
 * three costs. It is most of what the tiny index costs, so it is taken off the other two: compared are slopes. Without
 * that a reader whose cost grows faster than the index would look linear, since the small index pays it in full too.
 *
 * @returns NaN when the costs do not grow at all: then nothing can be said
 */
export function growthOf(tiny: SizeCost, small: SizeCost, whole: SizeCost): number {
  const slope = ({ bytes, cpuSeconds }: SizeCost): number => (cpuSeconds - tiny.cpuSeconds) / (bytes - tiny.bytes);
  const [before, after] = [slope(small), slope(whole)];
  return before > 0 && after > 0 ? after / before : Number.NaN;
}
