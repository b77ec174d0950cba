/** The embedded KMS: asymmetric keys on P-256 that sign, and their aliases. Nothing is encrypted with it. */
import type { EmbeddedServer, ServerOptions } from '../../types.ts';
import { lockFolder } from '../folder-lock.ts';
import { closeServer, listenOnLoopback } from '../http.ts';
import { createJsonServer } from '../json-service.ts';
import { kmsNeeds, runKmsCall } from './operations.ts';
import { KeyStore } from './store.ts';

export interface KmsOptions extends ServerOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
}

/** @throws ServersError `data-in-use` */
export async function startKms(options: KmsOptions): Promise<EmbeddedServer> {
  await using started = new AsyncDisposableStack();
  const lock = lockFolder(options.dataDir);
  started.defer(() => lock.release());
  const room = {
    store: new KeyStore(options.dataDir),
    region: options.region,
    accountId: options.accountId,
    nowMs: Date.now,
  };
  const server = createJsonServer(
    {
      signingName: 'kms',
      targetPrefix: 'TrentService.',
      contentType: 'application/x-amz-json-1.1',
      refusalStatus: 400,
      maxBodyBytes: 64 * 1024,
      needs: (call) => kmsNeeds(room, call),
      answer: async (call) => ({ status: 200, body: JSON.stringify(runKmsCall(room, call)) }),
    },
    options,
  );
  const url = await listenOnLoopback(server, options.port);
  started.defer(() => closeServer(server));
  const running = started.move();
  return { url, close: () => running.disposeAsync() };
}
