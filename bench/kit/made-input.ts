import { readFile, stat } from 'node:fs/promises';

/** What is noted beside an input that was made: absent or cut off, it is made anew, which is always right. */
export async function readNote<Note>(path: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Note;
  } catch {
    return undefined;
  }
}

/** Bytes of a file; `undefined` when there is none. */
export async function lengthOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
