import { createHash } from 'node:crypto';
import { type ByteSink, CabError, type CabHandlers, type CabMember, CabReader } from '#shared/cabinet/index.ts';
import { IndexError, quoted } from './index-error.ts';

/** Names lie in cabinets with either separator, and cabinets do not tell cases apart. */
export const pathOf = (member: { readonly name: string }): string => member.name.replaceAll('\\', '/').toLowerCase();

/** Whether a member of the outer cabinet is one of the cabinets inside it. @param path see {@link pathOf} */
export const isInnerCab = (path: string): boolean => /^package\d*\.cab$/.test(path);

/**
 * Members that may be read at once because their entries name the same bytes. Each needs a parser or a decoder of its own,
 * and a cabinet of a few kB can have 65,535 of them. None of the real cabinets among our samples has even two.
 */
const MAX_SHARING = 16;

/** A cabinet whose faults say which one it is, and which hands out a bounded number of members at once. */
export class NamedCab implements ByteSink {
  readonly #name: string | undefined;
  readonly #reader: CabReader;
  /** The member that was asked for last of those that have bytes, and how many with its bytes are wanted. */
  #last: CabMember | undefined;
  #sharing = 0;

  /** @param name `undefined` for the index itself */
  constructor(name: string | undefined, handlers: CabHandlers) {
    this.#name = name;
    this.#reader = new CabReader({
      ...handlers,
      onMember: (member) => {
        const sink = handlers.onMember(member);
        if (sink !== undefined) this.#count(member);
        return sink;
      },
    });
  }

  write(chunk: Uint8Array): void {
    this.#guard(() => this.#reader.write(chunk));
  }

  end(): void {
    this.#guard(() => this.#reader.end());
  }

  abort(): void {
    this.#reader.abort();
  }

  #count(member: CabMember): void {
    // Empty ones are read one by one, wherever they are.
    if (member.size === 0) return;
    const { offset, size, folder } = this.#last ?? {};
    const isSame = member.offset === offset && member.size === size && member.folder === folder;
    this.#last = member;
    this.#sharing = isSame ? this.#sharing + 1 : 1;
    if (this.#sharing <= MAX_SHARING) return;
    const what = `more than ${MAX_SHARING} of its members are the same bytes, ${quoted(member.name)} for instance`;
    throw new IndexError('bad-layout', `${this.#name ?? 'the index'}: ${what}`);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CabError)) throw error;
      const place = error.offset === undefined ? '' : ` (at byte ${error.offset} of the cabinet)`;
      const what = `${error.reason}${place}`;
      if (this.#name === undefined && error.code === 'not-a-cabinet') {
        throw new IndexError('not-an-index', `not an index: ${what}`, { cause: error });
      }
      const where = error.member === undefined ? '' : `, at its member ${quoted(error.member)}`;
      throw new IndexError('bad-cab', `${this.#name ?? 'the index'}${where}: ${what}`, { cause: error });
    }
  }
}

/** Tells SHA-256 (hex) and length of the bytes at the end. */
export class DigestSink implements ByteSink {
  readonly #done: (facts: { readonly sha256: string; readonly bytes: number }) => void;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(done: (facts: { readonly sha256: string; readonly bytes: number }) => void) {
    this.#done = done;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  end(): void {
    this.#done({ sha256: this.#hash.digest('hex'), bytes: this.#bytes });
  }
}
