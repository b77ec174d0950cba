import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderLock, lockFolder } from '../servers/folder-lock.ts';
import { ServersError } from '../servers/servers-error.ts';
import { DemoError } from './demo-error.ts';

/** Tells a data folder from any other folder. */
const marker = 'kbroker-data.json';
/** Files of the lock, which a fresh start must not take away from under itself. */
const lockFile = /^lock\.sqlite/;

/** A data folder that is taken for this process alone. */
export interface DataFolder extends FolderLock {
  /** Takes away everything that earlier lives left in it. */
  empty(): Promise<void>;
}

/**
 * Makes the data folder ready and takes it for this process alone. A folder with something in it that is not ours is
 * not used.
 * @throws DemoError `not-our-folder`; `data-in-use` when another process works in it
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const entries = await entriesOf(folder);
  if (entries.length > 0 && !entries.includes(marker)) {
    throw new DemoError(
      'not-our-folder',
      `${folder} has files in it and is no data folder of kbroker (it has no ${marker}); name another one with --data`,
    );
  }
  await writeFile(join(folder, marker), `${JSON.stringify({ version: 1 })}\n`);
  const lock = takeLock(folder);
  return {
    release: () => lock.release(),
    async empty() {
      const ours = (await readdir(folder)).filter((entry) => entry !== marker && !lockFile.test(entry));
      for (const entry of ours) await rm(join(folder, entry), { recursive: true });
    },
  };
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
    return await readdir(folder);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw cause;
    throw new DemoError('not-our-folder', `--data is ${folder}, which is no folder; name one that is, or a new one`, {
      cause,
    });
  }
}

function takeLock(folder: string): FolderLock {
  try {
    return lockFolder(folder);
  } catch (cause) {
    if (!(cause instanceof ServersError)) throw cause;
    throw new DemoError(
      'data-in-use',
      `${folder} is in use by another npm start: end that one first, or name another folder with --data FOLDER`,
      { cause },
    );
  }
}
