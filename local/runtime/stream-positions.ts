/** How far the shards of a stream were read, in a file of the data folder. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';

const schema = z.object({
  version: z.literal(1),
  /** A stream that was made anew begins anew. */
  streamArn: z.string(),
  /** Sequence number of the last record that was done, by shard. */
  shards: z.record(z.string(), z.string()),
});

export interface StreamPositions {
  get(shard: string): string | undefined;
  /** Resolves when it is on the disk. */
  set(shard: string, sequence: string): Promise<void>;
}

export async function openStreamPositions(file: string, streamArn: string): Promise<StreamPositions> {
  const saved = await read(file);
  const shards = new Map(saved?.streamArn === streamArn ? Object.entries(saved.shards) : []);
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const state: z.infer<typeof schema> = { version: 1, streamArn, shards: Object.fromEntries(shards) };
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.new`, JSON.stringify(state));
    await rename(`${file}.new`, file);
  };
  return {
    get: (shard) => shards.get(shard),
    set(shard, sequence) {
      shards.set(shard, sequence);
      // One after the other: two writers of one file would mix.
      writing = writing.catch(() => undefined).then(write);
      return writing;
    },
  };
}

async function read(file: string): Promise<z.infer<typeof schema> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return schema.parse(JSON.parse(text));
}
