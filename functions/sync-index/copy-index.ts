import type { CopiedIndex, CopyingIndex, IndexCopy } from '#shared/contract/index-copy.ts';
import type { IndexUpload } from '#shared/stores/catalog/port.ts';
import type { IndexAnswer } from '#shared/upstream/client.ts';
import { UpstreamError } from '#shared/upstream/upstream-error.ts';
import type { SyncSession } from './ports.ts';
import { SyncError } from './sync-error.ts';
import { lastBeginning, withinTime } from './time.ts';

/** How far an invocation got with a copy. */
export type CopyStep =
  | { readonly state: 'copied'; readonly copy: CopiedIndex; readonly newBytes: number }
  /** The time was over; `bytes` of it are there, `newBytes` of them by this invocation. */
  | { readonly state: 'stopped'; readonly copy: CopyingIndex; readonly bytes: number; readonly newBytes: number }
  /** The upload was dropped, and there is no object either. */
  | { readonly state: 'lost'; readonly copy: CopyingIndex };

/** Writes the next state of the copy, on the condition that nobody else did. */
export async function saveCopy<C extends IndexCopy>({ ports }: SyncSession, before: IndexCopy, next: C): Promise<C> {
  const saved = { ...next, revision: before.revision + 1 };
  await ports.journal.putCopy(saved, before.revision);
  return saved;
}

/**
 * Takes what the origin offers: begins a copy in parts, of which the answer brings the first; or, where the origin does
 * not allow for that, copies the body in one go. `newBytes` were stored.
 */
export async function beginCopy(
  session: SyncSession,
  answer: Exclude<IndexAnswer, { kind: 'unchanged' }>,
): Promise<{ readonly copy: IndexCopy; readonly newBytes: number }> {
  try {
    return await takeAnswer(session, answer);
  } finally {
    answer.cancel();
  }
}

async function takeAnswer(
  session: SyncSession,
  answer: Exclude<IndexAnswer, { kind: 'unchanged' }>,
): Promise<{ readonly copy: IndexCopy; readonly newBytes: number }> {
  const { ports, limits, progress, event } = session;
  const copyId = ports.newCopyId();
  const { lastModified } = answer.validators;
  const common = {
    version: 1 as const,
    revision: 1,
    copyId,
    url: ports.indexUrl,
    ...(lastModified !== undefined && { lastModified }),
    startedAt: ports.now().toISOString(),
    runIds: [...progress.runIds],
    // A chain of invocations stays one when the file changes under it.
    continuations: event.continuations ?? 0,
  };
  let copy: IndexCopy;
  if (answer.kind === 'ranged') {
    const uploadId = await ports.index.beginUpload(copyId);
    const { length, validators } = answer;
    copy = { ...common, state: 'copying', length, etag: validators.etag, uploadId, partBytes: limits.partBytes };
  } else {
    const { etag } = answer.validators;
    const length = await stageWhole(session, copyId, answer);
    copy = { ...common, state: 'copied', length, ...(etag !== undefined && { etag }), readings: 0 };
  }
  try {
    // A run that dies before this leaves an upload or object that nobody knows of, for the bucket's lifecycle rules.
    await ports.journal.putCopy(copy, undefined);
  } catch (error) {
    // Another run began one at the same moment.
    await dropBytes(session, copy);
    throw error;
  }
  if (answer.kind === 'whole' || copy.state === 'copied') return { copy, newBytes: copy.length };
  return { copy, newBytes: await storeFirst(session, copy, answer) };
}

/** @returns bytes that were stored: none when the piece broke off, since it can be asked for again like any other */
async function storeFirst(
  { ports, progress }: SyncSession,
  { copyId, uploadId, length }: CopyingIndex,
  answer: Extract<IndexAnswer, { kind: 'ranged' }>,
): Promise<number> {
  await progress.note('copying', { bytes: 0, of: length });
  let first: Uint8Array;
  try {
    first = await answer.first();
  } catch (error) {
    if (error instanceof UpstreamError) return 0;
    throw error;
  }
  await ports.index.upload(copyId, uploadId).put(1, first);
  return first.byteLength;
}

async function stageWhole(
  { ports, progress }: SyncSession,
  copyId: string,
  { body, length }: Extract<IndexAnswer, { kind: 'whole' }>,
): Promise<number> {
  async function* noted(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      await progress.note('copying', { bytes, ...(length !== undefined && { of: length }) });
      yield chunk;
    }
  }
  return ports.index.stage(copyId, noted());
}

