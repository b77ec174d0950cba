import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testRootPem } from '#test/kit/signed-index.ts';
import { main } from './cli.ts';
import { aHost, type Bench, openBench } from './fixtures/bench.ts';
import { publish, unitId } from './fixtures/publication.ts';

let bench: Bench;
let stop: AbortController;
beforeEach(async () => {
  bench = await openBench();
  stop = new AbortController();
  await writeFile(join(bench.folder, 'secret'), `${bench.site.secret}\n`);
  await writeFile(join(bench.folder, 'host.json'), JSON.stringify(aHost()));
  await writeFile(join(bench.folder, 'roots.pem'), testRootPem);
});
afterEach(() => bench.close());

const file = { name: 'a.cab', data: Buffer.from('a payload') };
const settings = (): Record<string, string> => ({
  KBROKER_SERVER: bench.site.url.href,
  KBROKER_REPOSITORY: bench.site.url.href,
  KBROKER_SECRET_FILE: join(bench.folder, 'secret'),
  KBROKER_DATA: join(bench.folder, 'data'),
  KBROKER_SIMULATED_HOST: join(bench.folder, 'host.json'),
  KBROKER_INDEX_ROOTS: join(bench.folder, 'roots.pem'),
});

async function agent(args: readonly string[], env = settings(), onLine?: (line: string) => void) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    stdout: {
      write(text: string) {
        onLine?.(text);
        out.push(text);
      },
    },
    stderr: { write: (text: string) => err.push(text) },
    env,
    signal: stop.signal,
  });
  return { code, out: out.join(''), err: err.join('') };
}
const json = async (...args: string[]) => {
  const { code, out } = await agent([...args, '--json']);
  return { code, result: JSON.parse(out) };
};

describe('the command line', () => {
  it('tells its version', async () => {
    const { code, out } = await agent(['--version'], {});
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('does a whole life, command by command', async () => {
    const { site } = bench;
    site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
    expect(await json('scan')).toMatchObject({ code: 0, result: { updates: [{ state: 'MISSING' }], reports: [] } });
    expect(site.reports).toEqual([]);
    expect(await json('report')).toMatchObject({ code: 0, result: { reports: [{ requested: [expect.any(String)] }] } });
    site.hold(file);
    expect(await json('download')).toMatchObject({
      code: 0,
      result: { downloads: [{ outcome: 'downloaded' }], installs: [] },
    });
    expect(await json('status')).toMatchObject({
      code: 0,
      result: { updates: [{ state: 'PENDING', reason: 'its file is downloaded' }] },
    });
    expect(await json('install')).toMatchObject({
      code: 0,
      result: { state: 'OK', installs: [{ outcome: 'installed' }] },
    });
    expect(site.reports.at(-1)?.updates).toMatchObject([{ state: 'OK' }]);
    const { code, out } = await agent(['status']);
    expect(code).toBe(0);
    expect(out).toMatch(/^OK +KB5000001 +Update \(KB5000001\): installed\nOK at \S+, 1 of 1 updates installed\n$/);
  });

  it('takes flags before the environment', async () => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
    const flags = Object.entries(settings()).flatMap(([name, value]) => [
      `--${name.replace('KBROKER_', '').toLowerCase().replaceAll('_', '-')}`,
      value,
    ]);
    const wrong = { KBROKER_SERVER: 'http://127.0.0.1:1', KBROKER_DATA: '/nowhere' };
    expect(await agent(['scan', ...flags], wrong)).toMatchObject({ code: 0, err: '' });
  });

  it('exit code 1: an update is in ERROR', async () => {
    const { site } = bench;
    site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
    site.hold(file);
    const failing = [{ updateId: unitId(1), hresult: '0x80070643', message: '' }];
    await writeFile(join(bench.folder, 'host.json'), JSON.stringify(aHost({ failing })));
    await agent(['download']);
    const { code, out } = await agent(['install']);
    expect(code).toBe(1);
    expect(out).toContain('0x80070643');
    expect((await agent(['status'])).code).toBe(1);
  });

  it.each([
    ['a setting is missing', ['scan'], { KBROKER_SERVER: undefined }, 'pass --server or set KBROKER_SERVER'],
    ['no machine', ['scan'], { KBROKER_SIMULATED_HOST: undefined }, 'simulated machines only'],
    ['no such secret', ['scan'], { KBROKER_SECRET_FILE: '/nowhere/secret' }, 'cannot read the secret'],
    ['a server that is no address', ['scan'], { KBROKER_SERVER: 'broker' }, 'allowed is http(s)://'],
    [
      'no such roots',
      ['scan'],
      { KBROKER_INDEX_ROOTS: '/nowhere.pem' },
      'cannot read the roots of indexes: /nowhere.pem',
    ],
    ['roots that are none', ['scan'], { KBROKER_INDEX_ROOTS: import.meta.filename }, 'allowed are PEM blocks'],
    ['an unclear permission', ['scan'], { KBROKER_ALLOW_SHA1: 'yes' }, 'got "yes", allowed are true and false'],
    ['no such host file', ['scan'], { KBROKER_SIMULATED_HOST: '/nowhere.json' }, 'cannot read the simulated host'],
    ['an unknown command', ['scam'], {}, 'unknown command'],
    ['an unknown option', ['scan', '--fast'], {}, 'unknown option'],
    ['an interval that is none', ['run', '--interval', 'soon'], {}, 'got "soon", allowed is a number of seconds'],
    ['status without a folder', ['status'], { KBROKER_DATA: undefined }, '--data'],
  ])('exit code 2: %s', async (_what, args, changes: Record<string, string | undefined>, message) => {
    const env = Object.fromEntries(
      Object.entries({ ...settings(), ...changes }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    const { code, err } = await agent(args, env);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(bench.site.requests).toEqual([]);
  });

  it('exit code 3: the repository is empty; the secret is never printed', async () => {
    const { code, out, err } = await agent(['scan', '--verbose']);
    expect(code).toBe(3);
    expect(out).toContain('not-found');
    expect(out + err).not.toContain(bench.site.secret);
  });

  it('exit code 4: another run is at work', async () => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
    bench.site.fail(/sha256/, { type: 'hang', afterBytes: 10 });
    const first = agent(['scan']);
    while (bench.site.requests.length === 0) await new Promise((done) => setTimeout(done, 10));
    expect((await agent(['scan'])).code).toBe(4);
    stop.abort();
    expect((await first).code).toBe(3);
  });

  it('run goes round until it is stopped', async () => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
    let cycles = 0;
    const { code, out } = await agent(
      ['run', '--json', '--interval', '0.01', '--first-within', '0'],
      settings(),
      () => {
        cycles += 1;
        if (cycles === 3) stop.abort();
      },
    );
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).updates.length),
    ).toEqual([1, 1, 1]);
  });

  it('status before the first cycle', async () => {
    expect(await agent(['status', '--json'])).toMatchObject({ code: 0, out: 'null\n' });
  });

  it('every command has help with the exit codes', async () => {
    for (const command of ['scan', 'report', 'download', 'install', 'run', 'status']) {
      const { code, out } = await agent([command, '--help']);
      expect(code).toBe(0);
      expect(out).toContain('Exit codes: 0 done');
    }
  });
});
