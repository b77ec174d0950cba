import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { closeServer, listenOnLoopback } from '#local/servers/http.ts';
import type { StackLogLine } from '#local/types.ts';
import { FunctionRunner, type FunctionRunnerOptions } from './function-runner.ts';
import type { Outcome } from './outcome.ts';
import { Watchdog } from './watchdog.ts';

const handlers = `
import { connect } from 'node:net';
let calls = 0;
let ticks = 0;
const actions = {
  count: async () => ({ calls: ++calls, pid: process.pid }),
  sleep: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms)),
  tick: async () => { const seen = ticks; setInterval(() => (ticks += 1), 5); return seen; },
  throw: async () => { throw new RangeError('as asked'); },
  exit: async () => process.exit(3),
  fill: async () => { const hoard = []; for (;;) hoard.push(Array.from({ length: 1e5 }, (_, i) => i + 'x' + Math.random())); },
  environment: async () => process.env,
  context: async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis() }),
  large: async ({ bytes }) => 'x'.repeat(bytes - 2),
  fetch: async ({ url }) => {
    try { const answer = await fetch(url); return { status: answer.status, text: await answer.text() }; }
    catch (error) { return { code: error.cause?.code, message: error.cause?.message }; }
  },
  connect: ({ port, host }) => new Promise((resolve) => {
    const socket = connect(port, host, () => { socket.destroy(); resolve('connected'); });
    socket.on('error', (error) => resolve(error.code));
  }),
  log: async () => { console.log('plain'); console.error('{"level":"ERROR","message":"structured"}'); },
  nothing: async () => undefined,
};
export const handler = (event, context) => actions[event.do](event, context);
export const nested = { deep: { handler: async () => 'found' } };
`;

let folder = '';
let watchdog: Watchdog;
const runners: FunctionRunner[] = [];
const log: StackLogLine[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-function-'));
  await writeFile(join(folder, 'index.mjs'), handlers);
  await writeFile(join(folder, 'broken.mjs'), 'throw new TypeError("cannot load");');
  watchdog = new Watchdog();
});
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.close()));
  log.length = 0;
});
afterAll(async () => {
  watchdog.close();
  await rm(folder, { recursive: true });
});

function run(overrides: Partial<FunctionRunnerOptions> & { readonly handler?: string } = {}): FunctionRunner {
  const { handler = 'index.handler', environment = () => ({}), ...options } = overrides;
  const runner = new FunctionRunner({
    functionName: 'probe',
    functionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:probe',
    codeDir: folder,
    memoryMiB: 128,
    timeoutSeconds: 10,
    reservedConcurrency: undefined,
    watchdog,
    log: (line) => log.push(line),
    ...options,
    environment: () => ({
      _HANDLER: handler,
      LAMBDA_TASK_ROOT: folder,
      AWS_LAMBDA_FUNCTION_NAME: 'probe',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/probe',
      AWS_LAMBDA_LOG_STREAM_NAME: 'local',
      ...environment(),
    }),
  });
  runners.push(runner);
  return runner;
}

const invoke = (runner: FunctionRunner, event: object): Promise<Outcome> => runner.invoke(JSON.stringify(event));
const value = (outcome: Outcome): unknown => (outcome.ok ? JSON.parse(outcome.payload) : outcome);

const isAlive = (processId: number): boolean => {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
};
const counted = z.object({ calls: z.number(), pid: z.number() });

