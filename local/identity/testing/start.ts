import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loginRedirects, loginScopes } from '#shared/contract/login.ts';
import { closeServer, listenOnLoopback } from '../../servers/http.ts';
import { createIdentityProvider, type IdentityClient } from '../provider.ts';
import { readOrMakeSecrets } from '../secrets.ts';
import { openIdentityStore } from '../store.ts';

export interface TestProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly port: number;
  readonly folder: string;
  /** Ends it and leaves its folder. */
  stop(): Promise<void>;
}

/** A provider as the stack starts it. */
export async function startProvider(
  options: { readonly folder?: string; readonly port?: number; readonly client?: Partial<IdentityClient> } = {},
): Promise<TestProvider> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'kbroker-identity-')));
  const store = openIdentityStore(join(folder, 'identity.sqlite'), Date.now);
  const server = createServer();
  const address = await listenOnLoopback(server, options.port);
  const issuer = `${address}/pool`;
  const client: IdentityClient = {
    clientId: 'command-line',
    redirects: loginRedirects,
    scopes: loginScopes,
    accessTokenSeconds: 3600,
    idTokenSeconds: 3600,
    refreshTokenSeconds: 86_400,
    ...options.client,
  };
  server.on(
    'request',
    createIdentityProvider({
      issuer,
      clients: [client],
      groups: ['viewer', 'operator', 'administrator'],
      store,
      secrets: await readOrMakeSecrets(join(folder, 'secrets.json')),
    }),
  );
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= closeServer(server, 100).then(() => store.close());
    return stopping;
  };
  return {
    issuer,
    clientId: client.clientId,
    port: Number(new URL(address).port),
    folder,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
