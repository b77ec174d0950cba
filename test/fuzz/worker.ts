/** Tries one input after the other in a thread of its own, so that the main one can see it hang. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { type Finding, fuzzers } from './fuzzer.ts';

interface WorkerInput {
  readonly name: string;
  /** First number to try. */
  readonly from: number;
  /** Where the number at hand is kept for the main thread. */
  readonly at: Int32Array;
}

/** What may stay after a collection beyond what stayed after the first inputs: some windows more. */
const mostGrowth = 100e6;
const inputsBetweenLooks = 2000;

const { name, from, at }: WorkerInput = workerData;
const fuzzer = await fuzzers[name]?.();
if (fuzzer === undefined || parentPort === null) throw new Error(`no fuzzer ${JSON.stringify(name)}, or no thread`);

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that a collection leaves; memory of WebAssembly counts. What the inputs' makers left behind does not. */
async function keptBytes(): Promise<number> {
  // What zlib and buffers held is given back between tasks, and collected then.
  for (let i = 0; i < 2; i++) {
    await setImmediate();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let baseline: number | undefined;
for (let number = from; ; number++) {
  Atomics.store(at, 0, number);
  try {
    fuzzer.check(fuzzer.inputOf(number), number);
    if ((number - from) % inputsBetweenLooks === inputsBetweenLooks - 1) {
      const kept = await keptBytes();
      baseline ??= kept;
      if (kept > baseline + mostGrowth) {
        const reason = `memory that is kept grew from ${Math.round(baseline / 1e6)} to ${Math.round(kept / 1e6)} MB`;
        baseline = kept;
        throw new Error(reason);
      }
    }
  } catch (error) {
    const finding: Finding = { number, error: error instanceof Error ? `${error.stack}` : String(error) };
    parentPort.postMessage(finding);
  }
}
