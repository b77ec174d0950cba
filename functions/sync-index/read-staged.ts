import { createHash } from 'node:crypto';
import { AuthenticodeReader, type SignatureState } from '#shared/authenticode/index.ts';
import type { CopiedIndex } from '#shared/contract/index-copy.ts';
import type { SyncProgress } from '#shared/contract/operators/index-sync.ts';
import { type ExaminedCab, IndexError, IndexExaminer } from '#shared/index/index.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import type { SyncSession } from './ports.ts';
import { stopAtEnd, withinTime } from './time.ts';

/** Bytes that are known by their digest. */
export interface Digested {
  /** Of the whole file, hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What one pass over the bytes tells, without a look at what they say. */
export interface Examined extends Digested {
  readonly signature: SignatureState;
  /** Cabinets inside it; or why the bytes are not an index. */
  readonly cabs: readonly ExaminedCab[] | IndexError;
}

/** A source whose digest is known once it was read to its end. */
export class DigestedBytes implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.#hash.update(chunk);
      this.#bytes += chunk.byteLength;
      yield chunk;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** To be asked once. */
  sha256(): string {
    return this.#hash.digest('hex');
  }
}

/** Reads a staged index once: its digest, Microsoft's signature, and the digests of the cabinets inside it. */
export async function examine(session: SyncSession, source: AsyncIterable<Uint8Array>): Promise<Examined> {
  const read = new DigestedBytes(source);
  const signature = new AuthenticodeReader({ policy: session.ports.trust, now: session.ports.now() });
  const examiner = new IndexExaminer();
  let fault: IndexError | undefined;
  let cabs: readonly ExaminedCab[] = [];
  try {
    for await (const chunk of read) {
      signature.write(chunk);
      // Bytes that are no index have a digest all the same, by which they are known when they come again.
      if (fault === undefined) fault = faultOf(() => examiner.write(chunk));
    }
    fault ??= faultOf(() => {
      cabs = examiner.end();
    });
  } finally {
    // A decoder holds memory outside of the heap, which the next run of this process would miss.
    examiner.abort();
  }
  return { sha256: read.sha256(), bytes: read.bytes, signature: await signature.end(), cabs: fault ?? cabs };
}

/** The digest alone, which takes neither memory nor much time. */
export async function digest(source: AsyncIterable<Uint8Array>): Promise<Digested> {
  const read = new DigestedBytes(source);
  for await (const _ of read);
  return { sha256: read.sha256(), bytes: read.bytes };
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
    const staged = await withinTime(
      session,
      index.openStaged(copy.copyId),
      () => `at byte 0 of ${copy.length} (${phase})`,
    );
    return watched(session, staged, phase, copy.length);
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'not-found')) throw error;
  }
  const unfinished = await journal.unfinished();
  if (unfinished?.copyId !== copy.copyId || !(await index.has(unfinished.sha256))) return undefined;
  return watched(session, await index.open(unfinished.sha256), phase, copy.length);
}

/**
 * The same bytes, which stop at the end of the time, also when the source gives nothing any more, and tell how far they
 * are.
 */
export async function* watched(
  session: SyncSession,
  source: AsyncIterable<Uint8Array>,
  phase: SyncProgress['phase'],
  length: number,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let bytes = 0;
  let ended = false;
  const where = (): string => `at byte ${bytes} of ${length} (${phase})`;
  try {
    for (;;) {
      const next = await withinTime(session, iterator.next(), where);
      stopAtEnd(session, where());
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
      bytes += next.value.byteLength;
      await session.progress.note(phase, { bytes, of: length });
    }
  } finally {
    // Not waited for: a source that gives nothing ends only when its connection does.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
