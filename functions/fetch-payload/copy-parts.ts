import type { PayloadTransfer } from '#shared/contract/payload-transfer.ts';
import type { PartedUpload } from '#shared/stores/payloads/port.ts';
import { UpstreamError, type UpstreamErrorCode } from '#shared/upstream/upstream-error.ts';
import { FetchError } from './fetch-error.ts';
import { paceOf } from './pace.ts';
import { type FetchSession, renewed } from './ports.ts';
import { type FetchableFile, Proof, type Proved } from './prove.ts';

/** How far an invocation got with the parts of a file. */
export type PartsStep =
  /** The staged file is whole, and proved when all of it came by here. `copied`: this invocation had parts to copy. */
  | { readonly state: 'staged'; readonly proved?: Proved; readonly copied: boolean }
  | { readonly state: 'paused'; readonly bytes: number }
  /** The upload was dropped, and there is no staged file either. */
  | { readonly state: 'lost' };

/** Reads the first part, into memory for it. */
export type FirstPart = (into: Uint8Array) => Promise<Uint8Array>;

interface PartRange {
  /** From 1. */
  readonly part: number;
  readonly from: number;
  /** The byte after the last one. */
  readonly to: number;
}

const partsOf = ({ length, partBytes }: PayloadTransfer): readonly PartRange[] =>
  Array.from({ length: Math.ceil(length / partBytes) }, (_, at) => ({
    part: at + 1,
    from: at * partBytes,
    to: Math.min(length, (at + 1) * partBytes),
  }));

/**
 * Copies the parts that are missing, as long as there is time, and completes the staged file when all are there. When all came
 * by here in their order and are not what the index says, nothing is completed.
 *
 * @param first bytes of the first part, when they came with the answer that began the transfer
 * @throws UpstreamError `changed` when the origin has another file by now; FetchError; StoreError
 */
export async function copyParts(
  session: FetchSession,
  facts: FetchableFile,
  transfer: PayloadTransfer,
  first?: FirstPart,
): Promise<PartsStep> {
  const { transfers } = session.ports;
  const upload = transfers.upload(facts.sha1, transfer.uploadId);
  const held = await upload.parts();
  // Completed by a delivery that died before it could prove it; else dropped by somebody.
  if (held === undefined)
    return (await transfers.stagedBytes(facts.sha1)) === transfer.length
      ? { state: 'staged', copied: false }
      : { state: 'lost' };
  const parts = partsOf(transfer);
  const missing = parts.filter(({ part, from, to }) => held.get(part) !== to - from);
  const copy = new Copy(session, facts, transfer, upload, missing);
  const done = await copy.run(first);
  if (!done) return { state: 'paused', bytes: copy.bytes };
  const proved = missing.length === parts.length ? copy.proof.finish(facts) : undefined;
  await upload.complete({ parts: parts.length, length: transfer.length });
  return { state: 'staged', copied: missing.length > 0, ...(proved && { proved }) };
}

const mendedElsewhere: ReadonlySet<UpstreamErrorCode> = new Set([
  'unavailable',
  'timeout',
  'cut',
  'not-found',
  'refused',
  'host-not-allowed',
]);

/** Another address may do better. A proxy that refuses the credentials (407) might lock the account. */
const isAway = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError &&
  (mendedElsewhere.has(error.code) ||
    (error.code === 'proxy-refused' && error.status !== undefined && error.status !== 407));

/** The moment at which all parts before one are hashed. */
class Turn {
  come: () => void = () => {};
  readonly came = new Promise<void>((resolve) => {
    this.come = resolve;
  });
}

/** Missing parts on their way, a few at a time, hashed in their order. */
class Copy {
  readonly proof = new Proof();
  /** That are in the store, of all. */
  bytes: number;
  readonly #session: FetchSession;
  readonly #facts: FetchableFile;
  /** Its address becomes that of the index when the twin goes away. */
  #transfer: PayloadTransfer;
  readonly #upload: PartedUpload;
  readonly #missing: readonly PartRange[];
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  readonly #paced: (bytes: number) => Promise<void>;
  #noted: Promise<void> = Promise.resolve();

