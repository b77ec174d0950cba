import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answersInOrder } from './in-order.ts';

/** A thread that answers each request with its number, but for what the code does before. */
const threadThat = (code: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', (number) => {
        ${code}
        parentPort.postMessage({ number });
      });`)}`,
  );

async function numbersFrom(code: string, options: { readonly count: number; readonly threads: number }) {
  const numbers: number[] = [];
  for await (const { number } of answersInOrder(threadThat(code), { ...options, workerData: {} })) numbers.push(number);
  return numbers;
}

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => void process.off('unhandledRejection', note));

describe('answers of several threads', () => {
  it('come in the order of the requests', async () => {
    const slow = 'if (number % 3 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);';
    expect(await numbersFrom(slow, { count: 10, threads: 3 })).toEqual(Array.from({ length: 10 }, (_, i) => i));
  });

  it.each([0, 1, 7])('end with the error of a thread that fails at request %i, and with nothing else', async (at) => {
    const failing = `if (number === ${at}) throw new Error('no such thing');`;
    await expect(numbersFrom(failing, { count: 10, threads: 2 })).rejects.toThrow('no such thing');
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  it('end with an error when a thread ends by itself', async () => {
    await expect(numbersFrom('if (number === 4) process.exit(3);', { count: 10, threads: 2 })).rejects.toThrow(
      'a thread ended with exit code 3 before it had answered',
    );
  });
});
