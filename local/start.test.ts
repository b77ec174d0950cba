import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(args: readonly string[], stopWhen?: RegExp) {
  const child = spawn(process.execPath, ['local/start.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, stopped] = ['', '', false];
  // Once: at a second signal the process does not wait for anything.
  const stop = (): void => {
    if (stopped || !stopWhen?.test(stdout + stderr)) return;
    stopped = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    stop();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    stop();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout, stderr };
}

// A whole life, with everything running, is told in test/story/life.test.ts.
describe('npm start', () => {
  it('tells its options', async () => {
    const { exitCode, stdout } = await start(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--once');
  });

  it('refuses wrong arguments', async () => {
    const { exitCode, stdout, stderr } = await start(['--hosts', 'many', '--json']);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--hosts is a whole number from 1 to 5000, got many/);
  });

  it('touches no folder that is not its own', async () => {
    writeFileSync(join(folder, 'thesis.txt'), '');
    const { exitCode, stderr } = await start(['--once', '--fresh', '--data', folder]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no data folder of kbroker/);
    expect(readdirSync(folder)).toEqual(['thesis.txt']);
  });

  it('ends at Ctrl-C while it is still getting ready', async () => {
    const { exitCode, stdout } = await start(['--data', join(folder, 'data')], /synthesizing/);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ends\n$/);
    expect((await start(['--once', '--json', '--data', join(folder, 'data')], /synthesizing/)).exitCode).toBe(130);
  });
});
