/** A function with its processes: as many as run at a time, kept warm and frozen in between. */
import { randomUUID } from 'node:crypto';
import { failure, type Outcome } from './outcome.ts';
import { Sandbox, type SandboxOptions } from './sandbox.ts';

/**
 * Processes of one function at a time, unless the template reserves fewer. AWS would start a thousand; a laptop has few
 * cores, and an invocation that finds no free process waits for one instead of being throttled.
 */
const localConcurrency = 2;

const noProcess = (error: unknown): Outcome => failure('crashed', `cannot start a process: ${String(error)}`);

export interface FunctionRunnerOptions extends Omit<SandboxOptions, 'onEnd'> {
  readonly reservedConcurrency: number | undefined;
}

export class FunctionRunner {
  readonly #options: FunctionRunnerOptions;
  readonly #concurrency: number;
  readonly #sandboxes = new Set<Sandbox>();
  /** The warm ones; the one that worked last is asked first. */
  readonly #idle: Sandbox[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #closed = false;

  constructor(options: FunctionRunnerOptions) {
    this.#options = options;
    this.#concurrency = Math.min(options.reservedConcurrency ?? localConcurrency, localConcurrency);
  }

  get name(): string {
    return this.#options.functionName;
  }

  get arn(): string {
    return this.#options.functionArn;
  }

  /** False when the template reserves no concurrency at all, which is how a function is switched off. */
  get mayRun(): boolean {
    return this.#concurrency > 0;
  }

  /** Processes of this function at a time. */
  get concurrency(): number {
    return this.#concurrency;
  }

  /** Invocations that wait for a process. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs the function, waiting for a free process. Never rejects. */
  async invoke(payload: string): Promise<Outcome> {
    const { log, functionName } = this.#options;
    if (this.#running >= this.#concurrency) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      if (this.#closed) return failure('crashed', `${functionName} was called while the stack was closing`);
      const sandbox = this.#idle.pop() ?? (await this.#start().catch(noProcess));
      if ('ok' in sandbox) return sandbox;
      const requestId = randomUUID();
      const begin = performance.now();
      const outcome = await sandbox.invoke(requestId, payload);
      if (this.#sandboxes.has(sandbox) && !(outcome.ok === false && outcome.kind !== 'function-error')) {
        this.#idle.push(sandbox);
      }
      const milliseconds = Math.round(performance.now() - begin);
      if (outcome.ok) log({ source: functionName, level: 'debug', message: `invoked, ${milliseconds} ms` });
      else {
        const message = `invocation failed after ${milliseconds} ms (${outcome.kind}): ${outcome.message}`;
        log({ source: functionName, level: 'warn', message });
      }
      return outcome;
    } finally {
      // The place goes to whoever waits longest, or becomes free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  /** Kills the processes that are in the middle of an invocation; says how many. */
  async kill(): Promise<number> {
    const busy = [...this.#sandboxes].filter((sandbox) => sandbox.busy);
    await Promise.all(busy.map((sandbox) => sandbox.kill()));
    return busy.length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sandboxes].map((sandbox) => sandbox.kill()));
  }

  async #start(): Promise<Sandbox> {
    const sandbox: Sandbox = await Sandbox.start({
      ...this.#options,
      onEnd: () => {
        this.#sandboxes.delete(sandbox);
        const index = this.#idle.indexOf(sandbox);
        if (index >= 0) this.#idle.splice(index, 1);
      },
    });
    this.#sandboxes.add(sandbox);
    // Closed while it started: nobody else would end it.
    if (this.#closed) await sandbox.kill();
    return sandbox;
  }
}
