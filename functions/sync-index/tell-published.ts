import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { SyncSession } from './ports.ts';

/**
 * Tells of a publication, and has it offered to hosts. Called once its pointer has moved, and before the note that it was under way is cleared: a run
 * that dies in between is followed by one that finds the note and tells again.
 */
export async function tellPublished({ ports }: SyncSession, pointer: IndexPointer): Promise<void> {
  const { sha256, updates, files, publishedAt } = pointer;
  await ports.publisher.send({ version: 1, kind: 'feed' });
  await ports.events.publish('IndexPublished', { version: 1, sha256, updates, files, publishedAt });
}

/** Tells of the current publication if the run that made it current died before it could clear its note. */
export async function tellUnfinished(session: SyncSession, current: IndexPointer): Promise<void> {
  const unfinished = await session.ports.journal.unfinished();
  if (unfinished?.sha256 === current.sha256) await tellPublished(session, current);
}
