import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { microsoftRootsPem } from '#shared/authenticode/index.ts';
import { answer, type Resource } from './http/answer.ts';
import { iisEtag } from './http/etag.ts';
import { createFaultSwitchboard, type FaultSwitchboard } from './http/faults.ts';
import { indexPath, openShelf } from './shelf.ts';
import { indexSignerIn } from './signing/identity.ts';
import { identityIn } from './tls/certificates.ts';
import type { FakeMicrosoft, UpstreamCounters } from './types.ts';
import { UpstreamError } from './upstream-error.ts';

/** Names under which the fake answers; the broker's own list of hosts is neither read nor loosened. */
export const hosts = [
  'catalog.s.download.windowsupdate.com',
  'download.windowsupdate.com',
  'dl.delivery.mp.microsoft.com',
  'catalog.sf.dl.delivery.mp.microsoft.com',
  'www.windowsupdate.com',
] as const;

export interface FakeMicrosoftOptions {
  /** State, certificates and index files; a restart on it goes on where it ended. */
  readonly dataDir: string;
  /** Of everything invented. Default: that of the folder, 1 in a new one. */
  readonly seed?: number;
  /**
   * Accept what real files of before 2020 have: SHA-1 in signatures, and in an .msu the index of a single package.
   * @default whether a real file is out already
   */
  readonly allowSha1?: boolean;
  /** One line for each answer. */
  readonly log?: (line: string) => void;
}

/** The fake with what only its control endpoint and the demonstration need. */
export interface ControllableMicrosoft extends FakeMicrosoft {
  /** Of everything invented in this data folder. */
  readonly seed: number;
  /** Name of the file whose index is out; undefined when the index is invented. */
  publishedFile(): string | undefined;
  readonly faults: FaultSwitchboard;
}

/**
 * Starts Microsoft's download hosts on 127.0.0.1, by HTTP and HTTPS. Nothing is published in a new folder until
 * `publishNext` or `publishFile` is called; the index answers 404 until then.
 * @throws UpstreamError `bad-state`, `cannot-listen`
 */
export async function startFakeMicrosoft(options: FakeMicrosoftOptions): Promise<ControllableMicrosoft> {
  const signer = await indexSignerIn(join(options.dataDir, 'signing'), new Date());
  const shelf = await openShelf(options.dataDir, options.seed, signer);
  const identity = await identityIn(join(options.dataDir, 'tls'), hosts, new Date());
  const faults = createFaultSwitchboard();
  const counters = createCounters();
  const realFiles = options.allowSha1 ?? shelf.publishedFile() !== undefined;
  const log = options.log ?? (() => undefined);

  const zeros = new Map<string, Resource>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const line = (status: number, bytes = 0): void =>
      log(`${request.method} ${host}${path} ${request.headers.range ?? ''} ${status} ${bytes} bytes`);
    const refuse = (status: number, headers: Record<string, string> = {}): void => {
      line(status);
      response.writeHead(status, { 'content-length': '0', ...headers }).end();
    };
    if (!hosts.some((known) => known === host)) return refuse(404);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, { allow: 'GET, HEAD' });
    const counts = request.method === 'GET';
    if (counts && path !== indexPath) counters.payloadGet(path, host);
    const resource = zeros.get(path) ?? shelf.find(path);
    if (!resource) return refuse(404);
    const answered = await counters.whileAnswering(path, () =>
      answer(request, response, resource, faults.hitting(path, host)),
    );
    if (counts && path === indexPath) counters.index(answered.status);
    if (counts && path !== indexPath) counters.payloadBody(answered.bytes);
    line(answered.status, answered.bytes);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      log(`${request.method} ${request.url}: ${String(error)}`);
      response.destroy();
    });
  };

  const plain = createServer(onRequest);
  const secure = createTlsServer({ key: identity.key, cert: identity.certificate }, onRequest);
  const [httpPort, httpsPort] = [await listen(plain, shelf.ports?.http), await listen(secure, shelf.ports?.https)];
  await shelf.keepPorts({ http: httpPort, https: httpsPort });
  const connect = Object.fromEntries(
    hosts.flatMap((host) => [
      [`${host}:80`, `127.0.0.1:${httpPort}`],
      [`${host}:443`, `127.0.0.1:${httpsPort}`],
    ]),
  );
  return {
    addresses: {
      connect,
      caFile: identity.caFile,
      indexTrust: {
        // Microsoft's own as well: real files can be published.
        rootsPem: signer.rootPem + microsoftRootsPem,
        addedRootsPem: signer.rootPem,
        allowSha1: realFiles,
        allowSinglePackage: realFiles,
      },
    },
    publishNext: shelf.publishNext,
    publishFile: shelf.publishFile,
    serveZeros(path, bytes) {
      zeros.set(path, zerosOf(bytes));
    },
    current: shelf.current,
    counters: counters.read,
    addFault: faults.add,
    seed: shelf.seed,
    publishedFile: shelf.publishedFile,
    faults,
    async close() {
      await Promise.all([closeServer(plain), closeServer(secure)]);
    },
  };
}

function zerosOf(size: number): Resource {
  const lastModified = new Date(Math.floor(Date.now() / 1000) * 1000);
  const block = Buffer.alloc(256 * 1024);
  return {
    size,
    etag: iisEtag(lastModified),
    lastModified,
    contentType: 'application/octet-stream',
    *read(from, to) {
      for (let left = to - from; left > 0; left -= block.byteLength)
        yield block.subarray(0, Math.min(left, block.byteLength));
    },
  };
}

function createCounters() {
  const byPath: Record<string, number> = {};
  const byHost: Record<string, number> = {};
  let [indexDownloads, indexNotModified, payloadGets, payloadBytes] = [0, 0, 0, 0];
  let [atOnce, mostAtOnce] = [0, 0];
  return {
    index(status: number): void {
      if (status === 200 || status === 206) indexDownloads += 1;
      if (status === 304) indexNotModified += 1;
    },
    payloadGet(path: string, host: string): void {
      payloadGets += 1;
      byPath[path] = (byPath[path] ?? 0) + 1;
      byHost[host] = (byHost[host] ?? 0) + 1;
    },
    payloadBody(bytes: number): void {
      payloadBytes += bytes;
    },
    /** Counts an answer of a payload while it is on its way. */
    async whileAnswering<T>(path: string, work: () => Promise<T>): Promise<T> {
      if (path === indexPath) return work();
      atOnce += 1;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      return work().finally(() => {
        atOnce -= 1;
      });
    },
    read: (): UpstreamCounters => ({
      indexDownloads,
      indexNotModified,
      payloadGets,
      payloadBytes,
      byPath: { ...byPath },
      byHost: { ...byHost },
      mostAtOnce,
    }),
  };
}

/** Listens on loopback, on the port of last time when it is free. */
async function listen(server: Server, wanted: number | undefined): Promise<number> {
  const attempt = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  try {
    return await attempt(wanted ?? 0);
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
    if (wanted !== undefined && taken) return attempt(0);
    throw new UpstreamError('cannot-listen', `no port on 127.0.0.1: ${String(error)}`, { cause: error });
  }
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