/** Drops a copy and all that belongs to it. The row goes last, so that a death in between is found again. */
export async function dropCopy(session: SyncSession, copy: IndexCopy): Promise<void> {
  await dropBytes(session, copy);
  await session.ports.journal.clearCopy(copy.revision);
}

async function dropBytes({ ports: { index } }: SyncSession, copy: IndexCopy): Promise<void> {
  if (copy.state === 'copying') await index.upload(copy.copyId, copy.uploadId).abort();
  await index.drop(copy.copyId);
}

/**
 * Copies the parts that are missing, as long as there is time.
 * @throws UpstreamError `changed` when the origin has another file by now
 */
export async function copyParts(session: SyncSession, copy: CopyingIndex): Promise<CopyStep> {
  const { ports, progress } = session;
  const upload = ports.index.upload(copy.copyId, copy.uploadId);
  const held = await upload.parts();
  const copied = (): Promise<CopiedIndex> => saveCopy(session, copy, copiedOf(copy));
  if (held === undefined) {
    // Completed by a run that died, or by another, before it could say so; else dropped by somebody.
    if ((await ports.index.stagedBytes(copy.copyId)) !== copy.length) return { state: 'lost', copy };
    return { state: 'copied', copy: await copied(), newBytes: 0 };
  }
  const parts = partsOf(copy);
  const missing = parts.filter(({ part, from, to }) => held.get(part) !== to - from);
  const before = copy.length - missing.reduce((sum, { from, to }) => sum + to - from, 0);
  await progress.note('copying', { bytes: before, of: copy.length });
  const newBytes = await fetchParts(session, copy, upload, missing, before);
  const bytes = before + newBytes;
  if (bytes < copy.length) return { state: 'stopped', copy, bytes, newBytes };
  const whole = upload.complete({ parts: parts.length, length: copy.length });
  await withinTime(session, whole, () => 'while the copy was completed');
  return { state: 'copied', copy: await copied(), newBytes };
}

function copiedOf({ uploadId: _, partBytes: __, ...copy }: CopyingIndex): CopiedIndex {
  return { ...copy, state: 'copied', readings: 0 };
}

interface PartRange {
  /** From 1. */
  readonly part: number;
  readonly from: number;
  /** The byte after the last one. */
  readonly to: number;
}

function partsOf({ length, partBytes }: CopyingIndex): readonly PartRange[] {
  const count = Math.max(1, Math.ceil(length / partBytes));
  return Array.from({ length: count }, (_, at) => ({
    part: at + 1,
    from: at * partBytes,
    to: Math.min(length, (at + 1) * partBytes),
  }));
}

/**
 * Fetches parts, a few at a time, until all are there or the time is over. @returns bytes that were stored
 * @throws UpstreamError, the first failure; parts in flight are given up then
 */
async function fetchParts(
  session: SyncSession,
  { url, etag, length }: CopyingIndex,
  upload: IndexUpload,
  missing: readonly PartRange[],
  before: number,
): Promise<number> {
  const { ports, limits, invocation, progress } = session;
  const stopAt = lastBeginning(session);
  const failed = new AbortController();
  const signal = AbortSignal.any([invocation.signal, failed.signal]);
  const waiting = missing.values();
  let stored = 0;
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (const { part, from, to } of waiting) {
      if (signal.aborted || ports.now().getTime() >= stopAt) return;
      const bytes = await ports.upstream.getRange(url, { etag, length, from, to }, { signal });
      // Stored later it does no harm: it is the same part of the same file.
      await withinTime(session, upload.put(part, bytes), () => `while part ${part} was stored`);
      stored += bytes.byteLength;
      await progress.note('copying', { bytes: before + stored, of: length });
    }
  };
  const workers = Array.from({ length: limits.partsInFlight }, () =>
    work().catch((error: unknown) => {
      failure ??= { error };
      failed.abort();
    }),
  );
  await Promise.all(workers);
  // The end of the time is no failure: what arrived is kept, and another invocation goes on.
  const overtime =
    invocation.signal.aborted &&
    (failure?.error instanceof SyncError ||
      (failure?.error instanceof UpstreamError && failure.error.code === 'aborted'));
  if (failure !== undefined && !overtime) throw failure.error;
  return stored;
}
