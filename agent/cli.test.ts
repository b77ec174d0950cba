import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testRootPem } from '#test/kit/signed-index.ts';
import { main } from './cli.ts';
import { aHost, type Bench, openBench } from './fixtures/bench.ts';
import { goodToken, replacingToken } from './fixtures/fake-broker.ts';
import { publish, unitId } from './fixtures/publication.ts';

/** Every command on one set-up, which would stand in each part again if the file were cut: hence its length. */

let bench: Bench;
let stop: AbortController;
beforeEach(async () => {
  bench = await openBench();
  stop = new AbortController();
  await writeFile(join(bench.folder, 'host.json'), JSON.stringify(aHost()));
  await writeFile(join(bench.folder, 'roots.pem'), testRootPem);
  expect(await agent(['enroll'])).toMatchObject({ code: 0, err: '' });
  bench.site.requests.length = 0;
});
afterEach(() => bench.close());

const file = { name: 'a.cab', data: Buffer.from('a payload') };
const settings = (): Record<string, string> => ({
  KBROKER_SERVER: bench.site.url.href,
  KBROKER_ENROLMENT_TOKEN: bench.site.token,
  KBROKER_DATA: join(bench.folder, 'data'),
  KBROKER_SIMULATED_HOST: join(bench.folder, 'host.json'),
  KBROKER_INDEX_ROOTS: join(bench.folder, 'roots.pem'),
});

