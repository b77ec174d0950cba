import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { takeRealFile } from '../upstream/real-file.ts';
import { readState } from '../upstream/state.ts';
import { DemoError } from './demo-error.ts';

/**
 * Sees to it that the file of `--index` can be published in this data folder, before anything that takes long: that it is
 * an index or an .msu, and that the hosts and the index here are not of the invented world, whose updates a real index
 * does not know.
 * @param fresh the folder is going to be emptied, so that it does not matter what it holds
 * @throws UpstreamError `unusable-file`
 * @throws DemoError `other-world`
 */
export async function checkIndexFile(file: string, data: string, fresh: boolean): Promise<void> {
  const state = fresh ? undefined : await readState(join(data, 'microsoft', 'state.json'));
  if (state?.current !== undefined && state.current.publishedFile === undefined) {
    throw new DemoError(
      'other-world',
      `${data} holds an invented index, and a real one does not go with it: ` +
        'name another folder with --data FOLDER, or empty this one with --fresh',
    );
  }
  const folder = join(data, 'index-check');
  try {
    await takeRealFile(file, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
