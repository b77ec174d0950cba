/**
 * One process of a function and its Runtime API, as Lambda has one execution environment for each concurrent invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 * Between invocations the process is frozen (SIGSTOP), as on AWS: timers and half-done work go on only during the next
 * invocation. SIGKILL works on a frozen process; nothing gentler does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { listenOnLoopback } from '#local/servers/http.ts';
import type { StackLogLine } from '#local/types.ts';
import { readToEnd } from '../body.ts';
import { failure, type Outcome } from './outcome.ts';
import type { Watchdog } from './watchdog.ts';

/** Largest answer of a synchronous invocation: 6 MB. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const maximumPayloadBytes = 6 * 1024 * 1024;

/** AWS gives the start 10 s. A loaded laptop gets more, because being slow here says nothing about the function. */
const startLimitMilliseconds = 60_000;

export interface SandboxOptions {
  readonly functionName: string;
  readonly functionArn: string;
  /** Folder with the unpacked code. */
  readonly codeDir: string;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** The whole environment but the address of the Runtime API; asked for when a process starts. */
  readonly environment: () => Readonly<Record<string, string>>;
  readonly watchdog: Watchdog;
  readonly log: (line: StackLogLine) => void;
  /** The process is gone, for whatever reason. */
  readonly onEnd: () => void;
}

interface Invocation {
  readonly requestId: string;
  readonly payload: string;
  readonly settle: (outcome: Outcome) => void;
  delivered: boolean;
  timer?: NodeJS.Timeout;
}

const errorDocument = z.looseObject({ errorMessage: z.optional(z.string()), errorType: z.optional(z.string()) });
const canFreeze = process.platform !== 'win32';

