import { createHash } from 'node:crypto';
import { AuthenticodeReader, type SignatureState } from '#shared/authenticode/index.ts';
import type { CopiedIndex } from '#shared/contract/index-copy.ts';
import type { SyncProgress } from '#shared/contract/operators/index-sync.ts';
import { type ExaminedCab, IndexError, IndexExaminer } from '#shared/index/index.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import type { SyncSession } from './ports.ts';
import { SyncError } from './sync-error.ts';

/** What one pass over the bytes tells, without a look at what they say. */
export interface Examined {
  /** Of the whole file, hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly signature: SignatureState;
  /** Cabinets inside it; or why the bytes are not an index. */
  readonly cabs: readonly ExaminedCab[] | IndexError;
}

/** Reads a staged index once: its digest, Microsoft's signature, and the digests of the cabinets inside it. */
export async function examine(session: SyncSession, source: AsyncIterable<Uint8Array>): Promise<Examined> {
  const hash = createHash('sha256');
  const signature = new AuthenticodeReader({ policy: session.ports.trust, now: session.ports.now() });
  const examiner = new IndexExaminer();
  let fault: IndexError | undefined;
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    signature.write(chunk);
    // Bytes that are no index have a digest all the same, by which they are known when they come again.
    if (fault === undefined) fault = faultOf(() => examiner.write(chunk));
    bytes += chunk.byteLength;
  }
  let cabs: readonly ExaminedCab[] = [];
  fault ??= faultOf(() => {
    cabs = examiner.end();
  });
  return { sha256: hash.digest('hex'), bytes, signature: await signature.end(), cabs: fault ?? cabs };
}

function faultOf(run: () => void): IndexError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof IndexError) return error;
    throw error;
  }
}

/**
 * The bytes of a copied index, wherever a run that died left them: under the staging key, or already under their
 * digest's. `undefined` when they are in neither place.
 */
export async function openCopied(
  session: SyncSession,
  copy: CopiedIndex,
  phase: SyncProgress['phase'],
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { index, journal } = session.ports;
  try {
    return watched(session, await index.openStaged(copy.copyId), phase, copy.length);
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'not-found')) throw error;
  }
  const unfinished = await journal.unfinished();
  if (unfinished?.copyId !== copy.copyId || !(await index.has(unfinished.sha256))) return undefined;
  return watched(session, await index.open(unfinished.sha256), phase, copy.length);
}

/** The same bytes, which stop at the end of the time and tell how far they are. */
async function* watched(
  { invocation, progress }: SyncSession,
  source: AsyncIterable<Uint8Array>,
  phase: SyncProgress['phase'],
  length: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    if (invocation.signal.aborted)
      throw new SyncError('time-limit', `the time was over at byte ${bytes} of ${length} (${phase})`);
    yield chunk;
    bytes += chunk.byteLength;
    await progress.note(phase, { bytes, of: length });
  }
}
