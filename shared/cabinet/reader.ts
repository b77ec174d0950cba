import { Decoders } from './decoder.ts';
import { CabError } from './error.ts';
import type { FileTable } from './file-table.ts';
import { FolderStream } from './folder.ts';
import { type CabFolder, type CabHeader, type CabMember, type MetMember, readHeader } from './header.ts';
import { type Cursor, Intake, type Steps } from './intake.ts';

/** Something that bytes are pushed into. */
export interface ByteSink {
  /** @param chunk valid only during the call, so copy what is kept; do not change it, later matches may refer to it */
  write(chunk: Uint8Array): void;
  /** Called once, after the last byte. It is not called when the bytes could not all be read. */
  end(): void;
  /** True when further bytes would be dropped: they are not made then, and `end` is called at once. */
  readonly done?: boolean;
  /** Called once instead of `end` when there will be no more bytes, because something failed. Must not throw. */
  abort?(): void;
}

/** What a caller does with a cabinet as it is read. What these functions and the sinks throw ends the reading. */
export interface CabHandlers {
  /** Called once, before any `onMember`. */
  onHeader?(header: CabHeader): void;
  /**
   * Called once for each member, in the order of the data: folders by their place in the cabinet, members by their
   * place in the folder. The returned sink gets the member and is ended before the next call; `undefined` passes the
   * member over. (Only members that share the same bytes are asked for together and written in turns.)
   * A folder of which nothing is wanted is not unpacked, nor is the part behind what is wanted last.
   */
  onMember(member: MetMember): ByteSink | undefined;
}

/** A member whose bytes are wanted. */
interface Wanted {
  readonly member: CabMember;
  readonly sink: ByteSink;
}

/**
 * Reads a cabinet that is pushed into it in chunks of any size, synchronously. Memory is bounded: the tables, one CFDATA
 * block and a window (2.6 MB in all). For a cabinet in a cabinet return another reader from `onMember`.
 *
 * `write` and `end` throw {@link CabError} when the cabinet is malformed, and from then on again. After the cabinet's
 * end (`cbCabinet`) further bytes are ignored; a signature may stand there.
 *
 * The memory of the decoder is used again by other readers as soon as this one has read the cabinet, failed, or was
 * given up with `abort`; of a reader that is just forgotten, when the garbage collector notices.
 */
