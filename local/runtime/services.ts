/** The embedded servers of a stack, each on the port that it had before if that is free. */
import type { Server } from 'node:http';
import { join } from 'node:path';
import { startDynamoDb } from '#local/servers/dynamodb/server.ts';
import { type EventBridgeServer, startEventBridge } from '#local/servers/eventbridge/server.ts';
import { closeServer, listenOnLoopback } from '#local/servers/http.ts';
import { startKms } from '#local/servers/kms/server.ts';
import { startS3 } from '#local/servers/s3/server.ts';
import { startSecretsManager } from '#local/servers/secrets-manager/server.ts';
import { startSqs } from '#local/servers/sqs/server.ts';
import type { EmbeddedServer, ServerOptions } from '#local/types.ts';

/** Ports by what listens on them; changed as servers start. */
export type Ports = Record<string, number>;

const isTaken = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && error.code === 'EADDRINUSE') || isTaken(error.cause));

async function onStablePort<T>(
  ports: Ports,
  name: string,
  start: (port: number) => Promise<T>,
  urlOf: (started: T) => string,
): Promise<T> {
  const before = ports[name] ?? 0;
  const started = await start(before).catch((error: unknown) => {
    if (before !== 0 && isTaken(error)) return start(0);
    throw error;
  });
  ports[name] = Number(new URL(urlOf(started)).port);
  return started;
}

export interface Services {
  readonly s3: EmbeddedServer;
  readonly dynamodb: EmbeddedServer;
  readonly sqs: EmbeddedServer;
  readonly secretsManager: EmbeddedServer;
  readonly kms: EmbeddedServer;
  readonly eventBridge: EventBridgeServer;
}

/**
 * Starts the services. What has started is closed by `cleanup`, also when a later one fails.
 *
 * @param secrets that are there before anything else, by ARN
 */
export async function startServices(
  options: ServerOptions,
  ports: Ports,
  cleanup: AsyncDisposableStack,
  secrets: Readonly<Record<string, string>> = {},
): Promise<Services> {
  const start = async <S extends EmbeddedServer>(
    name: string,
    starter: (options: ServerOptions & { readonly port: number }) => Promise<S>,
  ): Promise<S> => {
    const dataDir = join(options.dataDir, name);
    const server = await onStablePort(
      ports,
      name,
      (port) => starter({ ...options, dataDir, port }),
      ({ url }) => url,
    );
    cleanup.defer(() => server.close());
    return server;
  };
  return {
    s3: await start('s3', startS3),
    dynamodb: await start('dynamodb', startDynamoDb),
    sqs: await start('sqs', startSqs),
    secretsManager: await start('secrets-manager', (own) => startSecretsManager({ ...own, secrets })),
    kms: await start('kms', startKms),
    eventBridge: await start('eventbridge', startEventBridge),
  };
}

/** Makes a server listen; `cleanup` closes it. Returns its address. */
export async function listen(
  server: Server,
  name: string,
  ports: Ports,
  cleanup: AsyncDisposableStack,
): Promise<string> {
  const url = await onStablePort(
    ports,
    name,
    (port) => listenOnLoopback(server, port),
    (address) => address,
  );
  cleanup.defer(() => closeServer(server));
  return url;
}
