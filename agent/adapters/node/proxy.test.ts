import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ForwardProxy, type ForwardProxyOptions, startForwardProxy } from '#test/kit/forward-proxy.ts';
import { type Origin, serveFile, startOrigin } from '#test/kit/origin.ts';
import { send } from './http.ts';
import { openConnections, parseExceptions, parseProxy } from './proxy.ts';

const secret = 's3cr%40et:word';

describe('a proxy as wapt-get.ini names it', () => {
  it('is an address, with or without credentials', () => {
    const bare = parseProxy('http://proxy.example:3128', 'x');
    expect([bare.address.href, bare.authorization]).toEqual(['http://proxy.example:3128/', undefined]);
    const named = parseProxy(`http://DOMAIN%5Cada:${secret}@proxy.example:3128/`, 'x');
    expect(named.address.href).toBe('http://proxy.example:3128/');
    expect(named.authorization).toBe(`Basic ${Buffer.from('DOMAIN\\ada:s3cr@et:word').toString('base64')}`);
    // Whoever wrote it need not have known of percent-encoding.
    expect(parseProxy('http://ada:100%@proxy.example', 'x').authorization).toBe(
      `Basic ${Buffer.from('ada:100%').toString('base64')}`,
    );
  });

  it.each([
    [`ada:${secret}@proxy.example:3128`, 'got something else than http'],
    [`//ada:${secret}@proxy.example`, 'got no address'],
    [`http://ada:${secret}@proxy example`, 'got no address'],
    [`socks5://ada:${secret}@proxy.example:1080`, 'got a proxy of socks5:'],
    [`http://ada:${secret}@proxy.example:3128/path`, 'got something after the host proxy.example:3128'],
    [`http://:${secret}@proxy.example`, 'got a password without a user'],
    ['', 'got no address'],
  ])('is refused without repeating the secret: %s', (value, why) => {
    const message = messageOf(() => parseProxy(value, 'KBROKER_HTTP_PROXY'));
    expect(message).toBe(`KBROKER_HTTP_PROXY: ${why}, allowed is http://[user:password@]host:port`);
    expect(message).not.toMatch(/s3cr/);
  });

  it('has exceptions: hosts, domains, addresses, with or without a port', () => {
    const given = 'localhost, .corp.example *.lab.example,10.0.0.7:8080,[::1]:80';
    expect(parseExceptions(given, 'x')).toBe('localhost,.corp.example,*.lab.example,10.0.0.7:8080,[::1]:80');
    expect(parseExceptions('*', 'x')).toBe('*');
    expect(messageOf(() => parseExceptions('localhost,10.0.0.0/8', '--noproxy'))).toContain('got "10.0.0.0/8"');
  });
});

describe('connections through a proxy', () => {
  let origin: Origin;
  let proxy: ForwardProxy | undefined;
  beforeEach(async () => {
    origin = await startOrigin();
    origin.answer = serveFile(Buffer.from('there'), '"e"');
  });
  afterEach(async () => {
    await proxy?.close();
    await origin.close();
  });

  /** Names that nobody else knows: who asks for them without the proxy fails. */
  async function open(options: ForwardProxyOptions, credentials = '', exceptions = '') {
    const place = origin.address;
    proxy = await startForwardProxy({
      routes: { 'plain.invalid:80': place, 'away.invalid:80': '127.0.0.1:1' },
      ...options,
    });
    const setting = proxy.url.href.replace('http://', `http://${credentials}`);
    const dispatcher = openConnections({ proxy: parseProxy(setting, 'x', exceptions), connectTimeout: 1000 });
    const get = async (url: string): Promise<string> => {
      const answer = await send({ dispatcher, timeoutSeconds: 2 }, { method: 'GET', url: new URL(url) });
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer.body) chunks.push(chunk);
      return `${answer.status} ${Buffer.concat(chunks).toString()}`;
    };
    return { get, proxy, close: () => dispatcher.close() };
  }

  it('are plain for http, with the credentials, and the origin sees none of them', async () => {
    const { get, close, proxy } = await open({ credentials: 'ada:pass word' }, 'ada:pass%20word@');
    expect(await get('http://plain.invalid/a?b')).toBe('200 there');
    expect(proxy.passed).toEqual([{ method: 'GET', target: 'http://plain.invalid/a?b' }]);
    expect(origin.seen).toMatchObject([{ host: 'plain.invalid', path: '/a?b' }]);
    expect(origin.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
    await close();
  });

  it('are tunnels for https', async () => {
    const { get, close, proxy } = await open(
      { credentials: 'ada:secret', routes: { 'tls.invalid:443': origin.address } },
      'ada:secret@',
    );
    // The origin speaks no TLS: that it was reached is enough.
    await expect(get('https://tls.invalid/')).rejects.toMatchObject({ code: 'unreachable' });
    expect(proxy.passed).toMatchObject([{ method: 'CONNECT', target: 'tls.invalid:443' }]);
    await close();
  });

  it.each(['http://plain.invalid/', 'https://tls.invalid/'])(
    'say it when the proxy wants other credentials: %s',
    async (url) => {
      const { get, close, proxy } = await open({ credentials: 'ada:right' }, 'ada:wrongsecret@');
      const error = await get(url).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: 'proxy',
        retryable: false,
        message: expect.stringContaining('the proxy wants other credentials (407)'),
      });
      expect(everythingIn(error)).not.toContain('wrongsecret');
      expect(everythingIn(error)).not.toContain(Buffer.from('ada:wrongsecret').toString('base64'));
      expect(proxy.passed).toEqual([]);
      await close();
    },
  );

  it('say it when the proxy cannot get there, or is not there', async () => {
    const { get, close, proxy } = await open({});
    expect(await get('http://away.invalid/')).toBe('502 ');
    await expect(get('https://away.invalid/')).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    await proxy.close();
    await expect(get('http://plain.invalid/')).rejects.toMatchObject({ code: 'unreachable' });
    await close();
  });

  it.each(['http://plain.invalid/', 'https://tls.invalid/'])('end when the proxy says nothing: %s', async (url) => {
    const { get, close, proxy } = await open({});
    proxy.failing = 'silent';
    await expect(get(url)).rejects.toMatchObject({ code: 'timeout', retryable: true });
    await close();
  });

  it('leave it out where no_proxy says so', async () => {
    const { get, close, proxy } = await open({}, '', '127.0.0.1');
    expect(await get(`http://${origin.address}/`)).toBe('200 there');
    await expect(get('http://plain.invalid:81/')).resolves.toMatch(/^502/);
    expect(proxy.passed).toHaveLength(1);
    await close();
  });
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('nothing was thrown');
}

/** An error as a log may show it, with its causes. */
function everythingIn(error: unknown): string {
  return error instanceof Error
    ? `${error.stack} ${JSON.stringify(error)} ${everythingIn(error.cause)}`
    : String(error);
}
