import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { SyncOutcome } from '#shared/contract/operators/index-sync.ts';
import { currentCatalog, isOfThisDecoder, judge } from './judge-index.ts';
import type { SyncSession } from './ports.ts';
import { examine, watched } from './read-staged.ts';
import { SyncError } from './sync-error.ts';
import { tellPublished, tellUnfinished } from './tell-published.ts';
import { pointerFacts, writeFacts } from './write-catalog.ts';

/**
 * What is left to do when the origin has nothing new: mostly nothing. A person who asks after the decoder was mended, or
 * wishes it, gets the current index read again; and what a publication that died wrote is taken back.
 *
 * @param current the pointer as it is now, with the tag to move it
 */
export async function keepCurrent(
  session: SyncSession,
  current: { readonly pointer: IndexPointer; readonly tag: string },
): Promise<SyncOutcome> {
  if (session.again && (session.progress.wishes('again') || !isOfThisDecoder(session)))
    return readAgain(session, current);
  await takeBackUnfinished(session);
  return { outcome: 'unchanged', sha256: current.pointer.sha256 };
}

/**
 * A run that died over the facts of a publication left the table ahead of the pointer. As long as that publication is
 * still on its way the next run heals it; when the origin took it back, or it is refused, nobody would.
 */
export async function takeBackUnfinished(session: SyncSession): Promise<void> {
  const { ports, standing } = session;
  const unfinished = await ports.journal.unfinished();
  if (unfinished === undefined || standing.current === undefined) return;
  if (unfinished.sha256 !== standing.current.pointer.sha256) {
    const catalog = await currentCatalog(session);
    // Without it the next publication compares with the table, as long as the row is there.
    if (catalog === undefined) return;
    await writeFacts(session, catalog, { previous: catalog, compareWithTable: true });
  } else {
    await tellPublished(session, standing.current.pointer);
  }
  await ports.journal.clearUnfinished();
}

/** Reads the stored bytes of the current index once more. The pointer keeps its digest and learns what they say now. */
async function readAgain(
  session: SyncSession,
  { pointer, tag }: { readonly pointer: IndexPointer; readonly tag: string },
): Promise<SyncOutcome> {
  const { index, catalog: store, journal } = session.ports;
  const { sha256, bytes } = pointer;
  const examined = await examine(session, watched(session, await index.open(sha256), 'examining', bytes));
  if (examined.sha256 !== sha256)
    throw new SyncError('bytes-changed', `the stored index ${sha256} has the SHA-256 ${examined.sha256}`);
  const judged = await judge(session, examined, async () =>
    watched(session, await index.open(sha256), 'decoding', bytes),
  );
  if (judged === 'lost' || 'refused' in judged) {
    const why = judged === 'lost' ? 'its bytes are gone' : judged.refused;
    return { outcome: 'failed', reason: `the current index, read again, could not be published, and stays: ${why}` };
  }
  const { catalog } = judged;
  await session.progress.note('publishing', { facts: 0 });
  const factsWritten = await writeFacts(session, catalog, { previous: undefined, compareWithTable: true });
  await store.putSnapshot(sha256, catalog);
  await index.moveCurrent({ ...pointer, ...pointerFacts(session, catalog) }, tag);
  await tellUnfinished(session, pointer);
  await journal.clearUnfinished();
  const { updates, files } = catalog;
  return { outcome: 'published', sha256, updates: updates.size, files: files.size, stored: false, factsWritten };
}
