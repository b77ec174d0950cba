import { Decoders } from './decoder.ts';
import { CabError } from './error.ts';
import { FolderStream } from './folder.ts';
import { type CabFolder, type CabHeader, type CabMember, readHeader } from './header.ts';
import { type Cursor, Intake, type Steps } from './intake.ts';

/** Something that bytes are pushed into. */
export interface ByteSink {
  /** @param chunk valid only during the call, so copy what is kept; do not change it, later matches may refer to it */
  write(chunk: Uint8Array): void;
  /** Called once, after the last byte. It is not called when the bytes could not all be read. */
  end(): void;
}

/** What a caller does with a cabinet as it is read. What these functions and the sinks throw ends the reading. */
export interface CabHandlers {
  /** Called once, before any `onMember`. */
  onHeader?(header: CabHeader): void;
  /**
   * Called once for each member, in the order of the data: folders by their place in the cabinet, members by their
   * place in the folder. The returned sink gets the member and is ended before the next call; `undefined` passes the
   * member over. (Only members that share the same bytes are asked for together and written in turns.)
   * A folder of which nothing is wanted is not unpacked, nor is the part behind its last wanted member.
   */
  onMember(member: CabMember): ByteSink | undefined;
}

/** A member whose bytes are wanted. */
interface Wanted {
  readonly member: CabMember;
  readonly sink: ByteSink;
}

/**
 * Reads a cabinet that is pushed into it in chunks of any size, synchronously. Memory is bounded: the tables, one CFDATA
 * block and, for LZX, two windows (at most 4 MiB). For a cabinet in a cabinet return another reader from `onMember`.
 *
 * `write` and `end` throw {@link CabError} when the cabinet is malformed, and from then on again. After the cabinet's
 * end (`cbCabinet`) further bytes are ignored; a signature may stand there.
 */
export class CabReader implements ByteSink {
  readonly #handlers: CabHandlers;
  readonly #cursor: Cursor = { offset: 0 };
  readonly #intake: Intake;
  #header: CabHeader | undefined;
  /** The member that is read, for errors. */
  #at: CabMember | undefined;
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
      this.#failure = { error };
      throw error;
    }
  }

  /** @throws CabError `truncated` when the cabinet is not complete */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#intake.done) return;
    const { received } = this.#intake;
    const place = this.#header === undefined ? 'bytes, inside its header' : `of ${this.#header.size} bytes`;
    const error = new CabError('truncated', `the cabinet ends after ${received} ${place}`, {
      offset: received,
      member: this.#at?.name,
    });
    this.#failure = { error };
    throw error;
  }

  *#read(): Steps<void> {
    const header = yield* readHeader(this.#cursor);
    this.#header = header;
    this.#handlers.onHeader?.(header);
    const members = membersByFolder(header);
    const decoders = new Decoders();
    for (const { folder, index } of inOrderOfData(header)) {
      const stream = new FolderStream(header, folder, decoders, this.#cursor);
      for (const sharing of bySharedBytes(members.get(index) ?? [])) yield* this.#readMembers(stream, sharing);
    }
    const rest = header.size - this.#cursor.offset;
    if (rest > 0) yield { what: 'skip', count: rest };
  }

  *#readMembers(stream: FolderStream, members: SharedBytes): Steps<void> {
    const wanted: Wanted[] = [];
    for (const member of members) {
      const sink = this.#handlers.onMember(member);
      if (sink !== undefined) wanted.push({ member, sink });
    }
    const first = wanted[0]?.member;
    if (first === undefined) return;
    this.#at = first;
    const deliver = (bytes: Uint8Array) => {
      for (const { member, sink } of wanted) nested(member, () => sink.write(bytes));
    };
    if (first.size > 0) yield* named(first, stream.read(first, deliver));
    for (const { member, sink } of wanted) nested(member, () => sink.end());
    this.#at = undefined;
  }
}

/** Reads a whole cabinet from a stream of chunks, in one pass. */
export async function readCab(source: AsyncIterable<Uint8Array>, handlers: CabHandlers): Promise<void> {
  const reader = new CabReader(handlers);
  for await (const chunk of source) reader.write(chunk);
  reader.end();
}

function inOrderOfData({ folders }: CabHeader): { folder: CabFolder; index: number }[] {
  return folders
    .map((folder, index) => ({ folder, index }))
    .sort((a, b) => a.folder.dataOffset - b.folder.dataOffset || a.index - b.index);
}

/** Members of each folder by their place in it; empty ones come before the one that begins at the same place. */
function membersByFolder(header: CabHeader): Map<number, CabMember[]> {
  const byFolder = new Map<number, CabMember[]>();
  for (const member of header.members) {
    const members = byFolder.get(member.folder);
    if (members === undefined) byFolder.set(member.folder, [member]);
    else members.push(member);
  }
  for (const members of byFolder.values()) members.sort((a, b) => a.offset - b.offset || a.size - b.size);
  return byFolder;
}

/** Mostly one member; several when their entries name the same bytes, as tools do that store equal files once. */
type SharedBytes = [CabMember, ...CabMember[]];

/** @param members sorted by their place */
function bySharedBytes(members: readonly CabMember[]): SharedBytes[] {
  const groups: SharedBytes[] = [];
  for (const member of members) {
    const group = groups.at(-1);
    const shares = group?.[0].offset === member.offset && group[0].size === member.size && member.size > 0;
    if (group !== undefined && shares) group.push(member);
    else groups.push([member]);
  }
  return groups;
}

/** Adds the member to errors of its own data; those of a cabinet inside it have their path already. */
function* named(member: CabMember, steps: Steps<void>): Steps<void> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof CabError) || error.member !== undefined) throw error;
    throw new CabError(error.code, error.reason, { offset: error.offset, member: member.name, cause: error.cause });
  }
}

/** Calls the member's sink; when that is a reader of a nested cabinet, its errors get the member's name as well. */
function nested(member: CabMember, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (error instanceof CabError) throw error.within(member.name);
    throw error;
  }
}
