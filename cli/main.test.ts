import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { exitCodes, formatBytes, printTable } from './io.ts';
import { main } from './main.ts';
import { openApi } from './testing/api.ts';

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
    [['--api', 'ftp://x', '--region', 'r', 'status'], /not an address of an API: got "ftp:\/\/x"/],
    [['--api', 'http://127.0.0.1:1', 'status'], /no region/],
  ])('%j is a usage error that says what is allowed', async (args, expected) => {
    const { exitCode, stderr } = await run(args);
    expect(stderr).toMatch(expected);
    expect(exitCode).toBe(exitCodes.usage);
  });

  it('says that the broker does not answer, and where', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kbroker-cli-'));
    const file = join(folder, 'operator.json');
    await writeFile(
      file,
      JSON.stringify({ apiUrl: 'http://127.0.0.1:1', region: 'eu-west-1', accessKeyId: 'a', secretAccessKey: 'b' }),
    );
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

  it('says that there are no AWS credentials, and sends nothing', async () => {
    const nowhere = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' };
    const absent = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: undefined };
    const env = { ...nowhere, ...absent, AWS_EC2_METADATA_DISABLED: 'true' };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    try {
      const { exitCode, stderr } = await run(['--api', 'http://127.0.0.1:1', '--region', 'eu-west-1', 'status']);
      expect(stderr).toMatch(
        /^kbroker: no AWS credentials found for http:\/\/127\.0\.0\.1:1: .*; set AWS_PROFILE, or /,
      );
      expect(exitCode).toBe(exitCodes.usage);
    } finally {
      vi.unstubAllEnvs();
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
      `kbroker: ${folder}/.kbroker/operator.json is not a profile of kbroker: expected apiUrl, region, accessKeyId, secretAccessKey\n`,
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
    expect(stderr).toMatch(/is not a profile of kbroker: expected apiUrl, region, accessKeyId, secretAccessKey/);
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
