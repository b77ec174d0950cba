import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Files of a client. tuf-js writes metadata beside them by itself, one role after the other as each is proved, so that they may
 * be of two versions once a later one is refused. It writes none of them whole, and reads a damaged one as a missing one, but
 * for root.json.
 */
export interface ClientFolder {
  readonly path: string;
  /** Bytes of a file; `undefined` when there is none. */
  read(name: string): Promise<Buffer | undefined>;
  /** Writes a file whole or not at all. */
  write(name: string, data: Uint8Array | string): Promise<void>;
  /** Removes all that is in it. */
  empty(): Promise<void>;
}

export function openFolder(path: string): ClientFolder {
  return {
    path,
    async read(name) {
      try {
        return await readFile(join(path, name));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(name, data) {
      const target = join(path, name);
      await mkdir(dirname(target), { recursive: true });
      const handle = await open(`${target}.new`, 'w', 0o600);
      try {
        await handle.writeFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${target}.new`, target);
    },
    async empty() {
      await rm(path, { recursive: true, force: true });
      await mkdir(path, { recursive: true, mode: 0o700 });
    },
  };
}
