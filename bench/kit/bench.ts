/** One figure of a benchmark. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  /** For instance `ratio`, `MB/s`, `s`, `MB`, `operations`, `USD`. MB are 10^6 bytes. */
  readonly unit: string;
  /** The limit that the figure must keep; rows without one are shown for their own sake. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

/** What a benchmark is given. */
export interface BenchContext {
  /** Says on stderr how far it is. */
  progress(line: string): void;
  /** A folder for inputs that are expensive to make; kept between runs, never committed. */
  readonly cacheFolder: string;
  /** Further arguments of the command line, as they stand. */
  readonly args: readonly string[];
}

export interface Bench {
  readonly name: string;
  readonly summary: string;
  /** Further arguments, one line each, for `--help`. */
  readonly options?: readonly string[];
  run(context: BenchContext): Promise<readonly BenchRow[]>;
}

/** Wrong arguments: the message says what was got and what is allowed. */
export class UsageError extends Error {}

/** Whether a row keeps its goal; `undefined` when it has none. */
export function keepsGoal({ value, goal }: BenchRow): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** `>= 1.2`, or `undefined` without a goal. */
export function goalText({ goal }: BenchRow): string | undefined {
  if (goal === undefined) return undefined;
  return 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}
