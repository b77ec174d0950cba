import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Agent as HttpAgent } from 'undici';
import { openAnyRepository } from '#shared/repository/client/any-repository.ts';
import { send } from './adapters/node/http.ts';
import type { AgentIo } from './cli-settings.ts';

/** Options, all of which stand before the sub-command. */
interface TufFlags {
  readonly metadataDir?: string;
  readonly metadataUrl?: string;
  readonly targetName?: string;
  readonly targetBaseUrl?: string;
  readonly targetDir?: string;
}

const timeoutSeconds = 30;

/**
 * `kbroker-agent tuf-client`: the agent's client of signed repositories under the command line that the public suite
 * tuf-conformance describes (its CLIENT-CLI.md), so that the suite can be pointed at it. Any fault ends in exit code 1.
 */
export function tufClient(io: AgentIo, end: (exitCode: number) => void): Command {
  const client = new Command('tuf-client')
    .description("the agent's client of signed repositories by itself, for the suite tuf-conformance")
    .option('--metadata-dir <dir>', 'folder of trusted metadata')
    .option('--metadata-url <url>', 'address of the metadata (refresh, download)')
    .option('--target-name <path>', 'path of the target (download)')
    .option('--target-base-url <url>', 'address of the targets (download)')
    .option('--target-dir <dir>', 'folder of downloaded targets (download)');
  const add = (
    name: string,
    description: string,
    run: (flags: TufFlags, argument: string) => Promise<string>,
  ): Command =>
    client
      .command(name)
      .description(description)
      .action(async (...args: unknown[]) => {
        try {
          io.stdout.write(`${await run(client.opts<TufFlags>(), String(args[0]))}\n`);
        } catch (error) {
          io.stderr.write(`tuf-client: ${error instanceof Error ? error.message : String(error)}\n`);
          end(1);
        }
      });
  add('init', 'begin with a trusted root; asks nobody', async (flags, file) => {
    await openRepository(flags, 'init').init(await readFile(file));
    return `begun with ${file}`;
  }).argument('<root>', 'file with root.json');
  add('refresh', 'bring the metadata up to date', async (flags) => {
    await openRepository(flags).refresh();
    return 'up to date';
  });
  add('download', 'bring the metadata up to date, and one target', async (flags) => {
    const path = needed(flags.targetName, '--target-name');
    const folder = needed(flags.targetDir, '--target-dir');
    const fetchTarget = fetchingBelow(needed(flags.targetBaseUrl, '--target-base-url'));
    const fetched = await openRepository(flags).download(path, { fetchTarget, folder });
    return fetched ? `downloaded ${path}` : `${path} was there already`;
  });
  return client;
}

const openRepository = ({ metadataDir, metadataUrl }: TufFlags, command: 'init' | 'other' = 'other') => {
  const folder = needed(metadataDir, '--metadata-dir');
  const fetch = command === 'init' ? undefined : fetchingBelow(needed(metadataUrl, '--metadata-url'));
  return openAnyRepository({
    folder,
    fetchMetadata: async (name, maxBytes) => fetch?.(encodeURIComponent(name), maxBytes),
  });
};

function needed(value: string | undefined, option: string): string {
  if (value !== undefined && value !== '') return value;
  throw new Error(`missing: ${option}, which stands before the sub-command`);
}

/** Brings files below an address, none longer than it may be. */
function fetchingBelow(base: string) {
  return async (path: string, maxBytes: number): Promise<Uint8Array | undefined> => {
    const dispatcher = new HttpAgent({ connect: { timeout: timeoutSeconds * 1000 } });
    try {
      const url = new URL(`${base.replace(/\/$/, '')}/${path}`);
      const answer = await send({ dispatcher, timeoutSeconds }, { method: 'GET', url });
      if (answer.status === 404 || answer.status === 403) {
        await answer.discard();
        return undefined;
      }
      if (answer.status !== 200) throw new Error(`${url.href} answered ${answer.status}`);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body) {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) throw new Error(`${url.href} has more than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } finally {
      await dispatcher.destroy();
    }
  };
}
