import type { CopyingIndex, IndexCopy } from '#shared/contract/index-copy.ts';
import type { SyncIndexEvent } from '#shared/contract/messages/sync-index.ts';
import type { Measurements } from '#shared/contract/metrics.ts';
import { type IndexRefusal, refusalInForce, type SyncOutcome } from '#shared/contract/operators/index-sync.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import type { IndexAnswer, KnownIndexes } from '#shared/upstream/client.ts';
import { UpstreamError } from '#shared/upstream/upstream-error.ts';
import { beginCopy, type CopyStep, copyParts, dropCopy, saveCopy } from './copy-index.ts';
import { keepCurrent, takeBackUnfinished } from './current-index.ts';
import { dropOldPublications } from './old-publications.ts';
import { defaultLimits, type SyncPorts, type SyncSession } from './ports.ts';
import { RunProgress } from './progress.ts';
import { publishIndex } from './publish-index.ts';
import { SyncError } from './sync-error.ts';
import { lastBeginning } from './time.ts';

/** An invocation that ended before its run did: `goesOn` says what takes the next step. */
interface Continues {
  readonly outcome: 'continues';
  /** Of the index, already copied. */
  readonly bytes: number;
  readonly of: number;
  readonly goesOn: 'invocation' | 'schedule';
}

export interface SyncReport {
  readonly result: SyncOutcome | Continues;
  /** Since Microsoft made the index that is current now. Seconds; absent before the first publication. */
  readonly indexAgeSeconds: number | undefined;
  /** Publications that were long replaced and are gone now; absent when there were none. */
  readonly dropped?: number;
}

/**
 * One invocation of the synchronisation. A run asks the origin whether there is something new, copies it in parts,
 * reads it and publishes it; each step may be the work of another invocation, which finds in the journal and in the
 * object store how far the one before got. Content comes first and the pointer last, and every step may be repeated.
 *
 * A failure that is expected (Microsoft's hosts, another run that was faster, the end of the time) is a result, not an
 * exception: the next tick of the schedule is the retry, and a second and third try by Lambda a minute later would only
 * do the same again. Everything else is thrown. Runs that somebody asked for are told their end in both cases.
 */
