import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { ProxyCredentials } from '#shared/contract/proxy-credentials.ts';
import { connectTimeoutMilliseconds } from './agent.ts';
import type { Connections, UpstreamRequest } from './connections.ts';
import { fromNetworkFailure } from './network-failure.ts';
import { isExempt } from './no-proxy.ts';
import { ProxyLogin } from './proxy-login.ts';
import { UpstreamError } from './upstream-error.ts';

/** A forward proxy, and what it is not used for. */
export interface OutboundProxy {
  /** http: or https:, without credentials. */
  readonly url: URL;
  /** Basic credentials as they are now. @default - it asks for none */
  readonly credentials?: (() => Promise<ProxyCredentials>) | undefined;
  /** Hosts that are reached without it ({@link isExempt}). @default none */
  readonly exceptions?: string | undefined;
  /** Certificates, PEM, that are believed beside the usual ones: the proxy's, and what it shows for Microsoft's hosts. */
  readonly caPem?: string | undefined;
}

/** A proxy tries to connect itself before it answers. Milliseconds. */
const tunnelTimeoutMilliseconds = 30_000;

/**
 * Requests through a proxy. What is plain is relayed in the absolute form (RFC 9112, section 3.2.2), since most proxies tunnel
 * to the port of HTTPS only; HTTPS goes by a tunnel (RFC 9110, section 9.3.6), so that the proxy sees names and not paths. Names
 * are looked up by the proxy: it may have any address itself, and that it leads to the internet is its business.
 *
 * undici's own ProxyAgent is not used: it keeps one set of credentials for ever, makes of each answer to CONNECT but 200 an error
 * without a status, and tunnels plain requests where the proxy is reached by TLS.
 */
export class ProxiedConnections implements Connections {
  readonly #proxy: OutboundProxy;
  readonly #direct: Connections;
  readonly #login: ProxyLogin;
  /** Else undici would show the proxy the name of the host behind it, and hold its certificate against that. */
  readonly #named: { readonly servername: string };
  readonly #toProxy: Agent;
  readonly #tunnels: Agent;

  /** @param direct for the hosts that are reached without it */
  constructor(proxy: OutboundProxy, direct: Connections) {
    this.#proxy = proxy;
    this.#direct = direct;
    this.#login = new ProxyLogin(proxy.url.origin, proxy.credentials);
    this.#named = { servername: proxy.url.hostname };
    const tls = {
      timeout: connectTimeoutMilliseconds,
      ...(proxy.caPem !== undefined && { ca: [...rootCertificates, proxy.caPem] }),
    };
    const keepAliveTimeout = 4_000;
    this.#toProxy = new Agent({ connect: tls, keepAliveTimeout, headersTimeout: tunnelTimeoutMilliseconds });
    const overTls = buildConnector(tls);
    this.#tunnels = new Agent({
      keepAliveTimeout,
      connect: (options, callback) => {
        this.#tunnelTo(`${options.hostname}:${options.port || '443'}`)
          .then((httpSocket) => overTls({ ...options, httpSocket }, callback))
          .catch((error: Error) => callback(error, null));
      },
    });
  }

  request(options: UpstreamRequest): Promise<Dispatcher.ResponseData> {
    const { protocol, hostname } = new URL(options.origin);
    if (isExempt(hostname, this.#proxy.exceptions ?? '')) return this.#direct.request(options);
    return protocol === 'https:' ? this.#tunnels.request(options) : this.#relay(options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#toProxy.destroy(), this.#tunnels.destroy()]);
  }

  async #relay(options: UpstreamRequest): Promise<Dispatcher.ResponseData> {
    const { host } = new URL(options.origin);
    return this.#loggedIn(options.signal, async (login) => {
      const answer = await this.#toProxy.request({
        ...options,
        ...this.#named,
        origin: this.#proxy.url.origin,
        path: `${options.origin}${options.path}`,
        headers: { ...options.headers, host, ...login },
      });
      if (answer.statusCode !== 407) return answer;
      answer.body.on('error', () => {}).destroy();
      return undefined;
    });
  }

  #tunnelTo(target: string): Promise<Socket> {
    return this.#loggedIn(undefined, async (login) => {
      const { statusCode, socket } = await this.#toProxy.connect({
        ...this.#named,
        origin: this.#proxy.url.origin,
        path: target,
        headers: { host: target, 'user-agent': 'kbroker', ...login },
      });
      if (statusCode >= 200 && statusCode < 300) return asSocket(socket);
      socket.on('error', () => {}).destroy();
      if (statusCode === 407) return undefined;
      const message = `the proxy ${this.#proxy.url.origin} answered ${statusCode} to CONNECT ${target}`;
      // 4xx is a rule of the proxy's; 5xx mostly says that it could not connect itself, and so is no answer of the host.
      if (statusCode >= 500) throw new UpstreamError('unavailable', message);
      throw new UpstreamError('proxy-refused', message, { status: statusCode });
    });
  }

  /**
   * Asks, and once more with other credentials if the proxy does not take these.
   * @param attempt undefined when it was answered 407
   * @throws UpstreamError that names the proxy
   */
  async #loggedIn<T>(
    signal: AbortSignal | undefined,
    attempt: (login: Readonly<Record<string, string>>) => Promise<T | undefined>,
  ): Promise<T> {
    const asked = async (authorization: string | undefined): Promise<T | undefined> => {
      try {
        return await attempt(authorization === undefined ? {} : { 'proxy-authorization': authorization });
      } catch (cause) {
        throw fromNetworkFailure(cause, `the proxy ${this.#proxy.url.origin}`, signal);
      }
    };
    const first = await this.#login.current();
    const answer = (await asked(first)) ?? (await asked(await this.#login.renewed(first)));
    if (answer !== undefined) return answer;
    throw new UpstreamError(
      'proxy-refused',
      `the proxy ${this.#proxy.url.origin} does not take its credentials, which were just read anew (407)`,
      { status: 407 },
    );
  }
}

/** undici hands out the socket itself, and calls it a Duplex. */
function asSocket(stream: Duplex): Socket {
  return stream as Socket;
}
