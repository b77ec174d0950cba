import { describeSignature } from '#shared/authenticode/index.ts';
import type { CopiedIndex } from '#shared/contract/index-copy.ts';
import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { SyncOutcome } from '#shared/contract/operators/index-sync.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { type ExaminedCab, IndexError, type Publication, readPublication } from '#shared/index/index.ts';
import type { FactsWritten } from '#shared/stores/catalog/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { dropCopy, saveCopy } from './copy-index.ts';
import { whyNotPublish } from './gates.ts';
import type { SyncSession } from './ports.ts';
import { type Examined, examine, openCopied } from './read-staged.ts';
import { SyncError } from './sync-error.ts';

/**
 * From a copied index to the current one. Bytes are looked at twice: once for digest and signature, before anything in
 * them is believed, and once for the catalogue. Nothing is visible until the pointer moves, last; a run that dies
 * anywhere is repeated by the next.
 *
 * @returns `lost` when the bytes are gone, so that they must be copied again; nothing is left of the copy then
 */
export async function publishIndex(session: SyncSession, known: CopiedIndex): Promise<SyncOutcome | 'lost'> {
  const { limits, event } = session;
  // A person who asks again may have given it more of both.
  if (known.readings >= limits.maxReadings && event.runId === undefined) {
    const reason = `${known.readings} runs ended without a word while they read it: they ran out of memory or time`;
    return refuse(session, known, undefined, reason);
  }
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
  const { ports, standing, again } = session;
  const { current, refusal } = standing;
  const source = await openCopied(session, copy, 'examining');
  if (source === undefined) return 'lost';
  const examined = await examine(session, source);
  const { sha256 } = examined;
  if (examined.bytes !== copy.length) return 'lost';

  if (current?.pointer.sha256 === sha256) {
    // The same bytes under other validators: only the pointer learns them.
    const pointer = { ...current.pointer, origin: originOf(copy) };
    if (!sameOrigin(pointer.origin, current.pointer.origin)) await ports.index.moveCurrent(pointer, current.tag);
    await forget(session, copy);
    return { outcome: 'unchanged', sha256 };
  }
  if (!again && refusal?.sha256 === sha256) return refuse(session, copy, examined, refusal.reason);
  const { signature } = examined;
  if (signature.state !== 'valid') {
    return refuse(session, copy, examined, `Microsoft's signature is not on it: ${describeSignature(signature)}`);
  }

  if (examined.cabs instanceof IndexError) return refuse(session, copy, examined, examined.cabs.message);

  const previous = current && (await snapshotOf(session, current.pointer.sha256));
  const decoded = await decode(session, copy, examined.cabs, previous);
  if (decoded === 'lost') return 'lost';
  if ('refused' in decoded) return refuse(session, copy, examined, decoded.refused);
  return publish(session, copy, examined, { catalog: decoded.catalog, previous });
}

async function decode(
  session: SyncSession,
  copy: CopiedIndex,
  cabs: readonly ExaminedCab[],
  previous: Catalog | undefined,
): Promise<{ readonly catalog: Catalog } | { readonly refused: string } | 'lost'> {
  const source = await openCopied(session, copy, 'decoding');
  if (source === undefined) return 'lost';
  let read: Publication;
  try {
    // A person who asks again wants all of it read by today's decoder.
    const reuse = previous === undefined || session.again ? {} : { earlier: previous };
    read = await readPublication(source, { cabs, ...reuse });
  } catch (error) {
    if (error instanceof IndexError) return { refused: error.message };
    throw error;
  }
  const { ports, standing } = session;
  const { maxShrinkPercent } = ports;
  const refused = whyNotPublish(read, { current: standing.current?.pointer, previous, maxShrinkPercent });
  return refused === undefined ? { catalog: read.catalog } : { refused };
}

async function publish(
  session: SyncSession,
  read: CopiedIndex,
  { sha256, bytes }: Examined,
  { catalog, previous }: { readonly catalog: Catalog; readonly previous: Catalog | undefined },
): Promise<SyncOutcome> {
  const { ports, standing, progress } = session;
  const { index, journal } = ports;
  await progress.note('publishing', { facts: 0 });
  // It was read to its end: a death from here on says nothing about the bytes, and the next run has less to write.
  const copy = await saveCopy(session, read, { ...read, readings: 0 });
  const at = ports.now().toISOString();
  // Of a run that died between its first fact and the pointer: the table may say more than the current publication.
  const compareWithTable = (await journal.unfinished()) !== undefined;
  await journal.putUnfinished({ version: 1, copyId: copy.copyId, sha256, at });

  const stored = !(await index.has(sha256));
  if (stored) await index.promote({ copyId: copy.copyId, sha256, bytes });
  else await index.drop(copy.copyId);
  const written = await ports.catalog.putFacts(catalog, {
    previous,
    at,
    compareWithTable,
    // Not waited for: a note does not fail.
    onProgress: (facts) => void progress.note('publishing', { facts: countOf(facts) }),
  });
  await ports.catalog.putSnapshot(sha256, catalog);
  const pointer: IndexPointer = {
    version: 1,
    sha256,
    bytes,
    publishedAt: ports.now().toISOString(),
    ...(catalog.createdAt !== undefined && { createdAt: catalog.createdAt }),
    ...(catalog.packageId !== undefined && { packageId: catalog.packageId }),
    updates: catalog.updates.size,
    files: catalog.files.size,
    origin: originOf(copy),
  };
  await index.moveCurrent(pointer, standing.current?.tag);
  await journal.clearUnfinished();
  await forget(session, copy);
  const { updates, files } = pointer;
  return { outcome: 'published', sha256, updates, files, stored, factsWritten: countOf(written) };
}

const countOf = ({ files, units, kbs }: FactsWritten): number => files + units + kbs;

/** Without the earlier catalogue (lost or damaged) facts are compared with the table. */
async function snapshotOf({ ports }: SyncSession, sha256: string): Promise<Catalog | undefined> {
  try {
    return await ports.catalog.getSnapshot(sha256);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined;
    throw error;
  }
}

/**
 * Keeps the current index and remembers why. The refused bytes go where nobody is served from, for people to look at.
 *
 * @param examined absent when it was not even read
 */
async function refuse(
  session: SyncSession,
  copy: CopiedIndex,
  examined: Examined | undefined,
  reason: string,
): Promise<SyncOutcome> {
  const { journal, index, now } = session.ports;
  const { etag, lastModified } = copy;
  const sha256 = examined && { sha256: examined.sha256 };
  await journal.putRefusal({
    at: now().toISOString(),
    ...sha256,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    reason,
  });
  const staged = (await index.stagedBytes(copy.copyId)) !== undefined;
  if (staged && examined !== undefined)
    await index.keepAside({ copyId: copy.copyId, sha256: examined.sha256, bytes: examined.bytes });
  else await index.drop(copy.copyId);
  await journal.clearCopy(copy.revision);
  return { outcome: 'refused', ...sha256, reason };
}

/** After a good end: nothing is left of the copy, nor of a refusal that was overcome. */
async function forget({ ports: { index, journal }, standing }: SyncSession, copy: CopiedIndex): Promise<void> {
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