describe('a function', () => {
  it('is called again in the process that is warm', async () => {
    const runner = run();
    const first = counted.parse(value(await invoke(runner, { do: 'count' })));
    const second = counted.parse(value(await invoke(runner, { do: 'count' })));
    expect([first.calls, second.calls]).toEqual([1, 2]);
    expect(second.pid).toBe(first.pid);
  });

  it('runs in as many processes as work at a time, and no more than two', async () => {
    const runner = run();
    const begin = performance.now();
    await Promise.all([1, 2, 3].map(() => invoke(runner, { do: 'sleep', ms: 400 })));
    expect(performance.now() - begin).toBeGreaterThan(800);
    const results = await Promise.all([1, 2].map(() => invoke(runner, { do: 'count' })));
    const pids = results.map((result) => counted.parse(value(result)).pid);
    expect(new Set(pids).size).toBeLessThanOrEqual(2);
  });

  it('answers null for nothing, and finds a handler within an export', async () => {
    expect(await invoke(run(), { do: 'nothing' })).toEqual({ ok: true, payload: 'null' });
    expect(value(await invoke(run({ handler: 'index.nested.deep.handler' }), {}))).toBe('found');
  });

  it.runIf(process.platform === 'linux')('is frozen between calls', async () => {
    const runner = run();
    await invoke(runner, { do: 'tick' });
    const { pid } = counted.parse(value(await invoke(runner, { do: 'count' })));
    await sleep(300);
    // The state stands after the name, which stands in brackets.
    expect((await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]).toMatch(/^T/);
    // Sixty ticks would have passed in a process that runs on.
    expect(Number(value(await invoke(runner, { do: 'tick' })))).toBeLessThan(30);
  });

  it('gets its environment and nothing of ours', async () => {
    const runner = run({ environment: () => ({ OWN: 'yes', KBROKER_LOCAL_ADDRESSES: '{}' }) });
    const environment = value(await invoke(runner, { do: 'environment' }));
    expect(environment).toMatchObject({ OWN: 'yes', _HANDLER: 'index.handler' });
    expect(environment).not.toHaveProperty('HOME');
    expect(environment).not.toHaveProperty('KBROKER_LOCAL_ADDRESSES');
  });

  it('gets a context with the time that is left', async () => {
    const context = value(await invoke(run(), { do: 'context' }));
    expect(context).toMatchObject({ functionName: 'probe', memoryLimitInMB: '128', awsRequestId: expect.any(String) });
    expect(z.object({ left: z.number() }).parse(context).left).toBeGreaterThan(5000);
  });

  it('passes its lines on with their levels', async () => {
    await invoke(run(), { do: 'log' });
    await expect
      .poll(() => log.filter(({ level }) => level !== 'debug'))
      .toEqual(
        expect.arrayContaining([
          { source: 'probe', level: 'info', message: 'plain' },
          { source: 'probe', level: 'error', message: '{"level":"ERROR","message":"structured"}' },
        ]),
      );
  });
});

describe('a function that fails', () => {
  it('says what it threw, and its process serves on', async () => {
    const runner = run();
    const { pid } = counted.parse(value(await invoke(runner, { do: 'count' })));
    const outcome = await invoke(runner, { do: 'throw' });
    expect(outcome).toMatchObject({ ok: false, kind: 'function-error', message: 'RangeError: as asked' });
    expect(counted.parse(value(await invoke(runner, { do: 'count' })))).toEqual({ calls: 2, pid });
  });

  it('is killed at its time limit and starts anew at the next call', async () => {
    const runner = run({ timeoutSeconds: 1 });
    const { pid } = counted.parse(value(await invoke(runner, { do: 'count' })));
    const outcome = await invoke(runner, { do: 'sleep', ms: 60_000 });
    expect(outcome).toMatchObject({ ok: false, kind: 'timeout' });
    expect(outcome.ok ? '' : outcome.message).toMatch(/Task timed out after 1\.00 seconds/);
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect(counted.parse(value(await invoke(runner, { do: 'count' }))).calls).toBe(1);
  });

  it('that exits or cannot be loaded has crashed', async () => {
    const runner = run();
    expect(await invoke(runner, { do: 'exit' })).toMatchObject({ ok: false, kind: 'crashed' });
    expect(counted.parse(value(await invoke(runner, { do: 'count' }))).calls).toBe(1);
    const outcome = await invoke(run({ handler: 'broken.handler' }), {});
    expect(outcome).toMatchObject({ ok: false, kind: 'crashed', message: 'TypeError: cannot load' });
    expect(await invoke(run({ handler: 'absent.handler' }), {})).toMatchObject({ ok: false, kind: 'crashed' });
  });

  it('that takes more memory than it has crashes', async () => {
    const outcome = await invoke(run({ memoryMiB: 64, timeoutSeconds: 60 }), { do: 'fill' });
    expect(outcome).toMatchObject({ ok: false, kind: 'crashed' });
  });

  it('cannot answer with more than 6 MB', async () => {
    const limit = 6 * 1024 * 1024;
    const runner = run();
    expect((await invoke(runner, { do: 'large', bytes: limit })).ok).toBe(true);
    expect(await invoke(runner, { do: 'large', bytes: limit + 1 })).toMatchObject({
      ok: false,
      kind: 'function-error',
    });
  });
});

