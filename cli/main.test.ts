import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes, formatBytes, printTable } from './io.ts';
import { main } from './main.ts';
import { openApi, testProfile } from './testing/api.ts';

async function run(args: readonly string[], env: Record<string, string | undefined> = {}, cwd?: string) {
  let stdout = '';
  let stderr = '';
  const exitCode = await main(args, {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: { KBROKER_PROFILE_FILE: '/nowhere/operator.json', ...env },
    ...(cwd !== undefined && { cwd }),
  });
  return { exitCode, stdout, stderr };
}

describe('kbroker', () => {
  it.each([
    [['--help'], /Usage: kbroker[\s\S]*Exit codes/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['index', '--help'], /inspect[\s\S]*sync/],
    [['index', 'inspect', '--help'], /--kb/],
    [['index', 'diff', '--help'], /<a>[\s\S]*--all/],
    [['cab', '--help'], /Quantum and cabinets of a split set/],
    [['updates', '--help'], /list[\s\S]*show/],
    [['requests', 'list', '--help'], /"open", "queued", "fetching",\s+"done",\s+"failed"/],
    [['rules', 'set', '--help'], /--forbid-kb/],
  ])('%j prints what was asked for and ends well', async (args, expected) => {
    const { exitCode, stdout } = await run(args);
    expect(stdout).toMatch(expected);
    expect(exitCode).toBe(exitCodes.ok);
  });

  it.each([
    [['no-such-command'], /unknown command/],
    [['requests', 'list', '--state', 'lost'], /Allowed choices are open, queued/],
    [['updates', 'list'], /required option '--kb <kb>' not specified/],
    [['hosts', 'show'], /missing required argument 'machine'/],
    [['status'], /no broker named: pass --api URL, set KBROKER_API, or run "npm start" \(no profile file at \/nowhere/],
    [['--api', 'ftp://x', 'status'], /not an address of an API: got "ftp:\/\/x"/],
  ])('%j is a usage error that says what is allowed', async (args, expected) => {
    const { exitCode, stderr } = await run(args);
    expect(stderr).toMatch(expected);
    expect(exitCode).toBe(exitCodes.usage);
  });

  it('says that the broker does not answer, and where', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-cli-'));
    const file = join(folder, 'operator.json');
    await writeFile(file, JSON.stringify(testProfile('http://127.0.0.1:1')));
    const { exitCode, stderr } = await run(['status', '--json'], { KBROKER_PROFILE_FILE: file });
    expect(stderr).toMatch(/^kbroker: no answer from http:\/\/127\.0\.0\.1:1: /);
    expect(exitCode).toBe(exitCodes.unreachable);
  });

  it('asks whether npm start is running when nobody listens on this machine', async () => {
    const api = await openApi();
    await api.stop();
    const { exitCode, stderr } = await api.ask('status');
    await api.close();
    expect(stderr).toMatch(
      /^kbroker: no answer from http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*; is "npm start" running\?\n$/,
    );
    expect(exitCode).toBe(exitCodes.unreachable);
  });

  it('says that nobody is logged in at the API that was named, and sends nothing', async () => {
    const api = await openApi();
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-cli-'));
    try {
      const { exitCode, stderr } = await run(['--api', api.url, 'status'], { XDG_CONFIG_HOME: folder });
      expect(stderr).toBe(`kbroker: nobody is logged in at ${api.url}: run "kbroker login"\n`);
      expect(exitCode).toBe(exitCodes.unreachable);
      expect(api.sent).toEqual([]);
    } finally {
      await api.close();
    }
  });

  it('looks for the profile in the folders above too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-cli-'));
    const below = join(folder, 'a', 'b');
    await mkdir(below, { recursive: true });
    await mkdir(join(folder, '.kbroker'));
    await writeFile(join(folder, '.kbroker', 'operator.json'), '{"apiUrl": 1}');
    const found = await run(['status'], { KBROKER_PROFILE_FILE: undefined }, below);
    expect(found.stderr).toBe(
      `kbroker: ${folder}/.kbroker/operator.json is not a profile of kbroker: version: Invalid input: expected 2; apiUrl: Invalid input: expected string, received number; issuer: Invalid input: expected string, received undefined; clientId: Invalid input: expected string, received undefined\n`,
    );
    await rm(join(folder, '.kbroker'), { recursive: true });
    const none = await run(['status'], { KBROKER_PROFILE_FILE: undefined }, below);
    expect(none.stderr).toMatch(/\(no profile file \.kbroker\/operator\.json here or in a folder above\)\n$/);
    expect([found.exitCode, none.exitCode]).toEqual([exitCodes.usage, exitCodes.usage]);
  });

  it('refuses a profile file of another kind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-cli-'));
    const file = join(folder, 'operator.json');
    await writeFile(file, '{"apiUrl": 1}');
    const { exitCode, stderr } = await run(['status'], { KBROKER_PROFILE_FILE: file });
    expect(stderr).toMatch(/is not a profile of kbroker: version: /);
    expect(exitCode).toBe(exitCodes.usage);
  });
});

describe('printing', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [851_797, '851.8 kB'],
    [14_800_000_000, '14.8 GB'],
  ])('%d bytes are %s', (bytes, expected) => expect(formatBytes(bytes)).toBe(expected));

  it('aligns columns and cuts nothing', () => {
    let out = '';
    const io = { stdout: { write: (text: string) => (out += text) }, stderr: { write: () => true }, env: {} };
    printTable(io, ['A', 'LONGER'], [['a long cell', 'x']]);
    expect(out).toBe('A            LONGER\na long cell  x\n');
  });
});
