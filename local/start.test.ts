import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startFakeMicrosoft } from './upstream/server.ts';

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
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--hosts is a whole number from 1 to 5000, got many/);
    expect(JSON.parse(stdout)).toEqual({ error: expect.stringMatching(/got many/) });
  });

  it('looks at the file of --index before anything else, and empties nothing for a bad one', async () => {
    const data = join(folder, 'bad-index');
    const notes = join(folder, 'notes.cab');
    writeFileSync(notes, 'no cabinet at all\n'.repeat(10));
    const kept = join(data, 'kept');
    mkdirSync(kept, { recursive: true });
    writeFileSync(join(data, 'kbroker-data.json'), '{"version":1}');
    for (const index of [notes, join(folder, 'nowhere.msu')]) {
      const { exitCode, stdout, stderr } = await start([
        '--once',
        '--json',
        '--fresh',
        '--data',
        data,
        '--index',
        index,
      ]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`${index} cannot be read`);
      expect(stderr).not.toMatch(/synthesizing/);
      expect(JSON.parse(stdout)).toEqual({ error: expect.stringContaining(index) });
    }
    expect(existsSync(kept)).toBe(true);
  });

  it('refuses a real index where an invented one is out, and says what to do', async () => {
    const data = join(folder, 'invented');
    const microsoft = await startFakeMicrosoft({ dataDir: join(data, 'microsoft') });
    await microsoft.publishNext();
    await microsoft.close();
    writeFileSync(join(data, 'kbroker-data.json'), '{"version":1}');
    const { exitCode, stderr } = await start(['--once', '--data', data, '--index', 'x.msu']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/invented holds an invented index.*--data FOLDER.*--fresh/);
  });

  it('touches no folder that is not its own', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'thesis.txt'), '');
    const { exitCode, stderr } = await start(['--once', '--fresh', '--data', home]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no data folder of kbroker/);
    expect(readdirSync(home)).toEqual(['thesis.txt']);
  });

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
    const { exitCode, stdout } = await start(['--data', join(folder, 'data')], /synthesizing/);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ends\n$/);
    const once = await start(['--once', '--json', '--data', join(folder, 'data')], /synthesizing/);
    expect(once.exitCode).toBe(130);
    expect(JSON.parse(once.stdout)).toEqual({ error: 'stopped before the end' });
  });
});
