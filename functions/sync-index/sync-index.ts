import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import { type IndexRefusal, refusalInForce, type SyncOutcome } from '#shared/contract/operators/index-sync.ts';
import { changedFiles } from '#shared/core/catalog/diff-files.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { publishable } from '#shared/core/catalog/publishable.ts';
import { IndexError, readIndex } from '#shared/index/index.ts';
import type { CatalogStore, IndexStore, StagedIndex, SyncJournal } from '#shared/stores/catalog/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import type { IndexAnswer, Upstream, Validators } from '#shared/upstream/client.ts';
import { UpstreamError } from '#shared/upstream/upstream-error.ts';

export interface SyncPorts {
  readonly upstream: Pick<Upstream, 'getIndex'>;
  readonly index: IndexStore;
  readonly catalog: CatalogStore;
  readonly journal: SyncJournal;
  /** Address of the index at Microsoft. */
  readonly indexUrl: string;
  readonly now: () => Date;
  /** A name that no other run has. */
  readonly newRunId: () => string;
}

export interface SyncReport {
  readonly result: SyncOutcome;
  /** Since Microsoft made the index that is current now. Seconds; absent before the first publication. */
  readonly indexAgeSeconds: number | undefined;
}

/** What stood when the run began. */
interface Standing {
  readonly current: { readonly pointer: IndexPointer; readonly tag: string } | undefined;
  readonly refusal: IndexRefusal | undefined;
}

type Changed = Extract<IndexAnswer, { changed: true }>;

/**
 * One run of the synchronisation. Content comes first and the pointer last, and every step may be repeated: a run that
 * dies anywhere is healed by the next one, because until the pointer moved the origin's answer is still "changed".
 *
 * A failure that is expected (Microsoft's hosts, another run that was faster) is a result, not an exception: the next
 * tick of the schedule is the retry, and a second and third try by Lambda a minute later would only download again.
 * Everything else is thrown. A run with a run id records its end in both cases.
 */
export async function syncIndex(
  ports: SyncPorts,
  event: { readonly runId?: string },
  signal?: AbortSignal,
): Promise<SyncReport> {
  const startedAt = ports.now().toISOString();
  const end = async (result: SyncOutcome): Promise<void> => {
    if (event.runId === undefined) return;
    const endedAt = ports.now().toISOString();
    await ports.journal.putRun({ version: 1, runId: event.runId, state: 'ended', startedAt, endedAt, result });
  };
  let result: SyncOutcome;
  try {
    result = await run(ports, event, signal);
  } catch (error) {
    result = { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
    if (!isExpected(error)) {
      await end(result).catch((noteError: unknown) => {
        throw new AggregateError([error, noteError], 'the run failed, and its end could not be recorded');
      });
      throw error;
    }
  }
  await end(result);
  return { result, indexAgeSeconds: await indexAge(ports) };
}

const isExpected = (error: unknown): boolean =>
  error instanceof UpstreamError || (error instanceof StoreError && error.code === 'conflict');

async function run(
  ports: SyncPorts,
  event: { readonly runId?: string },
  signal: AbortSignal | undefined,
): Promise<SyncOutcome> {
  const standing: Standing = { current: await ports.index.current(), refusal: await ports.journal.refusal() };
  // A person who asks wants the refused index looked at again: the decoder may have been mended since.
  const again = event.runId !== undefined;
  const known = latestKnown(again ? { ...standing, refusal: undefined } : standing, ports.indexUrl);
  const answer = await ports.upstream.getIndex(
    ports.indexUrl,
    known.validators,
    signal === undefined ? {} : { signal },
  );
  if (!answer.changed) return unchanged(standing, known.refused);
  let staged: StagedIndex;
  try {
    staged = await ports.index.stage(event.runId ?? ports.newRunId(), answer.body);
  } finally {
    answer.cancel();
  }
  return takeIn(ports, standing, staged, answer, again);
}

/**
 * The validators of what the origin had last: of the current index, or of a later one that was refused, so that it is
 * not downloaded every hour to be refused again.
 */
function latestKnown(
  { current, refusal }: Standing,
  indexUrl: string,
): { readonly validators: Validators; readonly refused: IndexRefusal | undefined } {
  const refused = refusalInForce(current?.pointer, refusal);
  if (refused !== undefined) return { validators: { etag: refused.etag, lastModified: refused.lastModified }, refused };
  if (current === undefined || current.pointer.origin.url !== indexUrl) return { validators: {}, refused };
  const { etag, lastModified } = current.pointer.origin;
  return { validators: { etag, lastModified }, refused };
}

/** Nothing is downloaded, nothing is written. */
function unchanged({ current }: Standing, refused: IndexRefusal | undefined): SyncOutcome {
  if (refused !== undefined)
    return {
      outcome: 'refused',
      reason: `the origin still offers the index that was refused at ${refused.at}: ${refused.reason}`,
      ...(refused.sha256 !== undefined && { sha256: refused.sha256 }),
    };
  if (current === undefined) return { outcome: 'failed', reason: 'the origin answered "unchanged" to a first request' };
  return { outcome: 'unchanged', sha256: current.pointer.sha256 };
}

async function takeIn(
  ports: SyncPorts,
  standing: Standing,
  staged: StagedIndex,
  { validators }: Changed,
  again: boolean,
): Promise<SyncOutcome> {
  const { index, journal } = ports;
  const { current, refusal } = standing;
  const { sha256 } = staged;

  if (current?.pointer.sha256 === sha256) {
    // The same bytes under other validators: only the pointer learns them.
    await index.drop(staged);
    await index.moveCurrent({ ...current.pointer, origin: originOf(ports.indexUrl, validators) }, current.tag);
    if (refusal !== undefined) await journal.clearRefusal();
    return { outcome: 'unchanged', sha256 };
  }
  if (!again && refusal?.sha256 === sha256) {
    await index.drop(staged);
    return refuse(ports, sha256, validators, refusal.reason);
  }

  const stored = !(await index.has(sha256));
  if (stored) await index.promote(staged);
  else await index.drop(staged);
  return publish(ports, standing, { sha256, bytes: staged.bytes, stored, validators });
}

interface Taken {
  readonly sha256: string;
  readonly bytes: number;
  readonly stored: boolean;
  readonly validators: Validators;
}

/** From bytes in the repository to the current index. Refused bytes stay under their digest, where nothing points. */
async function publish(ports: SyncPorts, standing: Standing, taken: Taken): Promise<SyncOutcome> {
  const { sha256, bytes, stored, validators } = taken;
  const decoded = await decode(ports, sha256);
  if ('refused' in decoded) return refuse(ports, sha256, validators, decoded.refused);
  const { catalog } = decoded;

  const previous = standing.current && (await snapshotOf(ports, standing.current.pointer.sha256));
  const facts = changedFiles(previous?.files ?? new Map(), catalog.files);
  await ports.catalog.putFileFacts(facts);
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
    origin: originOf(ports.indexUrl, validators),
  };
  await ports.index.moveCurrent(pointer, standing.current?.tag);
  if (standing.refusal !== undefined) await ports.journal.clearRefusal();
  const { updates, files } = pointer;
  return { outcome: 'published', sha256, updates, files, stored, factsWritten: facts.length };
}

