/** Long polling: receivers that wait for a message. */

/** How often waiting receivers look for messages whose delay or visibility timeout is over. */
const LOOK_EVERY_MS = 50;

export class Waiters {
  readonly #looks = new Map<string, Set<() => void>>();
  #closed = false;

  /** Lets the receivers of a queue look again. */
  wake(queue: string): void {
    for (const look of [...(this.#looks.get(queue) ?? [])]) look();
  }

  /** All waiting receivers go home with nothing, and nobody waits any more. */
  close(): void {
    this.#closed = true;
    for (const queue of this.#looks.keys()) this.wake(queue);
  }

  /**
   * Looks now, when the queue is woken and every now and then, until something is found, the time is over (real
   * milliseconds) or the client is gone; a client that is gone takes no message along.
   */
  async until<T>(
    queue: string,
    waitMs: number,
    signal: AbortSignal,
    find: () => T | undefined,
  ): Promise<T | undefined> {
    const first = find();
    if (first !== undefined || waitMs === 0 || this.#closed) return first;
    return new Promise((resolve, reject) => {
      const looks = this.#looks.get(queue) ?? new Set();
      this.#looks.set(queue, looks);
      const stop = () => {
        looks.delete(look);
        clearInterval(interval);
        clearTimeout(timer);
        signal.removeEventListener('abort', look);
      };
      const look = () => {
        try {
          const over = signal.aborted || this.#closed;
          const found = over ? undefined : find();
          if (!over && found === undefined) return;
          stop();
          resolve(found);
        } catch (error) {
          stop();
          reject(error);
        }
      };
      const interval = setInterval(look, LOOK_EVERY_MS);
      const timer = setTimeout(() => {
        stop();
        resolve(undefined);
      }, waitMs);
      signal.addEventListener('abort', look);
      looks.add(look);
    });
  }
}