  constructor(
    session: FetchSession,
    facts: FetchableFile,
    transfer: PayloadTransfer,
    upload: PartedUpload,
    missing: readonly PartRange[],
  ) {
    this.#session = session;
    this.#facts = facts;
    this.#transfer = transfer;
    this.#upload = upload;
    this.#missing = missing;
    this.#signal = AbortSignal.any([session.delivery.signal, this.#failed.signal]);
    this.#paced = paceOf(session.ports, this.#signal);
    this.bytes = transfer.length - missing.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** @returns whether all parts are there; false when the time was over. @throws the first failure */
  async run(first: FirstPart | undefined): Promise<boolean> {
    const { ports, delivery } = this.#session;
    const { partsInFlight, lastPartMilliseconds } = ports.limits;
    const { partBytes, length } = this.#transfer;
    const stopAt = delivery.deadlineAt.getTime() - lastPartMilliseconds;
    const turns = this.#missing.map(() => new Turn());
    turns[0]?.come();
    const waiting = this.#missing.entries();
    let failure: { readonly error: unknown } | undefined;
    let left = this.#missing.length;
    const work = async (): Promise<void> => {
      // One for all parts that it takes: new memory for each costs more time than the hashes.
      let into: Uint8Array | undefined;
      for (const [at, range] of waiting) {
        if (this.#signal.aborted || ports.now().getTime() >= stopAt) {
          // This part's turn does not come: what was hashed is not the whole anyway.
          for (const turn of turns) turn.come();
          return;
        }
        into ??= Buffer.allocUnsafeSlow(Math.min(partBytes, length));
        const bytes = range.part === 1 && first !== undefined ? await first(into) : await this.#fetch(range, into);
        await Promise.all([this.#store(range, bytes), this.#hash(bytes, turns[at], turns[at + 1])]);
        left -= 1;
      }
    };
    const workers = Array.from({ length: partsInFlight }, () =>
      work().catch((error: unknown) => {
        failure ??= { error };
        this.#failed.abort();
        // Nobody must wait for a turn that does not come.
        for (const turn of turns) turn.come();
      }),
    );
    await Promise.all(workers);
    await this.#noted;
    // The end of the time is no failure: what arrived is kept, and another invocation goes on.
    const { signal } = delivery;
    const overtime = signal.aborted && failure?.error instanceof UpstreamError && failure.error.code === 'aborted';
    if (failure !== undefined && !overtime) throw failure.error;
    return left === 0;
  }

  /** From where the transfer began; when that twin goes away, from the address of the index, where the same tag is the same file. */
  async #fetch({ from, to }: PartRange, into: Uint8Array): Promise<Uint8Array> {
    const { address, url, etag, length } = this.#transfer;
    const hasFallback = address !== url;
    const ask = (where: string, isFirst: boolean): Promise<Uint8Array> =>
      this.#session.ports.upstream.getRange(
        where,
        { etag, length, from, to },
        { signal: this.#signal, into, hasFallback: isFirst && hasFallback },
      );
    try {
      return await ask(address, true);
    } catch (atTwin) {
      if (!hasFallback || !isAway(atTwin)) throw atTwin;
      const bytes = await ask(url, false).catch((atUrl: unknown) => {
        throw this.#neither(atTwin, atUrl);
      });
      this.#transfer = { ...this.#transfer, address: url };
      return bytes;
    }
  }

  /**
   * Both addresses failed. What the twin says counts, so that parts are kept for the time when it is back; but a delivery that
   * comes again finds that it does not come back, and begins anew with the file that the address of the index has.
   */
  #neither(atTwin: UpstreamError, atUrl: unknown): unknown {
    if (!(atUrl instanceof UpstreamError) || atUrl.code === 'aborted') return atUrl;
    if (atUrl.code === 'changed' && this.#session.delivery.receiveCount > 1) return atUrl;
    const { code, status, retryAfterSeconds } = atTwin;
    return new UpstreamError(code, `${atTwin.message}; ${atUrl.message}`, { status, retryAfterSeconds, cause: atUrl });
  }

  /** Waits for its turn, so that the whole is hashed from its first byte to its last. */
  async #hash(bytes: Uint8Array, turn: Turn | undefined, next: Turn | undefined): Promise<void> {
    await turn?.came;
    this.proof.update(bytes);
    next?.come();
  }

  async #store({ part }: PartRange, bytes: Uint8Array): Promise<void> {
    await this.#upload.put(part, bytes);
    this.bytes += bytes.byteLength;
    // One after the other, so that what is told never goes back.
    this.#noted = this.#noted.then(() => this.#note(this.bytes));
    await this.#noted;
    await this.#paced(bytes.byteLength);
  }

  async #note(bytes: number): Promise<void> {
    const { ports } = this.#session;
    const progress = {
      bytes,
      of: this.#transfer.length,
      startedAt: this.#transfer.startedAt,
      at: ports.now().toISOString(),
    };
    const isMine = await ports.requests.note(this.#facts.sha1, renewed(this.#session, 'short'), {
      transfer: this.#transfer,
      progress,
    });
    if (isMine) this.#session.gain.bytes = bytes;
    else throw new FetchError('taken-over', `another delivery works on ${this.#facts.sha1} by now`);
  }
}