describe('killing', () => {
  it('hits only processes at work', async () => {
    const runner = run();
    await invoke(runner, { do: 'count' });
    expect(await runner.kill()).toBe(0);
    const working = invoke(runner, { do: 'sleep', ms: 60_000 });
    await sleep(100);
    expect(await runner.kill()).toBe(1);
    expect(await working).toMatchObject({ ok: false, kind: 'crashed' });
  });

  it('happens to all processes when the runner closes, frozen ones too', async () => {
    const runner = run();
    const { pid } = counted.parse(value(await invoke(runner, { do: 'count' })));
    await runner.close();
    expect(isAlive(pid)).toBe(false);
    expect(await invoke(runner, { do: 'count' })).toMatchObject({ ok: false, kind: 'crashed' });
  });

  it('happens to frozen processes when the runner itself is killed', async () => {
    const main = join(folder, 'main.mjs');
    const here = fileURLToPath(new URL('.', import.meta.url));
    const environment = {
      _HANDLER: 'index.handler',
      LAMBDA_TASK_ROOT: folder,
      AWS_LAMBDA_FUNCTION_NAME: 'probe',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: 'g',
      AWS_LAMBDA_LOG_STREAM_NAME: 's',
    };
    await writeFile(
      main,
      `import { FunctionRunner } from ${JSON.stringify(`${here}function-runner.ts`)};
       import { Watchdog } from ${JSON.stringify(`${here}watchdog.ts`)};
       const runner = new FunctionRunner({ functionName: 'probe', functionArn: 'arn', codeDir: ${JSON.stringify(folder)},
         memoryMiB: 128, timeoutSeconds: 10, reservedConcurrency: 1, watchdog: new Watchdog(), log: () => {},
         environment: () => (${JSON.stringify(environment)}) });
       const outcome = await runner.invoke('{"do":"count"}');
       console.log(outcome.payload);
       setInterval(() => {}, 1000);`,
    );
    const parent = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve) => parent.stdout.once('data', (data) => resolve(String(data))));
    const { pid } = counted.parse(JSON.parse(line));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
  });
});

describe('connections', () => {
  it('to the hosts of the address book go where it says, under their own names', async () => {
    const server = createServer((request, response) => response.end(`${request.headers.host} ${request.url}`));
    const url = await listenOnLoopback(server);
    const addresses = JSON.stringify({ 'download.example.com:80': url.slice('http://'.length) });
    const runner = run({ environment: () => ({ KBROKER_LOCAL_ADDRESSES: addresses }) });
    expect(value(await invoke(runner, { do: 'fetch', url: 'http://download.example.com/a?b' }))).toEqual({
      status: 200,
      text: 'download.example.com /a?b',
    });
    expect(value(await invoke(runner, { do: 'connect', host: 'download.example.com', port: 80 }))).toBe('connected');
    await closeServer(server, 0);
  });

  it('to this machine are made, to any other refused', async () => {
    const server = createServer((_request, response) => response.end('here'));
    const url = await listenOnLoopback(server);
    const runner = run();
    expect(value(await invoke(runner, { do: 'fetch', url }))).toEqual({ status: 200, text: 'here' });
    expect(value(await invoke(runner, { do: 'fetch', url: url.replace('127.0.0.1', 'localhost') }))).toMatchObject({
      status: 200,
    });
    for (const host of ['192.0.2.1', 'other.example.com']) {
      expect(value(await invoke(runner, { do: 'connect', host, port: 443 }))).toBe('ENETUNREACH');
      expect(value(await invoke(runner, { do: 'fetch', url: `https://${host}/` }))).toMatchObject({
        code: 'ENETUNREACH',
        message: `connect to ${host}:443 refused: not a host of the local stack`,
      });
    }
    await closeServer(server, 0);
  });
});
