import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runStart } from './testing/run-start.ts';
import { startFakeMicrosoft } from './upstream/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A whole life, with everything running, is told in test/story/life.test.ts; how it ends, in ends.slow.test.ts.
describe('npm start', () => {
  it('tells its options', async () => {
    const { exitCode, stdout } = await runStart(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--once');
  });

  it('refuses wrong arguments', async () => {
    const { exitCode, stdout, stderr } = await runStart(['--hosts', 'many', '--json']);
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
      const { exitCode, stdout, stderr } = await runStart([
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
    const { exitCode, stderr } = await runStart(['--once', '--data', data, '--index', 'x.msu']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/invented holds an invented index.*--data FOLDER.*--fresh/);
  });

  it('touches no folder that is not its own', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'thesis.txt'), '');
    const { exitCode, stderr } = await runStart(['--once', '--fresh', '--data', home]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no data folder of kbroker/);
    expect(readdirSync(home)).toEqual(['thesis.txt']);
  });
});
