/** All functions of the stack, and how they are invoked: at once and waited for, or as an event. */
import type { StackLogLine } from '#local/types.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { FunctionRunner } from './function-runner.ts';
import type { Outcome } from './outcome.ts';

/**
 * Lambda retries a failed asynchronous invocation after one minute, and then after two.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const retryDelaysMilliseconds = [60_000, 120_000] as const;

export interface FunctionsOptions {
  /** Divides the delays between attempts. */
  readonly speed: number;
  readonly log: (line: StackLogLine) => void;
}

export class Functions {
  readonly #runners = new Map<string, FunctionRunner>();
  readonly #maximumRetries = new Map<string, number>();
  readonly #options: FunctionsOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(options: FunctionsOptions) {
    this.#options = options;
  }

  /** @param maximumRetries attempts after a first one that failed, when the function is invoked as an event */
  add(runner: FunctionRunner, maximumRetries: number = retryDelaysMilliseconds.length): void {
    this.#runners.set(runner.name, runner);
    this.#maximumRetries.set(runner.name, maximumRetries);
  }

  /** @param nameOrArn a function's name, its ARN, or either with the qualifier $LATEST */
  find(nameOrArn: string): FunctionRunner | undefined {
    const name = /(?:^|:function:)([A-Za-z0-9_-]+)(?::\$LATEST)?$/.exec(nameOrArn)?.[1];
    return name === undefined ? undefined : this.#runners.get(name);
  }

  /** @throws RuntimeError `unknown-resource` */
  get(nameOrArn: string): FunctionRunner {
    const runner = this.find(nameOrArn);
    if (runner !== undefined) return runner;
    const known = [...this.#runners.keys()].join(', ');
    throw new RuntimeError('unknown-resource', `there is no function ${nameOrArn} in this stack; there are: ${known}`);
  }

  /**
   * Takes an event and runs the function with it in its own time, again when it fails, and drops it after the last
   * attempt. Events are kept in memory only: what has not run when the stack ends is lost, other than on AWS.
   */
  accept(runner: FunctionRunner, payload: string, attempt = 0): void {
    if (this.#closed) return;
    void runner.invoke(payload).then((outcome) => this.#afterAttempt(runner, payload, attempt, outcome));
  }

  #afterAttempt(runner: FunctionRunner, payload: string, attempt: number, outcome: Outcome): void {
    if (outcome.ok || this.#closed) return;
    const { speed, log } = this.#options;
    const delay = retryDelaysMilliseconds[attempt];
    if (delay === undefined || attempt >= (this.#maximumRetries.get(runner.name) ?? 0)) {
      const message = `event dropped after ${attempt + 1} failed attempts: ${outcome.message}`;
      log({ source: runner.name, level: 'error', message });
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.accept(runner, payload, attempt + 1);
    }, delay / speed);
    this.#timers.add(timer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#runners.values()].map((runner) => runner.close()));
  }
}
