import type { ApplyLock } from '#agent/ports/surroundings.ts';

/** Lets so many in at a time, in the order of coming. */
export interface Gate {
  enter(): Promise<void>;
  leave(): void;
}

export function createGate(places: number): Gate {
  const waiting: (() => void)[] = [];
  let free = places;
  return {
    enter() {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave() {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    },
  };
}

/** The lock of an agent that also waits for its turn among all agents of the process, for the whole cycle. */
export const gated = (lock: ApplyLock, gate: Gate): ApplyLock => ({
  async acquire() {
    await gate.enter();
    try {
      const held = await lock.acquire();
      return {
        async release() {
          try {
            await held.release();
          } finally {
            gate.leave();
          }
        },
      };
    } catch (error) {
      gate.leave();
      throw error;
    }
  },
});
