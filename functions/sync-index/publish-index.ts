import type { CopiedIndex } from '#shared/contract/index-copy.ts';
import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { SyncOutcome } from '#shared/contract/operators/index-sync.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { dropCopy, saveCopy } from './copy-index.ts';
import { keepCurrent } from './current-index.ts';
import { isOfThisDecoder, judge } from './judge-index.ts';
import type { SyncSession } from './ports.ts';
import { type Digested, digest, examine, openCopied } from './read-staged.ts';
import { SyncError } from './sync-error.ts';
import { tellPublished, tellUnfinished } from './tell-published.ts';
import { pointerFacts, writeFacts } from './write-catalog.ts';

/**
 * From a copied index to the current one. Bytes are looked at twice: once for digest and signature, before anything in
 * them is believed, and once for the catalogue. Nothing is visible until the pointer moves, last; a run that dies
 * anywhere is repeated by the next.
 *
 * @returns `lost` when the bytes are gone, so that they must be copied again; nothing is left of the copy then
 */
export async function publishIndex(session: SyncSession, known: CopiedIndex): Promise<SyncOutcome | 'lost'> {
  // A person who asks again may have given it more of both.
  if (known.readings >= session.limits.maxReadings && !session.again) return refuseUnread(session, known);
  // Counted before and uncounted after: what stays counted did not live to tell.
  const copy = await saveCopy(session, known, { ...known, readings: known.readings + 1 });
  try {
    const outcome = await takeIn(session, copy);
    if (outcome === 'lost') await dropCopy(session, copy);
    return outcome;
  } catch (error) {
    const died = error instanceof SyncError && error.code === 'time-limit';
    const lostRace = error instanceof StoreError && error.code === 'conflict';
    // The failure itself is what must be seen; a count that stays too high only brings its limit nearer.
    if (!died && !lostRace) await saveCopy(session, copy, known).catch(() => {});
    throw error;
  }
}

async function takeIn(session: SyncSession, copy: CopiedIndex): Promise<SyncOutcome | 'lost'> {
  const { standing, again } = session;
  const { current, refusal } = standing;
  const source = await openCopied(session, copy, 'examining');
  if (source === undefined) return 'lost';
  const examined = await examine(session, source);
  const { sha256 } = examined;
  if (examined.bytes !== copy.length) return 'lost';

  if (current?.pointer.sha256 === sha256) return findSame(session, copy, current);
  if (!again && refusal?.sha256 === sha256) return refuse(session, copy, examined, refusal.reason);
  const judged = await judge(session, examined, () => openCopied(session, copy, 'decoding'));
  if (judged === 'lost') return 'lost';
  if ('refused' in judged) return refuse(session, copy, examined, judged.refused);
  return publish(session, copy, examined, judged);
}

/** The bytes of the current index under other validators: the pointer learns them, and the copy is not needed. */
async function findSame(
  session: SyncSession,
  copy: CopiedIndex,
  current: NonNullable<SyncSession['standing']['current']>,
): Promise<SyncOutcome> {
  const { index } = session.ports;
  const pointer = { ...current.pointer, origin: originOf(copy) };
  if (!sameOrigin(pointer.origin, current.pointer.origin)) await index.moveCurrent(pointer, current.tag);
  await tellUnfinished(session, pointer);
  await forget(session, copy, pointer.sha256);
  return keepCurrent(session, (await index.current()) ?? current);
}

async function publish(
  session: SyncSession,
  read: CopiedIndex,
  { sha256, bytes }: Digested,
  { catalog, previous }: { readonly catalog: Catalog; readonly previous: Catalog | undefined },
): Promise<SyncOutcome> {
  const { ports, standing, progress } = session;
  const { index, journal } = ports;
  const current = standing.current;
  await progress.note('publishing', { facts: 0 });
  // It was read to its end: a death from here on says nothing about the bytes, and the next run has less to write.
  const copy = await saveCopy(session, read, { ...read, readings: 0 });
  // Of a run that died between its first fact and the pointer: the table may say more than the current publication.
  // Another decoder would have said other things of it.
  const compareWithTable =
    (await journal.unfinished()) !== undefined || (current !== undefined && !isOfThisDecoder(session));
  await journal.putUnfinished({ version: 1, copyId: copy.copyId, sha256, at: ports.now().toISOString() });

  const stored = !(await index.has(sha256));
  if (stored) await index.promote({ copyId: copy.copyId, sha256, bytes });
  else await index.drop(copy.copyId);
  const factsWritten = await writeFacts(session, catalog, { previous, compareWithTable });
  await ports.catalog.putSnapshot(sha256, catalog);
  const pointer: IndexPointer = {
    version: 1,
    sha256,
    bytes,
    publishedAt: ports.now().toISOString(),
    ...pointerFacts(session, catalog),
    origin: originOf(copy),
  };
  await index.moveCurrent(pointer, current?.tag);
  await tellPublished(session, pointer);
  await forget(session, copy, sha256);
  const { updates, files } = pointer;
  return { outcome: 'published', sha256, updates, files, stored, factsWritten };
}

/** For the runs that died over it nothing is known of it but its digest. */
async function refuseUnread(session: SyncSession, copy: CopiedIndex): Promise<SyncOutcome | 'lost'> {
  const source = await openCopied(session, copy, 'examining');
  if (source === undefined) {
    await dropCopy(session, copy);
    return 'lost';
  }
  const reason = `${copy.readings} runs ended without a word while they read it: they ran out of memory or time`;
  return refuse(session, copy, await digest(source), reason);
}

/** Keeps the current index and remembers why. The refused bytes go where nobody is served from, for people to look at. */
async function refuse(
  session: SyncSession,
  copy: CopiedIndex,
  { sha256, bytes }: Digested,
  reason: string,
): Promise<SyncOutcome> {
  const { journal, index, now } = session.ports;
  const { etag, lastModified } = copy;
  await journal.putRefusal({
    at: now().toISOString(),
    sha256,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    reason,
  });
  const staged = (await index.stagedBytes(copy.copyId)) !== undefined;
  if (staged) await index.keepAside({ copyId: copy.copyId, sha256, bytes });
  await journal.clearCopy(copy.revision);
  return { outcome: 'refused', sha256, reason };
}

/**
 * After a good end: nothing is left of the copy, nor of a refusal that was overcome, nor of the note that the facts of
 * the index that is current now were being written.
 */
async function forget({ ports, standing }: SyncSession, copy: CopiedIndex, current: string): Promise<void> {
  const { index, journal } = ports;
  if ((await journal.unfinished())?.sha256 === current) await journal.clearUnfinished();
  if (standing.refusal !== undefined) await journal.clearRefusal();
  await index.drop(copy.copyId);
  await journal.clearCopy(copy.revision);
}

const originOf = ({ url, etag, lastModified }: CopiedIndex): IndexPointer['origin'] => ({
  url,
  ...(etag !== undefined && { etag }),
  ...(lastModified !== undefined && { lastModified }),
});

const sameOrigin = (a: IndexPointer['origin'], b: IndexPointer['origin']): boolean =>
  a.url === b.url && a.etag === b.etag && a.lastModified === b.lastModified;
