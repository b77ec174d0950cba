import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Identity, identityIn } from '#local/upstream/tls/certificates.ts';
import { type ForwardProxy, type ForwardProxyOptions, startForwardProxy } from '#test/kit/forward-proxy.ts';
import { type Origin, serveFile, serveRanges, startOrigin } from '#test/kit/origin.ts';
import { createUpstream, type Upstream } from './client.ts';
import { outboundProxy } from './outbound-proxy.ts';
import { type OutboundProxy, ProxiedConnections } from './proxied-connections.ts';
import { ProxyLogin } from './proxy-login.ts';
import type { Timing } from './retry.ts';

const plainHost = 'www.windowsupdate.com';
const secureHost = 'catalog.s.download.windowsupdate.com';
const plain = `http://${plainHost}/d/a.cab?P1=2`;
const secure = `https://${secureHost}/d/a.cab`;
const bytes = Buffer.from('the bytes of an update');

let folder: string;
/** Of the proxy, and of Microsoft's hosts: neither passes for the other. */
let identity: Identity;
let microsoft: Identity;
let caPem: string;
let origin: Origin;
/** The same origin by TLS. */
let secureAddress: string;
let secureServer: ReturnType<typeof createTlsServer>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kbroker-proxy-'));
  identity = await identityIn(join(folder, 'proxy'), ['localhost'], new Date());
  microsoft = await identityIn(join(folder, 'microsoft'), [plainHost, secureHost], new Date());
  caPem = [identity, microsoft].map(({ caFile }) => readFileSync(caFile, 'utf8')).join('');
  secureServer = createTlsServer({ key: microsoft.key, cert: microsoft.certificate }, (request, response) => {
    origin.seen.push({ host: request.headers.host, path: request.url, headers: request.headers });
    origin.answer(request, response);
  });
  await new Promise<void>((done) => secureServer.listen(0, '127.0.0.1', done));
  secureAddress = `127.0.0.1:${(secureServer.address() as AddressInfo).port}`;
});
afterAll(async () => {
  secureServer.closeAllConnections();
  await new Promise((done) => secureServer.close(done));
  rmSync(folder, { recursive: true });
});

let proxy: ForwardProxy | undefined;
let connections: ProxiedConnections | undefined;
let slept: number;
beforeEach(async () => {
  slept = 0;
  origin = await startOrigin();
  origin.answer = serveFile(bytes, '"x"');
});
afterEach(async () => {
  await connections?.close();
  await proxy?.close();
  await origin.close();
});

const timing: Timing = {
  now: () => 0,
  random: () => 0,
  sleep: async () => {
    slept += 1;
  },
};

/** A client behind a proxy that leads Microsoft's names to the origin. */
async function behind(
  options: ForwardProxyOptions,
  settings: Partial<OutboundProxy> = {},
): Promise<{ readonly upstream: Upstream; readonly proxy: ForwardProxy }> {
  const routes = { [`${plainHost}:80`]: origin.address, [`${secureHost}:443`]: secureAddress };
  proxy = await startForwardProxy({ routes, ...options });
  connections = new ProxiedConnections({ url: proxy.url, caPem, ...settings }, origin.agent);
  return { upstream: createUpstream({ dispatcher: connections, timing }), proxy };
}

async function fetched(upstream: Upstream, address: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await upstream.getPayload([address], {})).body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const login = { username: 'ada', password: 'pass: wörd' };
const credentials = `${login.username}:${login.password}`;

