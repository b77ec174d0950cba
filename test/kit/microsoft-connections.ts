import { readFile } from 'node:fs/promises';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { FakeMicrosoft } from '#local/upstream/types.ts';

/** Connections that lead to the fake wherever somebody asks for one of Microsoft's names, and nowhere else. */
export async function connectionsTo({ addresses }: Pick<FakeMicrosoft, 'addresses'>): Promise<Dispatcher> {
  const connector = buildConnector({ ca: await readFile(addresses.caFile, 'utf8') });
  return new Agent({
    connect: (options, callback) => {
      const port = options.port || (options.protocol === 'https:' ? '443' : '80');
      const place = addresses.connect[`${options.hostname}:${port}`];
      if (place === undefined) {
        callback(new Error(`${options.hostname}:${port} is none of Microsoft's`), null);
        return;
      }
      const { hostname, port: realPort } = new URL(`tcp://${place}`);
      connector({ ...options, hostname, port: realPort, servername: options.hostname }, callback);
    },
  });
}
