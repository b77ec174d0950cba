import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runStart } from './testing/run-start.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Slow: each of them synthesizes the stack and brings it up.
describe('the end of npm start', () => {
  it('ends quietly when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, ['local/start.ts', '--data', join(folder, 'unread')]);
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.stdout.once('data', () => child.stdout.destroy());
    const exitCode = await new Promise((resolve) => child.on('close', resolve));
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  it('ends in order when npm passes on the Ctrl-C that the terminal sent already', async () => {
    const child = spawn(process.execPath, ['local/start.ts', '--data', join(folder, 'twice')]);
    let stdout = '';
    let signals = 0;
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      // By then there are servers to be ended, which takes longer than the other signal is on its way.
      if (signals > 0 || !/runs on loopback/.test(stdout)) return;
      for (; signals < 2; signals++) setTimeout(() => child.kill('SIGINT'), signals * 20);
    });
    const exitCode = await new Promise((resolve) => child.on('close', resolve));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ends\n$/);
  });

  it('ends at Ctrl-C while it is still getting ready', async () => {
    const { exitCode, stdout } = await runStart(['--data', join(folder, 'data')], /synthesizing/);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ends\n$/);
    const once = await runStart(['--once', '--json', '--data', join(folder, 'data')], /synthesizing/);
    expect(once.exitCode).toBe(130);
    expect(JSON.parse(once.stdout)).toEqual({ error: 'stopped before the end' });
  });
});
