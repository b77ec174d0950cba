import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderLock, lockFolder } from '../servers/folder-lock.ts';
import { DemoError } from './demo-error.ts';

/** Tells a data folder from any other folder. */
const marker = 'kbroker-data.json';
/** Files of the lock, which a fresh start must not take away from under itself. */
const lockFile = /^lock\.sqlite/;

/**
 * Makes the data folder ready, emptied when `fresh`, and takes it for this process alone. A folder with something in it
 * that is not ours is neither emptied nor used.
 * @throws DemoError `not-our-folder`
 * @throws ServersError `data-in-use` when another process works in it; nothing is emptied then
 */
export async function prepareDataFolder(folder: string, fresh: boolean): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder);
  if (entries.length > 0 && !entries.includes(marker)) {
    throw new DemoError(
      'not-our-folder',
      `${folder} has files in it and is no data folder of kbroker (it has no ${marker}); name another one with --data`,
    );
  }
  await writeFile(join(folder, marker), `${JSON.stringify({ version: 1 })}\n`);
  const lock = lockFolder(folder);
  try {
    const ours = entries.filter((entry) => entry !== marker && !lockFile.test(entry));
    if (fresh) for (const entry of ours) await rm(join(folder, entry), { recursive: true });
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}