export async function syncIndex(
  ports: SyncPorts,
  event: SyncIndexEvent,
  invocation: SyncSession['invocation'],
): Promise<SyncReport> {
  const { journal, index, now, limits = defaultLimits } = ports;
  const progress = new RunProgress({ journal, now, everyMilliseconds: limits.progressMilliseconds });
  let result: SyncOutcome | Continues;
  try {
    if (event.runId !== undefined) await progress.follow(event.runId, event);
    const [current, refusal, copy] = [await index.current(), await journal.refusal(), await journal.copy()];
    for (const runId of copy?.runIds ?? []) await progress.follow(runId);
    const again = progress.runIds.length > 0;
    const session = { ports, limits, event, invocation, standing: { current, refusal }, again, progress };
    result = await run(session, copy);
  } catch (error) {
    result = { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
    if (!isExpected(error)) {
      await progress.end(result).catch((noteError: unknown) => {
        throw new AggregateError([error, noteError], 'the run failed, and its end could not be recorded');
      });
      throw error;
    }
  }
  if (result.outcome !== 'continues') await progress.end(result);
  // After a good end only, and when it was told: what fails here is seen as an error of the function.
  const dropped =
    result.outcome === 'unchanged' || result.outcome === 'published' ? await dropOldPublications(ports) : 0;
  return { result, indexAgeSeconds: await indexAge(ports), ...(dropped > 0 && { dropped }) };
}

const isExpected = (error: unknown): boolean =>
  error instanceof UpstreamError ||
  error instanceof SyncError ||
  (error instanceof StoreError && error.code === 'conflict');

async function run(session: SyncSession, found: IndexCopy | undefined): Promise<SyncOutcome | Continues> {
  const { limits, ports } = session;
  let copy = found && (await goOnWith(session, found));
  let newBytes = 0;
  for (let restarts = 0; ; ) {
    if (copy === undefined) {
      const answer = await ask(session);
      if (answer.kind === 'unchanged') return unchanged(session, answer.etag);
      ({ copy, newBytes } = await beginCopy(session, answer));
    }
    if (copy.state === 'copying') {
      const step: CopyStep | 'changed' = await copyParts(session, copy).catch(unlessChanged);
      if (step === 'changed' || step.state === 'lost') {
        restarts += 1;
        if (restarts > limits.maxRestarts)
          return { outcome: 'failed', reason: `the index changed at the origin ${restarts} times while it was copied` };
        copy = await restart(session, copy, restarts);
        continue;
      }
      newBytes += step.newBytes;
      if (step.state === 'stopped') return handOver(session, step.copy, { bytes: step.bytes, newBytes });
      copy = step.copy;
    }
    const left = session.invocation.deadlineAt.getTime() - ports.now().getTime();
    if (newBytes > 0 && left < limits.readingMilliseconds)
      return handOver(session, copy, { bytes: copy.length, newBytes });
    const outcome = await publishIndex(session, copy);
    if (outcome !== 'lost') return outcome;
    restarts += 1;
    if (restarts > limits.maxRestarts)
      return { outcome: 'failed', reason: 'the copied index was gone before it could be read' };
    copy = undefined;
  }
}

function unlessChanged(error: unknown): 'changed' {
  if (error instanceof UpstreamError && error.code === 'changed') return 'changed';
  throw error;
}

/** The copy that an earlier invocation left, if it is still worth going on with. */
async function goOnWith(session: SyncSession, copy: IndexCopy): Promise<IndexCopy | undefined> {
  const { ports, limits, progress } = session;
  const age = ports.now().getTime() - Date.parse(copy.startedAt);
  if (copy.url !== ports.indexUrl || age > limits.maxCopyAgeMilliseconds) {
    await dropCopy(session, copy);
    return undefined;
  }
  const runIds = [...progress.runIds];
  if (runIds.length === copy.runIds.length && runIds.every((id) => copy.runIds.includes(id))) return copy;
  return saveCopy(session, copy, { ...copy, runIds });
}

/**
 * After the origin showed another file than the one that is being copied. Nodes of a CDN may disagree for a while after
 * a publication: when the origin, asked again, names the file that we have parts of, these are kept.
 */
async function restart(session: SyncSession, copy: CopyingIndex, restarts: number): Promise<IndexCopy | undefined> {
  const { signal } = session.invocation;
  const over = (cause?: unknown): SyncError =>
    new SyncError(
      'time-limit',
      'the index changed at the origin, and the time was over before it could be begun again',
      {
        cause,
      },
    );
  if (signal.aborted || session.ports.now().getTime() >= lastBeginning(session)) throw over();
  await session.ports.sleep(500 * 2 ** restarts, signal).catch((error: unknown) => {
    throw signal.aborted ? over(error) : error;
  });
  const answer = await ask(session);
  // Perhaps from a node that does not have the news yet.
  if (answer.kind === 'unchanged' && restarts < session.limits.maxRestarts) return copy;
  if (answer.kind !== 'unchanged') answer.cancel();
  if (answer.kind === 'ranged' && answer.validators.etag === copy.etag && answer.length === copy.length) {
    const held = await session.ports.index.upload(copy.copyId, copy.uploadId).parts();
    if (held !== undefined) return copy;
  }
  await dropCopy(session, copy);
  return undefined;
}

/** Leaves the rest to another invocation: to one that is started now, or to the next tick of the schedule. */
async function handOver(
  session: SyncSession,
  copy: IndexCopy,
  { bytes, newBytes }: { readonly bytes: number; readonly newBytes: number },
): Promise<Continues> {
  const continues = { outcome: 'continues', bytes, of: copy.length } as const;
  const before = Math.max(copy.continuations, session.event.continuations ?? 0);
  // An invocation that got nowhere would only be followed by others like it.
  if (newBytes === 0 || before >= session.limits.maxContinuations) return { ...continues, goesOn: 'schedule' };
  const continuations = before + 1;
  await saveCopy(session, copy, { ...copy, continuations });
  await session.ports.goOn({ ...session.event, continuations });
  return { ...continues, goesOn: 'invocation' };
}

async function ask(session: SyncSession): Promise<IndexAnswer> {
  const { ports, limits, invocation } = session;
  return ports.upstream.getIndex(ports.indexUrl, knownIndexes(session), {
    firstBytes: limits.partBytes,
    signal: invocation.signal,
  });
}

/** The refusal of an index that a person does not want to be looked at again. */
const refusedNow = ({ standing, again }: SyncSession): IndexRefusal | undefined =>
  again ? undefined : refusalInForce(standing.current?.pointer, standing.refusal);

/**
 * What the origin may keep for itself: the current index, and one that was refused. Both: while nodes of a CDN disagree,
 * each answers with another of the two, and neither is worth a download every hour.
 */
function knownIndexes(session: SyncSession): KnownIndexes {
  const { current } = session.standing;
  const refused = refusedNow(session);
  const here = current?.pointer.origin.url === session.ports.indexUrl ? current.pointer.origin : undefined;
  if (refused === undefined) return { etag: here?.etag, lastModified: here?.lastModified };
  const { etag, lastModified } = refused;
  // Beside a tag a date counts for nothing, and a date is all that this one can be known by.
  if (etag === undefined) return { lastModified };
  return { etag, lastModified, ...(here?.etag !== undefined && { others: [here.etag] }) };
}

/** As If-None-Match compares: weak or not, which a server may say differently each time (RFC 9110, section 8.8.3.2). */
const sameTag = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && a.replace(/^W\//, '') === b?.replace(/^W\//, '');

/** Nothing is downloaded; and nothing is written, but for what a person asked for or a dead run left. */
async function unchanged(session: SyncSession, etag: string | undefined): Promise<SyncOutcome> {
  const refused = refusedNow(session);
  const { current } = session.standing;
  // An origin that does not say which of the two it has is believed to have the one that people should hear of.
  const hasCurrent = !sameTag(etag, refused?.etag) && sameTag(etag, current?.pointer.origin.etag);
  if (refused !== undefined && !hasCurrent) {
    await takeBackUnfinished(session);
    return {
      outcome: 'refused',
      reason: `the origin still offers the index that was refused at ${refused.at}: ${refused.reason}`,
      ...(refused.sha256 !== undefined && { sha256: refused.sha256 }),
    };
  }
  if (current === undefined) return { outcome: 'failed', reason: 'the origin answered "unchanged" to a first request' };
  return keepCurrent(session, current);
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
