import { oldPublications } from '#shared/core/catalog/old-publications.ts';
import type { SyncPorts } from './ports.ts';

/**
 * How long after a publication the ones before it stay all the same: hosts may be downloading them. Milliseconds.
 */
const downloadsLast = 2 * 24 * 3600_000;

const defaultKept = 3;

/**
 * Drops publications that are long replaced: bytes and catalogue. Here and not in the cleaning of files, because this function
 * runs once at a time and nobody else publishes: what is dropped cannot become current meanwhile.
 *
 * @returns how many
 */
export async function dropOldPublications({ index, journal, now, keepPublications }: SyncPorts): Promise<number> {
  const current = (await index.current())?.pointer;
  if (current === undefined || now().getTime() - Date.parse(current.publishedAt) < downloadsLast) return 0;
  const unfinished = await journal.unfinished();
  const inUse = new Set([current.sha256, ...(unfinished === undefined ? [] : [unfinished.sha256])]);
  const old = oldPublications(await index.publications(), { inUse, newest: keepPublications ?? defaultKept });
  for (const { sha256 } of old) await index.dropPublication(sha256);
  return old.length;
}
