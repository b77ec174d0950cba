import { describe, expect, it } from 'vitest';
import type { Finding } from './fuzzer.ts';
import { watch } from './watch.ts';

/** A thread that takes a millisecond for an input, but for what the code does before. */
const threadThat = (code: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort, workerData } from 'node:worker_threads';
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let number = workerData.from; ; number++) {
        Atomics.store(workerData.at, 0, number);
        ${code}
        Atomics.wait(pause, 0, 0, 1);
      }`)}`,
  );

async function watched(code: string, options: { milliseconds?: number; mostFindings?: number } = {}) {
  const findings: Finding[] = [];
  const inputs = await watch({
    script: threadThat(code),
    workerData: {},
    seed: 100,
    milliseconds: 1,
    // Longer than a thread takes to start on a busy machine.
    hangMilliseconds: 3000,
    mostFindings: 3,
    found: (finding) => void findings.push(finding),
    ...options,
  });
  return { findings, inputs };
}

describe('the watch over the thread that tries inputs', () => {
  it('finds nothing when nothing is wrong', async () => {
    const { findings, inputs } = await watched('');
    expect(findings).toEqual([]);
    expect(inputs).toBeGreaterThan(0);
  });

  it('finds a hang of the input at hand when the time is over', async () => {
    const { findings } = await watched('if (number === 100) for (;;);');
    expect(findings).toEqual([{ number: 100, error: 'no end after 3 seconds' }]);
  });

  it('finds that the thread ended or died, each once, and goes on behind it', async () => {
    const code = `
      if (number === 102) process.exit(7);
      if (number === 104) throw new Error('out of order');
      if (number === 106) parentPort.postMessage({ number, error: 'told' });`;
    const { findings } = await watched(code, { milliseconds: 60_000 });
    expect(findings).toEqual([
      { number: 102, error: 'the thread ended with exit code 7' },
      { number: 104, error: expect.stringContaining('the thread died: Error: out of order') },
      { number: 106, error: 'told' },
    ]);
  });

  it('finds that the thread ended at the first input, however short the time is', async () => {
    const { findings } = await watched('process.exit(1);');
    expect(findings).toEqual([{ number: 100, error: 'the thread ended with exit code 1' }]);
  });
});
