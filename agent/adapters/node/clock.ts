import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../ports/surroundings.ts';

/** Longest time that one timer of Node can wait. Milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(seconds, signal) {
    try {
      await wait(Math.min(Math.max(0, seconds) * 1000, longestTimer), undefined, signal ? { signal } : {});
    } catch (error) {
      // The signal ends the sleep early, which is what it is for.
      if (!signal?.aborted) throw error;
    }
  },
};