export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #api: Server;
  #child: ChildProcess | undefined;
  #waiting: ServerResponse | undefined;
  #current: Invocation | undefined;
  #startTimer: NodeJS.Timeout | undefined;
  #frozen = false;
  #ended = false;

  private constructor(options: SandboxOptions) {
    this.#options = options;
    this.#api = createServer((request, response) => void this.#answer(request, response));
    // The connection stays open as long as the process: its end is how either side learns of the other's.
    this.#api.keepAliveTimeout = 0;
    this.#api.requestTimeout = 0;
    this.#api.headersTimeout = 0;
  }

  static async start(options: SandboxOptions): Promise<Sandbox> {
    const sandbox = new Sandbox(options);
    sandbox.#spawn(await listenOnLoopback(sandbox.#api));
    return sandbox;
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Runs one invocation. The caller sees to it that there is only one at a time. */
  invoke(requestId: string, payload: string): Promise<Outcome> {
    return new Promise((resolve) => {
      if (this.#ended) return resolve(failure('crashed', 'Runtime exited before the invocation began'));
      this.#current = { requestId, payload, settle: resolve, delivered: false };
      this.#deliver();
    });
  }

  /** Kills the process now, whatever it does. Resolves when it is gone. */
  kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('close', () => resolve());
      child.kill('SIGKILL');
    });
  }

  #spawn(apiUrl: string): void {
    const { functionName, codeDir, memoryMiB, environment, watchdog } = this.#options;
    const child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${memoryMiB}`,
        '--import',
        new URL('./preload.ts', import.meta.url).href,
        fileURLToPath(new URL('./bootstrap.ts', import.meta.url)),
      ],
      {
        cwd: codeDir,
        env: { ...environment(), AWS_LAMBDA_RUNTIME_API: apiUrl.slice('http://'.length) },
        stdio: ['ignore', 'pipe', 'pipe'],
        // A session of its own, so that Ctrl+C in the terminal reaches the runner alone.
        detached: true,
      },
    );
    this.#child = child;
    if (child.pid !== undefined) watchdog.watch(child.pid);
    this.#pipe(child.stdout, 'info');
    this.#pipe(child.stderr, 'warn');
    this.#startTimer = setTimeout(() => {
      this.#log('error', `did not start within ${startLimitMilliseconds / 1000} s`);
      child.kill('SIGKILL');
    }, startLimitMilliseconds);
    child.on('error', (error) => this.#end(`cannot start ${functionName}: ${error.message}`));
    child.on('close', (code, signal) => {
      if (child.pid !== undefined) watchdog.forget(child.pid);
      this.#end(`Runtime exited with error: ${signal === null ? `exit status ${code}` : `signal: ${signal}`}`);
    });
  }

  #end(message: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#startTimer);
    this.#settle(
      failure('crashed', message, JSON.stringify({ errorType: 'Runtime.ExitError', errorMessage: message })),
    );
    this.#api.close();
    this.#api.closeAllConnections();
    this.#options.onEnd();
  }

  #settle(outcome: Outcome): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    clearTimeout(current.timer);
    current.settle(outcome);
  }

  /** Hands the invocation over as soon as both are there: the invocation, and the process that asks for one. */
  #deliver(): void {
    const invocation = this.#current;
    const response = this.#waiting;
    if (invocation === undefined || invocation.delivered || response === undefined) return;
    this.#waiting = undefined;
    invocation.delivered = true;
    this.#thaw();
    const { functionArn, timeoutSeconds } = this.#options;
    const limitMilliseconds = timeoutSeconds * 1000;
    invocation.timer = setTimeout(() => this.#timeOut(invocation), limitMilliseconds);
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.requestId,
      'lambda-runtime-deadline-ms': String(Date.now() + limitMilliseconds),
      'lambda-runtime-invoked-function-arn': functionArn,
      'lambda-runtime-trace-id': `Root=1-00000000-${invocation.requestId.replaceAll('-', '').slice(0, 24)};Sampled=0`,
    });
    response.end(invocation.payload);
  }

  #timeOut(invocation: Invocation): void {
    const message = `${invocation.requestId} Task timed out after ${this.#options.timeoutSeconds.toFixed(2)} seconds`;
    this.#log('error', message);
    const document = JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage: message });
    this.#settle(failure('timeout', message, document));
    this.#child?.kill('SIGKILL');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace('/2018-06-01/runtime', '');
    if (request.method === 'GET' && path === '/invocation/next') {
      clearTimeout(this.#startTimer);
      this.#waiting = response;
      if (this.#current === undefined) this.#freeze();
      else this.#deliver();
      return;
    }
    const read = await readToEnd(request, maximumPayloadBytes);
    // The process died while it spoke; that is seen where the process is watched.
    if (read.kind === 'broken') return;
    const body = read.kind === 'whole' ? read.bytes : undefined;
    const [, requestId, what] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (path === '/init/error') this.#settle(errorOutcome('crashed', body));
    else if (what === undefined || requestId !== this.#current?.requestId) {
      response.writeHead(what === undefined ? 404 : 400).end();
      return;
    } else if (what === 'error') this.#settle(errorOutcome('function-error', body));
    else this.#settle(body === undefined ? tooLarge() : { ok: true, payload: body.toString('utf8') });
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
  }

  #freeze(): void {
    if (!canFreeze || this.#ended || this.#frozen) return;
    this.#frozen = this.#child?.kill('SIGSTOP') ?? false;
  }

  #thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#child?.kill('SIGCONT');
  }

  #pipe(stream: Readable, level: StackLogLine['level']): void {
    createInterface({ input: stream }).on('line', (line) => this.#log(levelOf(line) ?? level, line));
  }

  #log(level: StackLogLine['level'], message: string): void {
    this.#options.log({ source: this.#options.functionName, level, message });
  }
}

const logLine = z.looseObject({ level: z.string() });

/** Level of a structured log line; undefined for any other. */
function levelOf(line: string): StackLogLine['level'] | undefined {
  if (!line.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A line that only looks like JSON is a line like any other.
    return undefined;
  }
  const parsed = logLine.safeParse(value);
  if (!parsed.success) return undefined;
  const level = parsed.data.level.toLowerCase();
  if (level === 'critical' || level === 'fatal') return 'error';
  return level === 'debug' || level === 'info' || level === 'warn' || level === 'error' ? level : undefined;
}

function errorOutcome(kind: 'function-error' | 'crashed', body: Buffer | undefined): Outcome {
  const text = body?.toString('utf8') ?? '{}';
  const parsed = errorDocument.safeParse(JSON.parse(text));
  const { errorType = 'Error', errorMessage = '' } = parsed.success ? parsed.data : {};
  return failure(kind, `${errorType}: ${errorMessage}`, text);
}

function tooLarge(): Outcome {
  const message = `Response payload size exceeded maximum allowed payload size (${maximumPayloadBytes} bytes).`;
  const document = JSON.stringify({ errorType: 'Function.ResponseSizeTooLarge', errorMessage: message });
  return failure('function-error', message, document);
}
