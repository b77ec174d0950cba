import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a finished process used. */
export interface ProcessCost {
  /** User and system time, seconds. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Largest resident set, bytes. */
  readonly peakRssBytes: number;
  readonly stdout: string;
}

/**
 * Runs a command to its end under GNU time (Debian's package `time`), which measures it as the kernel accounts for it:
 * the same for our own processes and for programs we did not write.
 *
 * @throws Error when the command fails, with the end of what it said
 */
export async function measureProcess(command: string, args: readonly string[]): Promise<ProcessCost> {
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-bench-'));
  const report = join(folder, 'time');
  try {
    const child = spawn('/usr/bin/time', ['-o', report, '-f', '%U %S %e %M', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${(await stderr).slice(-500)}`);
    const numbers = (await readFile(report, 'utf8')).trim().split(' ').map(Number);
    const [user = Number.NaN, system = Number.NaN, wall = Number.NaN, kibibytes = Number.NaN] = numbers;
    return {
      cpuSeconds: user + system,
      wallSeconds: wall,
      peakRssBytes: kibibytes * 1024,
      stdout: await stdout,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

/** The middle value; benchmarks alternate their contestants and compare medians. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
