/** The embedded Secrets Manager: creating, putting, getting, describing and deleting secrets. Rotation is refused. */
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback } from '../http.ts';
import { createJsonServer } from '../json-service.ts';
import { putExisting, runSecretsCall, secretsNeeds } from './operations.ts';
import { SecretStore } from './store.ts';

export interface SecretsManagerOptions extends ServerOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Texts of secrets that somebody made before, by ARN. Default: none. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** @throws ServersError `data-in-use` */
export async function startSecretsManager(options: SecretsManagerOptions): Promise<EmbeddedServer> {
  await using started = new AsyncDisposableStack();
  const lock = lockFolder(options.dataDir);
  started.defer(() => lock.release());
  const room = {
    store: new SecretStore(options.dataDir),
    region: options.region,
    accountId: options.accountId,
    nowMs: Date.now,
  };
  for (const [arn, text] of Object.entries(options.secrets ?? {})) putExisting(room, arn, text);
  const server = createJsonServer(
    {
      signingName: 'secretsmanager',
      targetPrefix: 'secretsmanager.',
      contentType: 'application/x-amz-json-1.1',
      refusalStatus: 400,
      maxBodyBytes: 256 * 1024,
      needs: (call) => secretsNeeds(room, call),
      answer: async (call) => ({ status: 200, body: JSON.stringify(runSecretsCall(room, call)) }),
    },
    options,
  );
  const url = await listenOnLoopback(server, options.port);
  started.defer(() => closeServer(server));
  const running = started.move();
  return { url, close: () => running.disposeAsync() };
}
