import { setTimeout as wait } from 'node:timers/promises';

/** Time and chance as the composition roots hand them out. */
export interface SystemClock {
  readonly date: () => Date;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export function systemClock(): SystemClock {
  return {
    date: () => new Date(),
    now: () => Date.now(),
    random: () => Math.random(),
    sleep: async (milliseconds, signal) => {
      await wait(milliseconds, undefined, signal === undefined ? {} : { signal });
    },
  };
}
