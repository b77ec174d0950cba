import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { type ControllableMicrosoft, hosts } from './server.ts';
import type { Fault, Publication } from './types.ts';
import { UpstreamError } from './upstream-error.ts';

/**
 * A small HTTP endpoint on loopback to publish and to switch faults on while the fake runs:
 *
 * - `GET /` what is out, the counters and the active faults
 * - `POST /publications` `{}` publishes the next month, `{"file": "<path>"}` a real index or .msu
 * - `POST /faults` `{"path": "<regular expression>", "kind": {"type": "status", "status": 503}, "times": 3}`
 * - `DELETE /faults/<id>`, `DELETE /faults` switch one or all off
 */
export interface ControlEndpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const faultRequest = z.strictObject({
  path: z.string().check(z.maxLength(500)),
  host: z.optional(z.enum(hosts)),
  kind: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('status'),
      status: z.int().check(z.gte(400), z.lte(599)),
      retryAfterSeconds: z.optional(z.int().check(z.nonnegative())),
    }),
    z.strictObject({ type: z.literal('redirect'), location: z.string().check(z.maxLength(2000)) }),
    z.strictObject({ type: z.literal('no-answer') }),
    z.strictObject({ type: z.literal('cut'), afterBytes: z.int().check(z.nonnegative()) }),
    z.strictObject({ type: z.literal('slow'), bytesPerSecond: z.int().check(z.positive()) }),
    z.strictObject({ type: z.literal('wrong-bytes') }),
    z.strictObject({ type: z.literal('changing-etag') }),
  ]),
  times: z.optional(z.int().check(z.positive())),
});
const publicationRequest = z.strictObject({ file: z.optional(z.string()) });

const maxBodyBytes = 64 * 1024;

class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface ControlOptions {
  /** Taken when it is free. @default any */
  readonly port?: number;
  /** Called when somebody had something published. */
  readonly onPublication?: (publication: Publication) => void;
}

/** @throws UpstreamError `cannot-listen` */
export async function startControlEndpoint(
  microsoft: ControllableMicrosoft,
  { port = 0, onPublication = () => undefined }: ControlOptions = {},
): Promise<ControlEndpoint> {
  const server = createServer((request, response) => {
    handle(microsoft, onPublication, request)
      .then((body) => reply(response, 200, body))
      .catch((error: unknown) => {
        const known = error instanceof Refused || error instanceof UpstreamError;
        const status = error instanceof Refused ? error.status : known ? 422 : 500;
        reply(response, status, { error: error instanceof Error ? error.message : String(error) });
      });
  });
  const taken = await listen(server, port).catch((error: unknown) => {
    const isTaken = error instanceof Error && 'code' in error && ['EADDRINUSE', 'EACCES'].includes(String(error.code));
    if (port !== 0 && isTaken) return listen(server, 0);
    throw new UpstreamError('cannot-listen', `no port on 127.0.0.1: ${String(error)}`, { cause: error });
  });
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function handle(
  microsoft: ControllableMicrosoft,
  onPublication: (publication: Publication) => void,
  request: IncomingMessage,
): Promise<unknown> {
  // A web page in somebody's browser can reach loopback too: it sends an Origin, or another name as Host.
  const { host = '', origin } = request.headers;
  if (origin !== undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) {
    throw new Refused(403, 'only for programs on this machine: no Origin header, Host 127.0.0.1 or localhost');
  }
  // Also with the two slashes that come of putting a path behind an address that ends in one.
  const path = ((request.url ?? '/').split('?')[0] ?? '/').replace(/^\/{2,}/, '/');
  const route = `${request.method} ${path.replace(/^\/faults\/\d+$/, '/faults/{id}')}`;
  switch (route) {
    case 'GET /':
      return view(microsoft);
    case 'POST /publications': {
      const { file } = await body(request, publicationRequest);
      const before = microsoft.current();
      const publication = await (file === undefined ? microsoft.publishNext() : microsoft.publishFile(file));
      if (publication.number !== before?.number) onPublication(publication);
      return publication;
    }
    case 'POST /faults':
      microsoft.addFault(faultOf(await body(request, faultRequest)));
      return view(microsoft);
    case 'DELETE /faults':
      for (const { id } of microsoft.faults.active) microsoft.faults.remove(id);
      return view(microsoft);
    case 'DELETE /faults/{id}':
      if (!microsoft.faults.remove(Number(path.split('/').at(-1)))) throw new Refused(404, `no fault at ${path}`);
      return view(microsoft);
    default:
      throw new Refused(
        404,
        `got ${request.method} ${path}; there are GET /, POST /publications, POST /faults, DELETE /faults and DELETE /faults/<id>`,
      );
  }
}

const view = (microsoft: ControllableMicrosoft) => ({
  publication: microsoft.current() ?? null,
  counters: microsoft.counters(),
  faults: microsoft.faults.active.map(({ id, fault, left }) => ({
    id,
    path: fault.path.source,
    ...(fault.host === undefined ? {} : { host: fault.host }),
    kind: fault.kind,
    ...(left === undefined ? {} : { left }),
  })),
});

function faultOf({ path, host, kind, times }: z.infer<typeof faultRequest>): Fault {
  let pattern: RegExp;
  try {
    pattern = new RegExp(path);
  } catch (error) {
    throw new Refused(400, `path is a regular expression on the path of the request: ${String(error)}`);
  }
  const fault: Fault['kind'] =
    kind.type === 'status'
      ? {
          type: 'status',
          status: kind.status,
          ...(kind.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: kind.retryAfterSeconds }),
        }
      : kind;
  return {
    path: pattern,
    kind: fault,
    ...(host === undefined ? {} : { host }),
    ...(times === undefined ? {} : { times }),
  };
}

async function body<S extends z.ZodMiniType>(request: IncomingMessage, schema: S): Promise<z.infer<S>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw new Refused(413, `a body has at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new Refused(400, `the body is no JSON: ${String(error)}`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Refused(400, z.prettifyError(parsed.error));
  return parsed.data;
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value, null, 2)}\n`);
}
