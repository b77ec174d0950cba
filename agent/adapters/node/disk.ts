import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from '../../ports/agent-error.ts';

/** Read and write for the owner, nothing for anybody else. */
const ownerOnly = 0o600;

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Does something with the disk; a failure of the system becomes an AgentError that names the file. */
export async function onDisk<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('disk', `${what}: ${why}`, { cause });
  }
}

/** Makes a rename durable. Windows has no handles of folders to flush; there the journal of NTFS orders renames. */
export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a small file whole or not at all: temporary file, flush, rename, flush of the folder. Its owner alone may read it.
 * Windows has no modes; there a file has the rights of its folder.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const handle: FileHandle = await open(temporary, 'w', ownerOnly);
  try {
    // A temporary file that a crash left keeps the mode that it has.
    await handle.chmod(ownerOnly);
    await handle.writeFile(text, 'utf8');
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await flushFolder(dirname(path));
}

/** Text of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export const removeIfThere = (path: string): Promise<void> => rm(path, { force: true });