async function agent(
  args: readonly string[],
  env = settings(),
  onLine?: (line: string) => void,
  onNote?: (line: string) => void,
) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    stdout: {
      write(text: string) {
        onLine?.(text);
        out.push(text);
      },
    },
    stderr: {
      write(text: string) {
        onNote?.(text);
        err.push(text);
      },
    },
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
    expect(site.broker.reports).toEqual([]);
    expect(await json('report')).toMatchObject({ code: 0, result: { reports: [{ requested: [expect.any(String)] }] } });
    site.hold(file);
    expect(await json('download')).toMatchObject({
      code: 0,
      result: { downloads: [{ outcome: 'downloaded' }], installs: [] },
    });
    expect(await json('status')).toMatchObject({
      code: 0,
      result: { lastCycle: { updates: [{ state: 'PENDING', reason: 'its file is downloaded' }] } },
    });
    expect(await json('install')).toMatchObject({
      code: 0,
      result: { state: 'OK', installs: [{ outcome: 'installed' }] },
    });
    expect(site.broker.reports.at(-1)?.updates).toMatchObject([{ state: 'OK' }]);
    const { code, out } = await agent(['status']);
    expect(code).toBe(0);
    expect(out).toMatch(/\nOK +KB5000001 +Update \(KB5000001\): installed\nOK at \S+, 1 of 1 updates installed\n$/);
  });

  it('takes flags before the environment', async () => {
    bench.site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
    const { KBROKER_ENROLMENT_TOKEN: _, ...used } = settings();
    const flags = Object.entries({ ...used, KBROKER_REPOSITORY: bench.site.url.href }).flatMap(([name, value]) => [
      `--${name.replace('KBROKER_', '').toLowerCase().replaceAll('_', '-')}`,
      value,
    ]);
    const nobody = 'http://127.0.0.1:1';
    const wrong = { KBROKER_SERVER: nobody, KBROKER_REPOSITORY: nobody, KBROKER_DATA: '/nowhere' };
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
    ['a setting is missing', ['enroll'], { KBROKER_SERVER: undefined }, 'pass --server or set KBROKER_SERVER'],
    ['there is no token', ['enroll'], { KBROKER_ENROLMENT_TOKEN: undefined }, 'pass --token or set KBROKER_ENROL'],
    ['a token that is none', ['enroll', '--token', 'kbt1_x'], {}, 'no enrolment token: allowed is kbt1_ID_SECRET'],
    ['no machine', ['scan'], { KBROKER_SIMULATED_HOST: undefined }, 'simulated machines only'],
    ['a repository that is no address', ['scan'], { KBROKER_REPOSITORY: 'cdn' }, '--repository: got "cdn"'],
    ['a server that is no address', ['scan'], { KBROKER_SERVER: 'broker' }, 'allowed is http(s)://'],
    ['a server without TLS on another machine', ['enroll'], { KBROKER_SERVER: 'http://broker.example' }, 'https only'],
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

  it('exit code 3: the repository is empty; neither token nor key is ever printed', async () => {
    const { code, out, err } = await agent(['scan', '--verbose']);
    expect(code).toBe(3);
    expect(out).toContain('not-found');
    expect(out + err).not.toContain(goodToken);
    expect(out + err).not.toContain('PRIVATE');
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

  it('run says when it goes on, so that a long first wait does not look like none', async () => {
    const patient = agent(['run', '--first-within', '3600'], settings(), undefined, (line) => {
      expect(line).toMatch(/^next cycle in \d+ s\n$/);
      stop.abort();
    });
    expect(await patient).toMatchObject({ code: 0, out: '', err: expect.stringMatching(/^next cycle/) });
  });

  it('status before the first cycle', async () => {
    const { code, out } = await agent(['status']);
    const [thumbprint] = (await readdir(join(bench.folder, 'data', 'keys'))).map((name) => name.replace('.pem', ''));
    expect(code).toBe(0);
    expect(out).toMatch(/^host-1 in group everyone, enrolled at \S+\n/);
    expect(out).toContain(`server      ${bench.site.url.href}\n`);
    expect(out).toContain(`key         ${thumbprint}\n`);
    expect(out).toMatch(/\nno cycle has run here yet\n$/);
    expect(await json('status')).toMatchObject({ result: { identity: { thumbprint }, lastCycle: null } });
    const elsewhere = { ...settings(), KBROKER_DATA: join(bench.folder, 'empty') };
    expect(await agent(['status'], elsewhere)).toMatchObject({ code: 0, out: expect.stringMatching(/^not enrolled/) });
  });

  it('status says which settings count, and which package each is from', async () => {
    const { site } = bench;
    site.publish(publish([{ id: 1, kb: '5000001', files: [] }]));
    const pilot = {
      name: 'pilot',
      priority: 10,
      rules: [],
      settings: { enabled: false, installDelaysBySeverity: { Critical: 3600 } },
    };
    const base = {
      name: 'base',
      priority: 0,
      rules: [],
      settings: { enabled: true, defaultAllow: true, installDelaySeconds: 7 * 24 * 3600 },
    };
    expect((await agent(['status'])).out).toContain('\nrules       none stored here yet\n');
    expect(await json('status')).toMatchObject({ result: { rules: null } });
    site.broker.rules = { version: 2, revision: 8, packages: [base, pilot] };
    await agent(['scan']);
    expect((await agent(['status'])).out).toContain(
      [
        'rules       revision 8: pilot, base',
        'enabled     no, nothing is installed on this host (by "pilot")',
        'default     allow (by "base")',
        'delay       7 days (by "base"); Critical 1 hour (by "pilot")',
        '',
      ].join('\n'),
    );
    expect(await json('status')).toMatchObject({
      result: {
        rules: {
          revision: 8,
          packages: ['pilot', 'base'],
          settings: {
            enabled: { value: false, package: 'pilot' },
            defaultAllow: { value: true, package: 'base' },
            installDelaySeconds: { value: 604_800, package: 'base' },
            installDelaysBySeverity: { Critical: { value: 3600, package: 'pilot' } },
          },
        },
      },
    });
    site.broker.rules = { version: 2, revision: 9, packages: [] };
    await agent(['scan']);
    expect((await agent(['status'])).out).toContain(
      [
        'rules       revision 9: no package',
        'enabled     not set, as yes',
        'default     not set, as hold back',
        'delay       not set, as none',
        '',
      ].join('\n'),
    );
  });

  it('every command has help with the exit codes', async () => {
    for (const command of ['enroll', 'scan', 'report', 'download', 'install', 'run', 'status']) {
      const { code, out } = await agent([command, '--help']);
      expect(code).toBe(0);
      expect(out).toContain('Exit codes: 0 done');
    }
  });
});

describe('enroll', () => {
  const data = (name: string): Record<string, string> => ({ ...settings(), KBROKER_DATA: join(bench.folder, name) });
  const keys = async (name = 'data'): Promise<readonly string[]> => readdir(join(bench.folder, name, 'keys'));
  const host = () => {
    const found = bench.site.broker.hosts.get('host-1');
    if (found === undefined) throw new Error('the host is not enrolled');
    return found;
  };

  it('again changes nothing, under either spelling', async () => {
    const before = await readFile(join(bench.folder, 'data', 'keys', (await keys())[0] ?? ''), 'utf8');
    expect(await json('enrol')).toMatchObject({ code: 0, result: { changed: false, identity: { group: 'everyone' } } });
    expect((await agent(['enroll'])).out).toMatch(/^was enrolled already: host-1 in group everyone/);
    expect(bench.site.broker.enrolments).toEqual(['host-1']);
    expect(await readFile(join(bench.folder, 'data', 'keys', (await keys())[0] ?? ''), 'utf8')).toBe(before);
  });

  it('whose answer was lost goes on with the same key', async () => {
    bench.site.broker.hosts.clear();
    bench.site.fail(/enrolments/, { type: 'lost' });
    expect((await agent(['enroll'], data('other'))).code).toBe(3);
    const made = await keys('other');
    expect(await agent(['enroll'], data('other'))).toMatchObject({ code: 0 });
    expect(await keys('other')).toEqual(made);
    expect(made).toEqual([`${host().thumbprint}.pem`]);
  });

  it('exit code 5: the machine is taken, until a token may replace its key', async () => {
    const taken = await agent(['enroll'], data('other'));
    expect(taken).toMatchObject({ code: 5, err: expect.stringContaining('is enrolled with another key') });
    const before = host().thumbprint;
    expect(await agent(['enroll', '--token', replacingToken], data('other'))).toMatchObject({ code: 0 });
    expect(host().thumbprint).not.toBe(before);
    expect(await agent(['scan'])).toMatchObject({ code: 5, out: expect.stringContaining('problem in check-in') });
  });

  it('exit code 5: the token is refused, and the host stays what it was', async () => {
    const other = goodToken.replace('tttt', 'aaaa');
    const made = await keys();
    const refused = await agent(['enroll', '--new-key', '--token', other]);
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('this token is not known') });
    expect(refused.err).not.toContain(other);
    expect(await keys()).toEqual(expect.arrayContaining([...made]));
    expect((await agent(['status'])).out).toContain(host().thumbprint);
    expect(await json('scan')).toMatchObject({ result: { problems: [{ phase: 'pull' }, { phase: 'scan' }] } });
  });

  it('exit code 5: the key was revoked, until another one comes with a token that may replace it', async () => {
    host().revoked = true;
    expect(await agent(['enroll'])).toMatchObject({ code: 5, err: expect.stringContaining('revoked') });
    expect((await agent(['scan'])).code).toBe(5);
    expect(await agent(['enroll', '--new-key', '--token', replacingToken])).toMatchObject({ code: 0 });
    expect(await keys()).toEqual([`${host().thumbprint}.pem`]);
    expect((await agent(['scan'])).out).not.toContain('revoked');
  });

  it.skipIf(process.platform === 'win32')('exit code 5: others can read the key', async () => {
    const [name = ''] = await keys();
    await chmod(join(bench.folder, 'data', 'keys', name), 0o644);
    const { code, err } = await agent(['scan']);
    expect({ code, err }).toEqual({ code: 5, err: expect.stringContaining('has the mode 644, allowed is 600') });
    expect(bench.site.requests).toEqual([]);
    expect(await agent(['enroll', '--new-key', '--token', replacingToken])).toMatchObject({ code: 0 });
    expect(await keys()).not.toContain(name);
  });

  it('exit code 5: nothing is enrolled here', async () => {
    expect(await agent(['scan'], data('empty'))).toMatchObject({
      code: 5,
      err: expect.stringContaining('has no enrolment: run kbroker-agent enroll'),
    });
  });

  it('exit code 3: nobody answers', async () => {
    const nobody = { ...data('other'), KBROKER_SERVER: 'http://127.0.0.1:1' };
    expect(await agent(['enroll'], nobody)).toMatchObject({ code: 3, err: expect.stringContaining('127.0.0.1:1') });
  });
});
