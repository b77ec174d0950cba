import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { DocumentName, Documents } from '../../ports/documents.ts';
import { onDisk, readIfThere, writeWhole } from './disk.ts';

export interface DocumentFolderOptions {
  /** Folder of the files; made when it is missing. */
  readonly folder: string;
  /** Hears of a document that could not be read and was renamed. */
  readonly onSetAside: (renamedTo: string, reason: string) => void;
}

/** State files as JSON in one folder. */
export function openDocumentFolder({ folder, onSetAside }: DocumentFolderOptions): Documents {
  const pathOf = (name: DocumentName): string => join(folder, `${name}.json`);
  return {
    read: (name, parse) =>
      onDisk(`cannot read ${pathOf(name)}`, async () => {
        const text = await readIfThere(pathOf(name));
        if (text === undefined) return undefined;
        try {
          return parse(JSON.parse(text));
        } catch (error) {
          // Damaged or of another version: kept for people to look at, and the agent goes on without it.
          const aside = `${pathOf(name)}.damaged`;
          await rename(pathOf(name), aside);
          onSetAside(aside, error instanceof Error ? error.message : String(error));
          return undefined;
        }
      }),
    write: (name, value) =>
      onDisk(
        `cannot write ${pathOf(name)}`,
        async () => {
          await mkdir(folder, { recursive: true });
          await writeWhole(pathOf(name), `${JSON.stringify(value, null, 2)}\n`);
        },
        folder,
      ),
  };
}
