import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexCab } from './upstream/cabs/index-cab.ts';
import { inventPublication, licenceText } from './upstream/invent/publication.ts';
import { firstMonth } from './upstream/invent/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-up-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const data = join(folder, 'data');

/** A broker that stays up, as somebody sees it who runs `npm start` and ends it by its process id. */
class Terminal {
  said = '';
  readonly #child: ChildProcess;

  constructor(...args: string[]) {
    this.#child = spawn('npm', ['start', '--', '--data', data, '--hosts', '2', '--speed', '600', ...args]);
    const hear = (chunk: Buffer): void => {
      this.said += chunk.toString();
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
  }

  async hears(text: RegExp): Promise<RegExpExecArray> {
    await expect.poll(() => this.said, { timeout: 90_000, interval: 200 }).toMatch(text);
    return text.exec(this.said) ?? expect.fail('it was there');
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    // Its output is open as long as anything that it started runs.
    await closed;
  }
}

/** A line of the help that is to be copied into another terminal. */
async function shell(command: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-c', command])).stdout;
}

let terminal: Terminal;
beforeEach(() => {
  terminal = new Terminal('--no-new-months');
});
afterEach(() => terminal.end());

describe('npm start, while it stays up', () => {
  it('prints commands that work as they are, and tells what happens to the index', async () => {
    const [enroll] = await terminal.hears(/npx kbroker-agent enroll .*(?= &&)/);
    const [agent] = await terminal.hears(/npx kbroker-agent run .*/);
    const [status] = await terminal.hears(/npx kbroker status.*/);
    const [login] = await terminal.hears(/npx kbroker login --as viewer[^(\n]*/);
    const [month] = await terminal.hears(/curl -X POST http:\S+\/publications/);
    await terminal.hears(/Microsoft {2}publishes nothing by itself/);

    const documented = /```json\n([^`]*)```/.exec(readFileSync('docs/simulated-hosts.md', 'utf8'))?.[1] ?? '';
    writeFileSync(join(folder, 'pc.json'), documented);
    const here = (command: string): string =>
      command.replace('pc.json', join(folder, 'pc.json')).replace('./pc', join(folder, 'pc'));
    await shell(here(enroll));
    expect(await shell(here(agent.replace(' run --first-within 0 ', ' scan ')))).toMatch(/^PENDING_UPDATES at /m);
    expect(statSync(join(data, 'operator.json')).mode & 0o077, 'nobody else reads the tokens').toBe(0);
    expect(await shell(status)).toMatch(/index/i);
    expect(await shell(login)).toMatch(/^logged in at http\S+ as Vera Viewer \(viewer\)$/m);
    expect(await shell(status)).toMatch(/index/i);

    await shell(month);
    await terminal.hears(/Microsoft {2}publishes index number 2 .*, as it was told to/);
    await terminal.hears(/sync {7}downloaded and decoded: .*\n(.*\n)*.*sync {7}downloaded and decoded: /);

    const unsigned = join(folder, 'unsigned.cab');
    writeFileSync(unsigned, indexCab(inventPublication(7, firstMonth), { licence: licenceText(7) }));
    await shell(`${month} -d '{"file":"${unsigned}"}'`);
    await terminal.hears(/sync {7}the index was refused: .*signature/);
  });

  it('is steered at the same address after a restart', async () => {
    const [, first] = await terminal.hears(/steer the fake Microsoft +(\S+)/);
    await terminal.end();
    terminal = new Terminal('--no-new-months');
    const [, second] = await terminal.hears(/steer the fake Microsoft +(\S+)/);
    expect(second).toBe(first);
    expect(first).toMatch(/:\d+$/);
  });
});
