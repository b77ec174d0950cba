import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { at } from '#test/kit/values.ts';
import { openApi, type TestApi } from './testing/api.ts';
import { hostSummaryOf, hostViewOf } from './testing/values.ts';

let folder: string;
let cab: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-bin-'));
  cab = join(folder, 'many.cab');
  const members = Array.from({ length: 5_000 }, (_, i) => ({ name: `member number ${i}`, data: new Uint8Array(0) }));
  await writeFile(cab, encodeCab({ members, compression: 'stored' }));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the program, and closes its output as soon as it has written something, as `head -c 1` does. */
async function headOf(args: readonly string[]) {
  const child = spawn(process.execPath, [resolve('cli/bin.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [exitCode, signal] = await once(child, 'close');
  return { exitCode, signal, stderr };
}

it.each([[['list', '--json']], [['list']], [['hash']]])('cab %j ends quietly when nobody reads on', async (args) => {
  const quiet = { exitCode: 0, signal: null, stderr: '' };
  expect(await headOf(['cab', ...args, cab])).toEqual(quiet);
});

it('cab extract writes all its files though nobody reads their names', async () => {
  const to = join(folder, 'to');
  const { exitCode, stderr } = await headOf(['cab', 'extract', '--to', to, cab]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(await readdir(to)).toHaveLength(5_000);
});

it.skipIf(process.platform !== 'linux')('says in one line that what it prints cannot be written', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [resolve('cli/bin.js'), '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  const [exitCode] = await once(child, 'close');
  expect(stderr).toMatch(/^kbroker: the output cannot be written: ENOSPC[^\n]*\n$/);
  expect(exitCode).toBe(1);
});

describe.skipIf(process.platform !== 'linux')('on a terminal', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await openApi();
    api.answer = ({ method }) => ({
      body: hostViewOf('pc-1', method === 'POST' ? { summary: hostSummaryOf('pc-1', { revokedAt: at(9) }) } : {}),
    });
  });
  afterAll(() => api.close());

  /** Runs the program on a terminal that `script` (util-linux) makes; `reply` is typed when it asks. */
  async function typed(reply: string) {
    api.sent.splice(0);
    const command = [process.execPath, resolve('cli/bin.js'), '--api', api.url, 'hosts', 'revoke', 'pc-1'];
    const child = spawn('script', ['--quiet', '--return', '--command', command.join(' '), '/dev/null'], {
      env: { ...process.env, KBROKER_TOKEN: 'test-token', XDG_CONFIG_HOME: folder },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const before = shown;
      shown += String(chunk);
      if (shown.includes('[y/N]') && !before.includes('[y/N]')) child.stdin.write(reply);
    });
    const [exitCode] = await once(child, 'close');
    return { exitCode, shown, posts: api.sent.filter(({ method }) => method === 'POST').length };
  }

  it('asks before what cannot be taken back, and does it when told so', async () => {
    const { exitCode, shown, posts } = await typed('y\n');
    expect(shown).toMatch(/Revoke the key of pc-1\.example \(pc-1\) in group pilots\? \[y\/N\]/);
    expect(shown).toContain('the key of pc-1.example (pc-1) is revoked');
    expect({ exitCode, posts }).toEqual({ exitCode: 0, posts: 1 });
  });

  it.each([
    ['no', 'n\n'],
    ['the end of the input', '\u0004'],
  ])('takes %s for no', async (_, reply) => {
    const { exitCode, shown, posts } = await typed(reply);
    expect(shown).toContain('not done: the answer was not yes');
    expect({ exitCode, posts }).toEqual({ exitCode: 1, posts: 0 });
  });
});
