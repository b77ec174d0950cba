/** Waits on this machine for the code that the provider sends the browser with (RFC 8252, section 7.3). */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { loginPath, loginPorts, loginRedirect } from '#shared/contract/login.ts';
import { CliError } from './cli-error.ts';

export interface LoginListener extends AsyncDisposable {
  /** Where the provider has to send the browser. */
  readonly redirect: string;
  /** The address that the browser came with; `answer` tells its person how it ended. */
  readonly arrived: Promise<Arrival>;
}

interface Arrival {
  readonly url: URL;
  answer(words: string): Promise<void>;
}

/**
 * Listens on the first port that is free.
 *
 * @param state what the provider was given to send along: without it a browser was sent by somebody else
 * @throws CliError `refused` when all ports are taken
 */
export async function listenForLogin(state: string): Promise<LoginListener> {
  const arrival = Promise.withResolvers<Arrival>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname !== loginPath || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    if (url.searchParams.get('state') !== state) {
      void tell(response, 400, 'This login was not begun here.');
      return;
    }
    arrival.resolve({ url, answer: (words) => tell(response, 200, words) });
  });
  const port = await listenOnFirst(server);
  const redirect = loginRedirect(port);
  return {
    redirect,
    arrived: arrival.promise.then(({ url, answer }) => ({ url: new URL(`${redirect}${url.search}`), answer })),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listenOnFirst(server: Server): Promise<number> {
  for (const port of loginPorts) {
    if (await canListen(server, port)) return port;
  }
  throw new CliError(
    'refused',
    `the ports ${loginPorts.join(', ')} of this machine are all taken, and the provider knows no others`,
  );
}

function canListen(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      server.removeAllListeners('listening');
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', refused);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', refused);
      resolve(true);
    });
  });
}

/** Plain text: nothing in it can run. Resolves when it is on its way, so that closing does not cut it off. */
const tell = (response: ServerResponse, status: number, words: string): Promise<void> =>
  new Promise((resolve) => {
    response.once('close', resolve);
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${words}\n`);
  });
