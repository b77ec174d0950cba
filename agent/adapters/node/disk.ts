import { type FileHandle, open, readFile, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from '../../ports/agent-error.ts';

/** Read and write for the owner, nothing for anybody else. */
const ownerOnly = 0o600;

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** What systems say of a disk, a quota, or a limit of file sizes that has no room for more. */
const full: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Does something with the disk; a failure of the system becomes an AgentError that names the file.
 *
 * @param path on the disk that it is done with, whose free bytes are told when there is no room
 * @throws AgentError `no-space`, `disk`
 */
export async function onDisk<T>(what: string, action: () => Promise<T>, path?: string): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    if (!isFull(cause)) throw new AgentError('disk', `${what}: ${why}`, { cause });
    const free = path === undefined ? '' : `, free are ${await freeBytes(path).catch(() => 'unknown')} bytes`;
    throw new AgentError('no-space', `${what}: the disk has no room (${why}${free})`, { cause });
  }
}

export const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && full.has(error.code);

/** Bytes that are free to this user on the disk of a path, which need not be there yet. */
export async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    if (!isMissing(error) || dirname(path) === path) throw error;
    return freeBytes(dirname(path));
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
 * Writes a small file whole or not at all: temporary file, flush, rename, flush of the folder. What is left of a failure is removed. Its owner alone may read it.
 * Windows has no modes; there a file has the rights of its folder.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
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
  } catch (error) {
    // Half a file takes room that others need, above all when there is none.
    await removeIfThere(temporary).catch(() => undefined);
    throw error;
  }
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
