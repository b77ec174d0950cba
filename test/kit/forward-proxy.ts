import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A request as the proxy saw it. */
export interface ProxiedRequest {
  readonly method: string;
  /** Absolute address of a plain request, `host:port` of a tunnel. */
  readonly target: string;
}

export interface ForwardProxyOptions {
  /** `user:password` that it wants. @default none */
  readonly credentials?: string;
  /** Where it really goes, by `host:port`; may be added to while it runs. @default where the client says */
  readonly routes?: Readonly<Record<string, string>>;
  /** PEM: it is reached by TLS, under a name of this certificate that leads to this machine. @default by plain HTTP */
  readonly tls?: { readonly key: string; readonly certificate: string };
}

/** A forward proxy on loopback: plain requests in the absolute form, and tunnels by CONNECT (RFC 9110, section 9.3.6). */
export interface ForwardProxy {
  /** 127.0.0.1, or localhost by TLS. */
  readonly url: URL;
  /** `user:password` that it wants from now on. */
  credentials: string | undefined;
  /** What it passed on. */
  readonly passed: ProxiedRequest[];
  /** What it refused for want of credentials. */
  readonly refused: ProxiedRequest[];
  /** Every request is answered with this status instead, or not at all. */
  failing: number | 'silent' | undefined;
  /** Breaks all connections, so that clients have to come anew. */
  drop(): void;
  close(): Promise<void>;
}

export async function startForwardProxy({
  credentials,
  routes = {},
  tls,
}: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const passed: ProxiedRequest[] = [];
  const refused: ProxiedRequest[] = [];
  const sockets = new Set<Socket>();
  const state = { failing: undefined as ForwardProxy['failing'], credentials };

  /** What a request is refused with. */
  function refusal(request: IncomingMessage): ForwardProxy['failing'] {
    const seen = { method: request.method ?? '', target: request.url ?? '' };
    const wanted = state.credentials && `Basic ${Buffer.from(state.credentials).toString('base64')}`;
    const known = wanted === undefined || request.headers['proxy-authorization'] === wanted;
    const status = state.failing ?? (known ? undefined : 407);
    (status === undefined ? passed : refused).push(seen);
    return status;
  }

  const placeOf = (host: string): { readonly host: string; readonly port: number } => {
    const place = new URL(`tcp://${routes[host] ?? host}`);
    return { host: place.hostname, port: Number(place.port) };
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const status = refusal(request);
    if (status === 'silent') return;
    if (status !== undefined) return void response.writeHead(status, { 'proxy-authenticate': 'Basic' }).end();
    if (!URL.canParse(request.url ?? '')) return void response.writeHead(400).end();
    forward(request, response, placeOf);
  };
  const server =
    tls === undefined ? createServer(onRequest) : createTlsServer({ key: tls.key, cert: tls.certificate }, onRequest);
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.on('error', () => client.destroy());
    const status = refusal(request);
    if (status === 'silent') return;
    if (status !== undefined) return void client.end(`HTTP/1.1 ${status} Refused\r\nProxy-Authenticate: Basic\r\n\r\n`);
    const upstream = connect(placeOf(request.url ?? ''), () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.on('close', () => upstream.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: new URL(tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`),
    passed,
    refused,
    drop,
    async close() {
      drop();
      await new Promise((done) => server.close(done));
    },
  });
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  placeOf: (host: string) => { readonly host: string; readonly port: number },
): void {
  const url = new URL(request.url ?? '');
  const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers;
  const onward = httpRequest(
    {
      ...placeOf(`${url.hostname}:${url.port || 80}`),
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host },
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    },
  );
  onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}