describe.each([['http'], ['https']])('through a proxy by %s', (scheme) => {
  const tls = () => (scheme === 'https' ? { tls: identity } : {});

  it('plain addresses are relayed, and the origin sees nothing of the proxy', async () => {
    const { upstream, proxy } = await behind({ credentials, ...tls() }, { credentials: async () => login });
    expect(await fetched(upstream, plain)).toBe(bytes.toString());
    expect(proxy.passed).toEqual([{ method: 'GET', target: plain }]);
    expect(origin.seen).toMatchObject([{ host: plainHost, path: '/d/a.cab?P1=2' }]);
    expect(origin.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('HTTPS goes by tunnels, whose ends are the client and the origin', async () => {
    const { upstream, proxy } = await behind({ credentials, ...tls() }, { credentials: async () => login });
    expect(await fetched(upstream, secure)).toBe(bytes.toString());
    // The connection is free a moment after the end of the body.
    await new Promise((later) => setTimeout(later, 20));
    expect(await fetched(upstream, secure)).toBe(bytes.toString());
    expect(proxy.passed).toEqual([{ method: 'CONNECT', target: `${secureHost}:443` }]);
    expect(origin.seen).toMatchObject([{ host: secureHost }, { host: secureHost }]);
    expect(origin.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('pieces come at the same time', async () => {
    origin.answer = serveRanges(bytes, '"x"');
    const { upstream } = await behind(tls());
    const piece = { etag: '"x"', length: bytes.byteLength };
    const asked = [plain, secure, plain, secure].map((address, from) =>
      upstream.getRange(address, { ...piece, from, to: from + 4 }),
    );
    const pieces = (await Promise.all(asked)).map((got) => Buffer.from(got).toString());
    expect(pieces).toEqual(['the ', 'he b', 'e by', ' byt']);
  });
});

describe('credentials', () => {
  it.each([plain, secure])('are read once, and again when the proxy wants others: %s', async (address) => {
    let reads = 0;
    let password = 'old';
    const read = async () => {
      reads += 1;
      return { username: 'ada', password };
    };
    const { upstream, proxy } = await behind({ credentials: 'ada:old' }, { credentials: read });
    await fetched(upstream, address);
    await fetched(upstream, plain);
    expect(reads).toBe(1);
    password = 'new';
    proxy.credentials = 'ada:new';
    // A tunnel that is there asks nobody.
    secureServer.closeAllConnections();
    expect(await fetched(upstream, address)).toBe(bytes.toString());
    expect(reads).toBe(2);
  });

  it('that rotate under a running client are read once by all who are refused', async () => {
    let reads = 0;
    const read = async () => {
      reads += 1;
      return { username: 'ada', password: reads === 1 ? 'old' : 'new' };
    };
    const { upstream, proxy } = await behind({ credentials: 'ada:new' }, { credentials: read });
    const all = await Promise.all([plain, secure, plain, secure].map((address) => fetched(upstream, address)));
    expect(new Set(all)).toEqual(new Set([bytes.toString()]));
    expect(reads).toBe(2);
    expect(proxy.refused).toHaveLength(4);
  });

  it('are read once by two who are refused in the same moment', async () => {
    let reads = 0;
    const login = new ProxyLogin('http://proxy.example', async () => {
      reads += 1;
      return { username: 'ada', password: `${reads}` };
    });
    const old = await login.current();
    const [one, other] = await Promise.all([login.renewed(old), login.renewed(old)]);
    expect([one === other, one === old, reads]).toEqual([true, false, 2]);
  });

  it.each([plain, secure])('that are wrong are shown once and not tried again: %s', async (address) => {
    const { upstream, proxy } = await behind(
      { credentials },
      { credentials: async () => ({ ...login, password: 'x' }) },
    );
    const error = await fetched(upstream, address).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'proxy-refused',
      status: 407,
      message: `the proxy ${proxy.url.origin} does not take its credentials (407)`,
    });
    expect([proxy.refused.length, slept, origin.seen.length]).toEqual([1, 0, 0]);
  });

  it('that nobody set up are asked for in words', async () => {
    const { upstream } = await behind({ credentials });
    await expect(fetched(upstream, plain)).rejects.toThrow(/asks for credentials, and none are set up \(407\)$/);
  });

  it('come from a secret, and nothing of it is repeated when it does not fit', async () => {
    const texts = ['{"username":"ada","password":', '{"username":"a:b","password":"s3cret"}', JSON.stringify(login)];
    const read: string[] = [];
    const env = { OUTBOUND_PROXY_URL: 'http://proxy.example', OUTBOUND_PROXY_SECRET_ARN: 'arn:x' };
    const settings = outboundProxy(env, (arn) => async () => {
      read.push(arn);
      return texts.shift() ?? '';
    });
    const { upstream } = await behind({ credentials }, { credentials: settings?.credentials });
    const failures = [await saysOf(fetched(upstream, plain)), await saysOf(fetched(upstream, plain))];
    expect(failures[0]).toContain('cannot be read (Error: the secret is no JSON');
    expect(failures[1]).toContain('the secret does not fit: username: must be a name without colons');
    expect(failures.join()).not.toMatch(/s3cret|a:b/);
    expect(await fetched(upstream, plain)).toBe(bytes.toString());
    expect(read).toEqual(['arn:x', 'arn:x', 'arn:x']);
  });
});

const saysOf = (failing: Promise<unknown>): Promise<string> =>
  failing.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe('a proxy', () => {
  it.each([
    [403, { code: 'proxy-refused', status: 403 }, 0],
    [502, { code: 'unavailable', status: undefined }, 4],
  ])('that answers %i to CONNECT is named with it', async (status, failure, waits) => {
    const { upstream, proxy } = await behind({});
    proxy.failing = status;
    const error = await fetched(upstream, secure).catch((cause: unknown) => cause);
    expect(error).toMatchObject(failure);
    expect(String(error)).toContain(`${proxy.url.origin} answered ${status} to CONNECT ${secureHost}:443`);
    expect(slept).toBe(waits);
  });

  it('that cannot be reached is named, and not the host behind it', async () => {
    const { upstream, proxy } = await behind({});
    const { origin: at } = proxy.url;
    await proxy.close();
    for (const address of [plain, secure])
      expect(await saysOf(fetched(upstream, address))).toBe(`no answer from the proxy ${at} (ECONNREFUSED)`);
  });

  it('whose certificate nobody vouches for is not shown the credentials', async () => {
    const { upstream, proxy } = await behind(
      { credentials, tls: identity },
      { caPem: undefined, credentials: async () => login },
    );
    for (const address of [plain, secure])
      expect(await saysOf(fetched(upstream, address))).toMatch(/^the certificate of the proxy .* does not verify/);
    expect([proxy.refused, proxy.passed]).toEqual([[], []]);
  });

  it('is not used for exceptions', async () => {
    const { upstream, proxy } = await behind({}, { exceptions: 'example.org,.windowsupdate.com' });
    expect(await fetched(upstream, plain)).toBe(bytes.toString());
    expect([proxy.passed, proxy.refused]).toEqual([[], []]);
  });

  it('does not make a host of another one', async () => {
    const { upstream, proxy } = await behind({});
    await expect(fetched(upstream, 'http://evil.example/')).rejects.toMatchObject({ code: 'host-not-allowed' });
    expect(proxy.passed).toEqual([]);
  });
});
