/** Tries one input after the other in a thread of its own, so that the main one can see it hang. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Finding, fuzzers } from './fuzzer.ts';

interface WorkerInput {
  readonly name: string;
  /** First number to try. */
  readonly from: number;
  /** Where the number at hand is kept for the main thread. */
  readonly at: Int32Array;
}

/** Growth of the resident set that is no longer explained by tables, windows and what the collector has not seen yet. */
const mostGrowth = 400e6;
const inputsBetweenLooks = 2000;

const { name, from, at }: WorkerInput = workerData;
const fuzzer = await fuzzers[name]?.();
if (fuzzer === undefined || parentPort === null) throw new Error(`no fuzzer ${JSON.stringify(name)}, or no thread`);

let baseline: number | undefined;
for (let number = from; ; number++) {
  Atomics.store(at, 0, number);
  try {
    fuzzer.check(fuzzer.inputOf(number), number);
    if ((number - from) % inputsBetweenLooks === inputsBetweenLooks - 1) {
      const { rss } = process.memoryUsage();
      baseline ??= rss;
      if (rss > baseline + mostGrowth) {
        baseline = rss;
        throw new Error(`memory grew to ${Math.round(rss / 1e6)} MB`);
      }
    }
  } catch (error) {
    const finding: Finding = { number, error: error instanceof Error ? `${error.stack}` : String(error) };
    parentPort.postMessage(finding);
  }
}
