import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ForwardProxy, startForwardProxy } from '#test/kit/forward-proxy.ts';
import { testRootPem } from '#test/kit/signed-index.ts';
import { main } from './cli.ts';
import { aHost, type Bench, openBench } from './fixtures/bench.ts';
import { serveFiles } from './fixtures/microsoft.ts';
import { publish } from './fixtures/publication.ts';

const secret = 'a-secret-of-the-proxy';
const file = { name: 'a.cab', data: Buffer.from('a payload') };

let bench: Bench;
let proxy: ForwardProxy;
beforeEach(async () => {
  bench = await openBench();
  await writeFile(join(bench.folder, 'host.json'), JSON.stringify(aHost()));
  await writeFile(join(bench.folder, 'roots.pem'), testRootPem);
  // Nobody listens on port 1, and Microsoft's names lead to the fixture: what gets anywhere went through the proxy.
  proxy = await startForwardProxy({
    credentials: `ada:${secret}`,
    routes: { '127.0.0.1:1': bench.site.url.host, 'download.windowsupdate.com:80': bench.microsoft.address },
  });
  bench.site.broker.repositoryUrl = 'http://127.0.0.1:1';
  bench.site.publish(publish([{ id: 1, kb: '5000001', files: [file] }]));
  bench.microsoft.answer = serveFiles(file);
});
afterEach(async () => {
  await proxy.close();
  await bench.close();
});

async function agent(args: readonly string[], changes: Readonly<Record<string, string>> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env: {
      KBROKER_SERVER: 'http://127.0.0.1:1',
      KBROKER_ENROLMENT_TOKEN: bench.site.token,
      KBROKER_DATA: join(bench.folder, 'data'),
      KBROKER_SIMULATED_HOST: join(bench.folder, 'host.json'),
      KBROKER_INDEX_ROOTS: join(bench.folder, 'roots.pem'),
      KBROKER_HTTP_PROXY: proxy.url.href.replace('//', `//ada:${secret}@`),
      ...changes,
    },
    signal: new AbortController().signal,
  });
  return { code, out: out.join(''), err: err.join('') };
}

/** Everything that the agent wrote, anywhere. */
async function written(): Promise<string> {
  const names = await readdir(bench.folder, { recursive: true, withFileTypes: true });
  const files = names.filter((one) => one.isFile());
  return (await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), 'latin1')))).join('');
}

describe('behind a proxy', () => {
  it('a host lives its whole life, and nothing of it goes another way', async () => {
    expect(await agent(['enroll'])).toMatchObject({ code: 0 });
    const said = [
      await agent(['scan', '--verbose']),
      await agent(['report', '--verbose']),
      await agent(['download', '--verbose', '--direct-first']),
      await agent(['install', '--verbose']),
      await agent(['status']),
    ];
    expect(said.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(said[2]?.out).toContain('1 of them (9 bytes) from Microsoft itself');
    // One for one: the proxy passed on what the servers saw, and the tunnel in which the fixture speaks no TLS.
    const reached = proxy.passed.filter(({ method }) => method !== 'CONNECT');
    expect(reached).toHaveLength(bench.site.requests.length + bench.microsoft.seen.length);
    expect(proxy.passed.filter(({ method }) => method === 'CONNECT').map(({ target }) => target)).toEqual([
      'catalog.s.download.windowsupdate.com:443',
    ]);
    const told = JSON.stringify([said, bench.site.broker.reports]) + (await written());
    expect(told).not.toContain(secret);
    expect(told).not.toContain(Buffer.from(`ada:${secret}`).toString('base64'));
  });

  it('that does not know the host says so, and never the secret', async () => {
    const wrong = { KBROKER_HTTP_PROXY: proxy.url.href.replace('//', `//ada:not-${secret}@`) };
    const { code, err } = await agent(['enroll', '--verbose'], wrong);
    expect(code).toBe(3);
    expect(err).toContain('the proxy wants other credentials (407)');
    expect(err).not.toContain(secret);
    expect(bench.site.requests).toEqual([]);
  });

  it('what no_proxy names is reached without it', async () => {
    const local = { KBROKER_SERVER: bench.site.url.href, KBROKER_NO_PROXY: '127.0.0.1' };
    bench.site.broker.repositoryUrl = bench.site.url.href;
    await agent(['enroll'], local);
    expect(await agent(['scan'], local)).toMatchObject({ code: 0 });
    expect(proxy.passed).toEqual([]);
    // Flags go before the environment.
    await agent(['scan', '--noproxy', 'elsewhere.example', '--server', 'http://127.0.0.1:1'], local);
    expect(proxy.passed.length).toBeGreaterThan(0);
    const dead = { ...local, KBROKER_NO_PROXY: '', KBROKER_HTTP_PROXY: 'http://127.0.0.1:1' };
    const alive = proxy.url.href.replace('//', `//ada:${secret}@`);
    expect(await agent(['scan', '--http-proxy', alive], dead)).toMatchObject({ code: 0 });
  });

  it.each([
    ['KBROKER_HTTP_PROXY', `ftp://ada:${secret}@proxy.example`, 'allowed is http://[user:password@]host:port'],
    ['KBROKER_NO_PROXY', '10.0.0.0/8', 'got "10.0.0.0/8", allowed are host, .domain and address'],
    ['KBROKER_DIRECT_DOWNLOAD', 'yes', 'got "yes", allowed are true and false'],
  ])('exit code 2: %s is %s', async (name, value, message) => {
    await agent(['enroll']);
    const { code, err } = await agent(['scan'], { [name]: value });
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain(secret);
  });
});
