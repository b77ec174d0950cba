import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DemoError } from './demo-error.ts';

/** Tells a data folder from any other folder. */
const marker = 'kbroker-data.json';

/**
 * Makes the data folder ready, emptied when `fresh`. A folder with something in it that is not ours is neither emptied
 * nor used.
 * @throws DemoError `not-our-folder`
 */
export async function prepareDataFolder(folder: string, fresh: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder);
  if (entries.length > 0 && !entries.includes(marker)) {
    throw new DemoError(
      'not-our-folder',
      `${folder} has files in it and is no data folder of kbroker (it has no ${marker}); name another one with --data`,
    );
  }
  if (fresh) for (const entry of entries) if (entry !== marker) await rm(join(folder, entry), { recursive: true });
  await writeFile(join(folder, marker), `${JSON.stringify({ version: 1 })}\n`);
}