export class CabReader implements ByteSink {
  readonly #handlers: CabHandlers;
  readonly #cursor: Cursor = { offset: 0 };
  readonly #intake: Intake;
  readonly #decoders = new Decoders();
  #header: CabHeader | undefined;
  /** The member that is read, for errors. */
  #at: CabMember | undefined;
  /** Who gets it: mostly one, several when members share their bytes. */
  readonly #wanted: Wanted[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(handlers: CabHandlers) {
    this.#handlers = handlers;
    this.#intake = new Intake(this.#read(), this.#cursor);
  }

  write(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      this.#intake.push(chunk);
    } catch (error) {
      throw this.#fail(this.#named(error));
    }
  }

  /** @throws CabError `truncated` when the cabinet is not complete */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#intake.done) return;
    const { received } = this.#intake;
    const place = this.#header === undefined ? 'bytes, inside its header' : `of ${this.#header.size} bytes`;
    throw this.#fail(
      new CabError('truncated', `the cabinet ends after ${received} ${place}`, {
        offset: received,
        member: this.#at?.name,
      }),
    );
  }

  /** Gives up: the sink of the member at hand is aborted, the decoder's memory is given back, and `write` fails. */
  abort(): void {
    if (this.#failure !== undefined || this.#intake.done) return;
    const offset = this.#intake.received;
    this.#fail(new CabError('truncated', `reading was given up after ${offset} bytes`, { offset }));
  }

  /** The first failure counts: that of a sink which gave the reader up itself is no other. */
  #fail(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure.error;
    this.#failure = { error };
    this.#decoders.close();
    for (const { sink } of this.#wanted.splice(0)) sink.abort?.();
    return error;
  }

  /** Adds the member to errors of its own data; those of a cabinet inside it have their path already. */
  #named(error: unknown): unknown {
    if (!(error instanceof CabError) || error.member !== undefined || this.#at === undefined) return error;
    return new CabError(error.code, error.reason, { offset: error.offset, member: this.#at.name, cause: error.cause });
  }

  *#read(): Steps<void> {
    const { header, files } = yield* readHeader(this.#cursor);
    this.#header = header;
    this.#handlers.onHeader?.(header);
    const order = inOrderOfData(header, files);
    let stream: FolderStream | undefined;
    let folder = -1;
    for (let i = 0; i < order.length; ) {
      const index = order[i] as number;
      if (stream === undefined || files.folder(index) !== folder) {
        folder = files.folder(index);
        stream = new FolderStream(header, header.folders[folder] as CabFolder, this.#decoders, this.#cursor);
      }
      const until = endOfSharing(files, order, i);
      while (i < until) this.#ask(files.member(order[i++] as number));
      const first = this.#wanted[0]?.member;
      if (first === undefined) continue;
      this.#at = first;
      if (first.size > 0) {
        stream.begin(first);
        while (!this.#isDone()) {
          const bytes = stream.next();
          if (bytes.length > 0) this.#deliver(bytes);
          if (stream.isComplete) break;
          if (bytes.length === 0) yield* stream.readBlock();
        }
      }
      this.#endMembers();
      this.#at = undefined;
    }
    this.#decoders.close();
    const rest = header.size - this.#cursor.offset;
    if (rest > 0) yield { what: 'skip', count: rest };
  }

  #ask(member: MetMember): void {
    const sink = this.#handlers.onMember(member);
    this.#assertNotGivenUp();
    if (sink !== undefined) this.#wanted.push({ member, sink });
  }

  /** When the sink is a reader of a nested cabinet, its errors get the member's name as well. */
  #deliver(bytes: Uint8Array): void {
    for (const { member, sink } of this.#wanted) {
      try {
        sink.write(bytes);
      } catch (error) {
        throw within(member, error);
      }
    }
    this.#assertNotGivenUp();
  }

  /** Nobody who gets the member at hand wants more of it. */
  #isDone(): boolean {
    for (const { sink } of this.#wanted) if (sink.done !== true) return false;
    return true;
  }

  /** Handlers and sinks may call `abort` as well. */
  #assertNotGivenUp(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #endMembers(): void {
    // Taken out before they end: those that have are not aborted when a later one fails. From the end it costs less.
    const wanted = this.#wanted;
    if (wanted.length > 1) wanted.reverse();
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      try {
        next.sink.end();
      } catch (error) {
        throw within(next.member, error);
      }
    }
    this.#assertNotGivenUp();
  }
}

/** Reads a whole cabinet from a stream of chunks, in one pass. */
export async function readCab(source: AsyncIterable<Uint8Array>, handlers: CabHandlers): Promise<void> {
  const reader = new CabReader(handlers);
  try {
    for await (const chunk of source) reader.write(chunk);
    reader.end();
  } finally {
    // Nothing when all was read; else whatever stopped the source stops the sinks as well.
    reader.abort();
  }
}

/**
 * Numbers of the members: folders by the place of their data, members by their place in the folder; empty ones come before
 * the one that begins at the same place.
 */
function inOrderOfData({ folders }: CabHeader, files: FileTable): Uint32Array {
  const order = new Uint32Array(files.count);
  for (let index = 0; index < order.length; index++) order[index] = index;
  const isInOrder = folders.every(({ dataOffset }, i) => i === 0 || dataOffset >= (folders[i - 1]?.dataOffset ?? 0));
  if (isInOrder && files.isInOrder) return order;
  const ranks = new Uint32Array(folders.length);
  const byPlace = folders.map(({ dataOffset }, index) => ({ dataOffset, index }));
  byPlace.sort((a, b) => a.dataOffset - b.dataOffset || a.index - b.index);
  for (const [rank, { index }] of byPlace.entries()) ranks[index] = rank;
  return order.sort(
    (a, b) =>
      (ranks[files.folder(a)] as number) - (ranks[files.folder(b)] as number) ||
      files.offset(a) - files.offset(b) ||
      files.size(a) - files.size(b) ||
      a - b,
  );
}

/**
 * Members whose entries name the same bytes, as tools make them that store equal files once, are read together.
 *
 * @param order of the members by their place
 * @returns place in the order of the first one after `from` that has other bytes
 */
function endOfSharing(files: FileTable, order: Uint32Array, from: number): number {
  const first = order[from] as number;
  const size = files.size(first);
  let until = from + 1;
  if (size === 0) return until;
  for (; until < order.length; until++) {
    const next = order[until] as number;
    if (files.offset(next) !== files.offset(first) || files.size(next) !== size) break;
    if (files.folder(next) !== files.folder(first)) break;
  }
  return until;
}

function within(member: CabMember, error: unknown): unknown {
  return error instanceof CabError ? error.within(member.name) : error;
}
