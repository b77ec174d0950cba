import type { ProxyCredentials } from '#shared/contract/proxy-credentials.ts';
import { UpstreamError } from './upstream-error.ts';

/** What a proxy is shown. The credentials are read once, and again when the proxy does not take them. */
export class ProxyLogin {
  readonly #proxy: string;
  readonly #read: (() => Promise<ProxyCredentials>) | undefined;
  #header: Promise<string | undefined> | undefined;

  /**
   * @param proxy its address, for people
   * @param read the credentials as they are now; undefined when the proxy asks for none
   */
  constructor(proxy: string, read: (() => Promise<ProxyCredentials>) | undefined) {
    this.#proxy = proxy;
    this.#read = read;
  }

  /** Value of Proxy-Authorization; undefined when there are no credentials. @throws UpstreamError `proxy-refused` */
  current(): Promise<string | undefined> {
    this.#header ??= this.#load();
    return this.#header;
  }

  /**
   * After the proxy answered 407 to what it was shown. Callers that were refused at the same time read once.
   * @throws UpstreamError `proxy-refused` when there are no other credentials
   */
  async renewed(refused: string | undefined): Promise<string | undefined> {
    const known = this.#header;
    if ((await known) === refused && this.#header === known) this.#header = this.#load();
    const header = await this.current();
    if (header !== refused) return header;
    const why = refused === undefined ? 'asks for credentials, and none are set up' : 'does not take its credentials';
    throw new UpstreamError('proxy-refused', `the proxy ${this.#proxy} ${why} (407)`, { status: 407 });
  }

  async #load(): Promise<string | undefined> {
    if (this.#read === undefined) return undefined;
    try {
      const { username, password } = await this.#read();
      return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    } catch (cause) {
      // The next request reads anew.
      this.#header = undefined;
      const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      throw new UpstreamError('proxy-refused', `the credentials of the proxy ${this.#proxy} cannot be read (${said})`, {
        cause,
      });
    }
  }
}
