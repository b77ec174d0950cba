import { Worker } from 'node:worker_threads';

interface InOrderOptions {
  /** Requests are the numbers from 0 to `count` - 1. */
  readonly count: number;
  readonly threads: number;
  /** What each thread is started with. */
  readonly workerData: unknown;
}

/**
 * Answers of several threads in the order of their requests, none far ahead of what was taken. A thread is sent numbers, and
 * answers each with an object that has the number. The threads end with the generator, however it ends.
 *
 * @throws whatever a thread threw; Error when one ends by itself
 */
export async function* answersInOrder<Answer extends { readonly number: number }>(
  script: URL,
  { count, threads, workerData }: InOrderOptions,
): AsyncGenerator<Answer> {
  const answers = Array.from({ length: count }, () => Promise.withResolvers<Answer>());
  // Whoever waits for a later one hears of a failure at the first.
  for (const { promise } of answers) promise.catch(() => undefined);
  const fail = (error: unknown): void => {
    // Those that were used are gone.
    for (const answer of answers) answer?.reject(error);
  };
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(script, { workerData });
    worker.on('message', (answer: Answer) => answers[answer.number]?.resolve(answer));
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`a thread ended with exit code ${code} before it had answered`)));
    return worker;
  });
  let asked = 0;
  const ask = (worker: Worker | undefined): void => {
    if (asked < count) worker?.postMessage(asked++);
  };
  try {
    // Two requests wait at each thread, so that none is idle while its answer is used.
    for (let i = 0; i < 2 * threads; i++) ask(workers[i % threads]);
    for (let number = 0; number < count; number++) {
      const answer = answers[number];
      if (answer === undefined) return;
      yield await answer.promise;
      // An answer that was used is let go: it may have megabytes.
      delete answers[number];
      ask(workers[number % threads]);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
