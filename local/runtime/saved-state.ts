/** What the runner itself keeps in the data folder: its access keys, and the ports it listened on. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';
import { newCredentials } from './iam/access.ts';

const credentials = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
const schema = z.object({
  version: z.literal(1),
  administrator: credentials,
  operator: credentials,
  /** By what listens there. */
  ports: z.record(z.string(), z.number()),
});

export type SavedState = z.infer<typeof schema>;

const fileOf = (dataDir: string): string => join(dataDir, 'runner.json');

/** What was saved, or a new state for an empty folder. */
export async function loadState(dataDir: string): Promise<SavedState> {
  let text: string;
  try {
    text = await readFile(fileOf(dataDir), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { version: 1, administrator: newCredentials(), operator: newCredentials(), ports: {} };
    }
    throw error;
  }
  return schema.parse(JSON.parse(text));
}

/** Replaces the saved state at once; only its owner may read it, because of the access keys. */
export async function saveState(dataDir: string, state: SavedState): Promise<void> {
  const file = fileOf(dataDir);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(state, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
