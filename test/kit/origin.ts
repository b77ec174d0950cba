import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Agent } from 'undici';

export interface SeenRequest {
  /** Host header: the name that the client believes to talk to. */
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** A server on loopback that answers plain HTTP under every name, and an undici Agent that resolves every name to it. */
export interface Origin {
  readonly agent: Agent;
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly seen: SeenRequest[];
  /** What the next requests are answered with. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

export async function startOrigin(): Promise<Origin> {
  const seen: SeenRequest[] = [];
  const origin = {
    seen,
    answer: (_request: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(404).end();
    },
  };
  const server = createServer((request, response) => {
    seen.push({ host: request.headers.host, path: request.url, headers: request.headers });
    origin.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({
    connect: (_options, callback) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => callback(null, socket));
      socket.once('error', (error) => callback(error, null));
      return socket;
    },
  });
  return Object.assign(origin, {
    agent,
    address: `127.0.0.1:${port}`,
    async close() {
      await agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/**
 * Answers like a static file server that takes ranges: one range, If-None-Match and If-Match with a strong tag
 * (RFC 9110, sections 13 and 14).
 */
export function serveRanges(bytes: Uint8Array, etag: string): Origin['answer'] {
  const whole = serveFile(bytes, etag);
  return (request, response) => {
    const { headers } = request;
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
    if (headers['if-match'] !== undefined && headers['if-match'] !== etag) response.writeHead(412, { etag }).end();
    else if (knows(request, etag) || range === null) whole(request, response);
    else {
      const from = Number(range[1]);
      const piece = bytes.subarray(from, Number(range[2]) + 1);
      const to = from + piece.byteLength;
      const contentRange = `bytes ${from}-${to - 1}/${bytes.byteLength}`;
      response.writeHead(206, { etag, 'content-length': piece.byteLength, 'content-range': contentRange }).end(piece);
    }
  };
}

/** Answers like a static file server: 200 with the ETag, or 304 when the request knows it. */
export function serveFile(bytes: Uint8Array, etag: string): Origin['answer'] {
  return (request, response) => {
    if (knows(request, etag)) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'content-length': bytes.byteLength }).end(bytes);
  };
}

/** Is the tag one of those in If-None-Match? */
const knows = ({ headers }: IncomingMessage, etag: string): boolean =>
  (headers['if-none-match'] ?? '').split(', ').includes(etag);
