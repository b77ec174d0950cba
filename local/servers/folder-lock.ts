import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ServersError } from './servers-error.ts';

/** Held until released or until the process ends, whatever way it ends. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes a data folder for this server alone. The lock is SQLite's lock of a file, which the operating system drops with
 * the process: unlike a file with a process id it never outlives a killed process.
 *
 * @throws ServersError `data-in-use`
 */
export function lockFolder(dataDir: string): FolderLock {
  mkdirSync(dataDir, { recursive: true });
  const database = new DatabaseSync(join(dataDir, 'lock.sqlite'));
  try {
    database.exec('PRAGMA busy_timeout = 0');
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new ServersError(
      'data-in-use',
      `Another server is working in ${dataDir}. End it first, or use another folder.`,
      {
        cause,
      },
    );
  }
  return { release: () => database.close() };
}
