/** Starting and ending the `dynoxide` program: never two on one file, no orphan left behind. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { listenOnLoopbackPort } from '../http.ts';
import { ServersError } from '../servers-error.ts';

const START_TRIES = 5;
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

const pidFileSchema = z.object({
  pid: z.int().check(z.positive()),
  /** Start of the process in clock ticks since boot: together with the pid it names one process only. */
  startTicks: z.string(),
});

export interface DynoxideChild {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly pid: number;
  /** Why the program ended, once it has. */
  failure(): string | undefined;
  stop(): Promise<void>;
}

/**
 * Path of the program for this machine.
 *
 * @throws ServersError `unsupported-platform`
 */
export function dynoxideBinary(platform: string = process.platform, arch: string = process.arch): string {
  if (platform === 'linux' && arch === 'x64') {
    try {
      return fileURLToPath(import.meta.resolve('@dynoxide/linux-x64/dynoxide'));
    } catch (cause) {
      throw new ServersError('unsupported-platform', 'The optional package @dynoxide/linux-x64 is not installed.', {
        cause,
      });
    }
  }
  throw new ServersError(
    'unsupported-platform',
    `The local DynamoDB runs on Linux x64 only: there is no dynoxide program for ${platform} ${arch}. ` +
      'Use a Linux x64 machine (WSL 2 works).',
  );
}

/** Starts the program on `<dataDir>/dynamodb.sqlite`. The caller holds the lock of the folder. */
export async function startDynoxide(dataDir: string): Promise<DynoxideChild> {
  const binary = dynoxideBinary();
  const databaseFile = join(dataDir, 'dynamodb.sqlite');
  const pidFile = join(dataDir, 'dynoxide.pid.json');
  await endOrphan(pidFile, databaseFile);
  let lastFailure = '';
  for (let attempt = 0; attempt < START_TRIES; attempt++) {
    // The program does not tell which port it got for port 0. Between the choice and its bind somebody else may take
    // the port; then it ends, and another port is tried.
    const port = await freePort();
    const child = spawn(binary, ['serve', '--host', '127.0.0.1', '--port', String(port), '--db-path', databaseFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C at the terminal is for the parent, which ends the program when nothing needs it any more.
      detached: true,
    });
    const output = collectOutput(child);
    if (child.pid !== undefined) {
      const startTicks = startTicksOf(child.pid);
      if (startTicks !== undefined)
        writeFileSync(pidFile, JSON.stringify({ pid: child.pid, startTicks }), { mode: 0o600 });
    }
    const started = await whenListening(child, output);
    if (started === true && child.pid !== undefined) {
      return {
        url: `http://127.0.0.1:${port}`,
        pid: child.pid,
        failure: () => (hasEnded(child) ? `dynoxide has ended (${endOf(child)}): ${output.text()}` : undefined),
        stop: async () => {
          await stopChild(child);
          rmSync(pidFile, { force: true });
        },
      };
    }
    lastFailure = `${endOf(child)}: ${output.text()}`;
    await stopChild(child);
  }
  throw new ServersError('not-started', `dynoxide did not start on ${databaseFile} (${lastFailure}).`);
}

/** Ends what a killed parent left behind, when the process is without doubt ours: same start, same program, same file. */
async function endOrphan(pidFile: string, databaseFile: string): Promise<void> {
  let text: string;
  try {
    text = readFileSync(pidFile, 'utf8');
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const parsed = z.safeParse(pidFileSchema, parseJson(text));
  if (parsed.success && isOurs(parsed.data, databaseFile)) {
    const { pid } = parsed.data;
    process.kill(pid, 'SIGTERM');
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (isOurs(parsed.data, databaseFile)) {
      if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
      await sleep(20);
    }
  }
  rmSync(pidFile, { force: true });
}

function isOurs(record: z.infer<typeof pidFileSchema>, databaseFile: string): boolean {
  if (startTicksOf(record.pid) !== record.startTicks) return false;
  try {
    const words = readFileSync(`/proc/${record.pid}/cmdline`, 'utf8').split('\0');
    return words[0]?.endsWith('dynoxide') === true && words.includes(databaseFile);
  } catch (error) {
    // Ended between the two looks.
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Field 22 of /proc/PID/stat (see proc_pid_stat(5)); undefined when there is no such process or only its zombie. */
function startTicksOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  // The name of the program stands in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A pid file cut in the middle of its writing names nobody.
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await listenOnLoopbackPort(probe);
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

interface Output {
  text(): string;
  /** Resolves when the text has the given words. */
  has(words: string): Promise<void>;
}

function collectOutput(child: ChildProcess): Output {
  const MAX_KEPT = 4000;
  let text = '';
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-MAX_KEPT);
    for (const look of waiting) look();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return {
    text: () => text.trim(),
    has: (words) =>
      new Promise((resolve) => {
        const look = () => {
          if (!text.includes(words)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

async function whenListening(child: ChildProcess, output: Output): Promise<boolean> {
  const ended = new Promise<false>((resolve) => {
    child.once('exit', () => resolve(false));
    child.once('error', () => resolve(false));
  });
  const late = sleep(START_TIMEOUT_MS, false as const, { ref: false });
  return Promise.race([output.has('listening on').then(() => true as const), ended, late]);
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;
const endOf = (child: ChildProcess) => (hasEnded(child) ? `exit ${child.exitCode ?? child.signalCode}` : 'no answer');

async function stopChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
