import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { AgentError } from '../../ports/agent-error.ts';

/** The proxy that an agent's connections go through. */
export interface HttpProxy {
  /** Without credentials, so that it can be shown. */
  readonly address: URL;
  /** Value of the header Proxy-Authorization; undefined when the proxy asks for none. A secret. */
  readonly authorization: string | undefined;
  /** Names, addresses and domains that are reached without it, separated by commas. */
  readonly exceptions: string;
}

const allowedProxy = 'allowed is http://[user:password@]host:port';

/**
 * A proxy as wapt-get.ini names it. The value is never repeated: it may have a password in it, also where it is misspelt.
 *
 * @param setting its name, for people
 * @throws AgentError `bad-config`
 */
export function parseProxy(value: string, setting: string, exceptions = ''): HttpProxy {
  const refuse = (why: string): never => {
    throw new AgentError('bad-config', `${setting}: ${why}, ${allowedProxy}`);
  };
  if (!URL.canParse(value)) return refuse('got no address');
  const url = new URL(value);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    // Of "user:password" this would be the user.
    return refuse(/^socks/.test(url.protocol) ? `got a proxy of ${url.protocol}` : 'got something else than http');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return refuse(`got something after the host ${url.host}`);
  }
  if (url.username === '' && url.password !== '') return refuse('got a password without a user');
  const user = `${plain(url.username)}:${plain(url.password)}`;
  const authorization = user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
  return { address: new URL(url.origin), authorization, exceptions };
}

/** What is percent-encoded; a percent sign that stands for itself is left as it is. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Hosts that are reached without the proxy: `*`, or names, which stand for the names below them too, and IP addresses, each
 * with or without a port.
 *
 * @param setting its name, for people
 * @throws AgentError `bad-config`
 */
export function parseExceptions(value: string, setting: string): string {
  const entries = value.split(/[,\s]+/).filter((entry) => entry !== '');
  if (entries.length === 1 && entries[0] === '*') return '*';
  for (const entry of entries) {
    if (/^(\*?\.)?[\w-]+(\.[\w-]+)*(:\d{1,5})?$/.test(entry) || /^\[[0-9a-f:]+\](:\d{1,5})?$/i.test(entry)) continue;
    throw new AgentError(
      'bad-config',
      `${setting}: got ${JSON.stringify(entry)}, allowed are host, .domain and address, each with or without :port, or * alone`,
    );
  }
  return entries.join(',');
}

export interface ConnectionOptions {
  readonly proxy: HttpProxy | undefined;
  /** Of a connection, also to the proxy. Milliseconds. */
  readonly connectTimeout: number;
  /** Finds the address of a host that is reached without the proxy. A proxy looks up names itself. @default the system's */
  readonly lookup?: LookupFunction;
}

/** At most so many at a time to one server. */
const connections = 16;

/** Connections of an agent, through the proxy where there is one: what is plain as it is, https by a tunnel. */
export function openConnections({ proxy, connectTimeout, lookup }: ConnectionOptions): Dispatcher {
  const connect = { timeout: connectTimeout, ...(lookup !== undefined && { lookup }) };
  if (proxy === undefined) return new Agent({ connect, connections });
  return new EnvHttpProxyAgent({
    connect,
    connections,
    httpProxy: proxy.address.href,
    httpsProxy: proxy.address.href,
    noProxy: proxy.exceptions,
    // Most proxies tunnel to the port of https only.
    proxyTunnel: false,
    proxyTls: { timeout: connectTimeout },
    // A tunnel is waited for no longer than a connection; the default are five minutes.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: connectTimeout }),
    ...(proxy.authorization !== undefined && { token: proxy.authorization }),
  });
}