async function decode(
  ports: SyncPorts,
  sha256: string,
): Promise<{ readonly catalog: Catalog } | { readonly refused: string }> {
  let catalog: Catalog;
  try {
    catalog = await readIndex(await ports.index.open(sha256));
  } catch (error) {
    if (error instanceof IndexError) return { refused: error.message };
    throw error;
  }
  const verdict = publishable(catalog);
  return verdict.ok ? { catalog } : { refused: verdict.reason };
}

/** Without the earlier catalogue (lost or damaged) every fact counts as new, and is written again. */
async function snapshotOf(ports: SyncPorts, sha256: string): Promise<Catalog | undefined> {
  try {
    return await ports.catalog.getSnapshot(sha256);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined;
    throw error;
  }
}

async function refuse(
  { journal, now }: SyncPorts,
  sha256: string,
  { etag, lastModified }: Validators,
  reason: string,
): Promise<SyncOutcome> {
  await journal.putRefusal({
    at: now().toISOString(),
    sha256,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
    reason,
  });
  return { outcome: 'refused', sha256, reason };
}

function originOf(url: string, { etag, lastModified }: Validators): IndexPointer['origin'] {
  return { url, ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) };
}

/** The day Microsoft made it counts, where the index says it; an index that is old at its publication is old. */
async function indexAge({ index, now }: SyncPorts): Promise<number | undefined> {
  const current = await index.current();
  if (current === undefined) return undefined;
  const { createdAt, publishedAt } = current.pointer;
  const created = createdAt === undefined ? Number.NaN : Date.parse(createdAt);
  const madeAt = Number.isNaN(created) ? Date.parse(publishedAt) : created;
  return Math.max(0, Math.round((now().getTime() - madeAt) / 1000));
}

/** Metrics of a run. */
export function measureSync({ result, indexAgeSeconds }: SyncReport): Measurements {
  return {
    ...(indexAgeSeconds !== undefined && { IndexAgeSeconds: indexAgeSeconds }),
    SyncFailed: result.outcome === 'failed' ? 1 : 0,
    SyncRefused: result.outcome === 'refused' ? 1 : 0,
    SyncPublished: result.outcome === 'published' ? 1 : 0,
  };
}
