import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { haveSamples, sample } from '#test/kit/samples.ts';

/** The last line of `npm start -- --once --json`, which scripts rely on. */
const summary = z.object({
  index: z.object({ sha256: z.string(), bytes: z.int(), updates: z.int(), files: z.int(), downloads: z.int() }),
  hosts: z.object({ total: z.int(), ok: z.int(), pending: z.int(), error: z.int() }),
  files: z.object({ requested: z.int(), downloaded: z.int(), bytes: z.int(), upstreamGets: z.int() }),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean() })),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-life-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function once(...args: string[]): Promise<{ exitCode: number | null; result: z.infer<typeof summary> }> {
  const child = spawn(process.execPath, ['local/start.ts', '--once', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    return { exitCode, result: summary.parse(JSON.parse(last)) };
  } catch (cause) {
    throw new Error(`no summary in the last line (exit ${exitCode}): ${last}\n${stderr.slice(-4000)}`, { cause });
  }
}

const failedChecks = (result: z.infer<typeof summary>): string[] =>
  result.checks.filter(({ ok }) => !ok).map(({ name }) => name);

describe('npm start -- --once', () => {
  it('lives one full life, then a second one on the same data that has nothing to do', async () => {
    const data = join(folder, 'life');
    const first = await once('--hosts', '20', '--data', data);
    expect(failedChecks(first.result)).toEqual([]);
    expect(first.exitCode).toBe(0);
    expect(first.result.hosts).toEqual({ total: 20, ok: 20, pending: 0, error: 0 });
    expect(first.result.index.downloads).toBe(1);
    expect(first.result.files.requested).toBeGreaterThan(3);
    expect(first.result.files.downloaded).toBe(first.result.files.requested);
    expect(first.result.files.upstreamGets, 'one GET per distinct file, however many hosts ask').toBe(
      first.result.files.requested,
    );

    const second = await once('--hosts', '20', '--data', data);
    expect(failedChecks(second.result)).toEqual([]);
    expect(second.exitCode).toBe(0);
    expect(second.result.index).toEqual({ ...first.result.index, downloads: 0 });
    expect(second.result.files.upstreamGets).toBe(0);
    expect(second.result.hosts.ok).toBe(20);
  });

  it.skipIf(!haveSamples)('installs a real Microsoft update from its real signed index', async () => {
    const { exitCode, result } = await once(
      '--data',
      join(folder, 'real'),
      '--index',
      sample('msu', 'Windows6.1-KB2999226-x64.msu'),
    );
    expect(failedChecks(result)).toEqual([]);
    expect(exitCode).toBe(0);
    expect(result.index.updates).toBe(765);
    expect(result.index.files).toBe(1);
    expect(result.files).toEqual({ requested: 1, downloaded: 1, bytes: 851_797, upstreamGets: 1 });
    expect(result.checks.some(({ name }) => name.includes('KB2999226'))).toBe(true);
  });
});
