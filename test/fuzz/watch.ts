import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Finding } from './fuzzer.ts';

interface WatchOptions {
  /** Thread that tries inputs from `workerData.from` on, keeps the number at hand in `workerData.at` and posts findings. */
  readonly script: URL;
  /** What else the thread is given. */
  readonly workerData: object;
  /** First number. */
  readonly seed: number;
  /** After so long no new input is waited for; the one at hand is still watched to its end. */
  readonly milliseconds: number;
  /** An input that takes this long is a hang. */
  readonly hangMilliseconds: number;
  /** Findings after which it ends: more are mostly the same fault. */
  readonly mostFindings: number;
  readonly found: (finding: Finding) => void;
  /** Called now and then with the number of inputs so far. */
  readonly onTick?: (inputs: number) => void;
}

const longestTick = 200;

/**
 * Lets a thread try inputs until the time is over, and begins again behind an input at which it hangs or ends.
 *
 * @returns how many inputs were tried
 */
export async function watch(options: WatchOptions): Promise<number> {
  const { seed, hangMilliseconds, mostFindings, onTick } = options;
  let findings = 0;
  const found = (finding: Finding): void => {
    findings++;
    options.found(finding);
  };
  const at = new Int32Array(new SharedArrayBuffer(4));
  const numberAtHand = (): number => Atomics.load(at, 0);
  const end = performance.now() + options.milliseconds;
  const tick = Math.min(longestTick, hangMilliseconds / 4);
  let thread = startThread(options, seed, at, found);
  let seen = seed;
  let seenAt = performance.now();
  let atEnd: number | undefined;
  while (findings < mostFindings) {
    await wait(tick);
    const number = numberAtHand();
    const now = performance.now();
    if (number !== seen) [seen, seenAt] = [number, now];
    const hangs = now - seenAt > hangMilliseconds;
    if (thread.fault() !== undefined || hangs) {
      const error = thread.fault() ?? `no end after ${hangMilliseconds / 1000} seconds`;
      await thread.stop();
      found({ number, error });
      if (now >= end) break;
      thread = startThread(options, number + 1, at, found);
      [seen, seenAt] = [number + 1, performance.now()];
    } else if (now >= end) {
      // The last input may be the one that hangs.
      atEnd ??= number;
      if (number !== atEnd) break;
    }
    onTick?.(number - seed);
  }
  await thread.stop();
  return numberAtHand() - seed;
}

interface Thread {
  /** Why it ended by itself; `undefined` while it runs. */
  readonly fault: () => string | undefined;
  readonly stop: () => Promise<void>;
}

function startThread(
  { script, workerData }: WatchOptions,
  from: number,
  at: Int32Array,
  found: (finding: Finding) => void,
): Thread {
  Atomics.store(at, 0, from);
  const worker = new Worker(script, { workerData: { ...workerData, from, at } });
  let fault: string | undefined;
  worker.on('message', found);
  worker.on('error', (error) => {
    fault = `the thread died: ${error instanceof Error ? error.stack : String(error)}`;
  });
  worker.on('exit', (code) => {
    fault ??= `the thread ended with exit code ${code}`;
  });
  return {
    fault: () => fault,
    stop: async () => {
      await worker.terminate();
    },
  };
}
