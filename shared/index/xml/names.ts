import type { HashKey } from '#shared/core/catalog/columns/keyed-hash.ts';
import { secretHashKey } from '../hash-key.ts';

/** Names kept before the table is emptied; a publication has some 250. */
const MAX_NAMES = 2048;
/** One tag adds at most its own name and those of its attributes. */
const SPARE_NAMES = 512;
/** Bytes of names kept before the table is emptied. */
const MAX_NAME_BYTES = 1 << 16;
const SLOTS = 1 << 13;

/**
 * Numbers for the names of elements and attributes, found by their bytes, so that a name that occurred before costs
 * neither a string nor an allocation. Planned names have the first numbers and stay; the others are forgotten when there
 * are too many of them ({@link crowded}, {@link forget}), so that memory does not grow with the input.
 */
export class NameTable {
  /** The bytes of all names; a name's are from its `starts` to its `ends`. */
  bytes = new Uint8Array(1 << 12);
  readonly starts = new Int32Array(MAX_NAMES + SPARE_NAMES);
  readonly ends = new Int32Array(MAX_NAMES + SPARE_NAMES);
  /** Open addressing; a name's number + 1, 0 is free. */
  readonly #slots = new Int32Array(SLOTS);
  readonly #hashes = new Int32Array(MAX_NAMES + SPARE_NAMES);
  readonly #texts: string[] = [];
  readonly #ids = new Map<string, number>();
  #used = 0;
  #planned = 0;

  /**
   * Odd, and a secret: names are hashed as h = multiplier h + byte, in 32 bits, and of those that may be kept here nobody can
   * choose enough that fall on one slot, not knowing it. It is 5 modulo 8, which gives the longest period.
   */
  readonly multiplier: number;

  constructor([key]: HashKey = secretHashKey()) {
    this.multiplier = (key & ~7) | 5;
  }

  /** How many names are planned. Their numbers are below it. */
  get planned(): number {
    return this.#planned;
  }

  /** Whether it is time to {@link forget}. */
  get crowded(): boolean {
    return this.#texts.length >= MAX_NAMES || this.#used >= MAX_NAME_BYTES;
  }

  /** Adds a planned name. To be called before any other name is met. */
  plan(name: string): void {
    if (this.#ids.has(name)) return;
    if (this.#planned === MAX_NAMES / 2) throw new TypeError(`plans name more than ${MAX_NAMES / 2} elements`);
    this.add(name);
    this.#planned += 1;
  }

  /** The number of a name, or -1 when it was not met. */
  idOf(name: string): number {
    return this.#ids.get(name) ?? -1;
  }

  textOf(id: number): string {
    return this.#texts[id] as string;
  }

  /** The number of a name by its text. */
  add(name: string): number {
    const bytes = Buffer.from(name);
    let hash = 0;
    for (const byte of bytes) hash = (Math.imul(hash, this.multiplier) + byte) | 0;
    return this.intern(bytes, 0, bytes.length, hash);
  }

  /**
   * The number of the name at `buffer[start, end)`.
   *
   * @param hash of its bytes, by {@link multiplier}
   */
  intern(buffer: Buffer, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    for (;;) {
      const id = (slots[slot] as number) - 1;
      if (id < 0) return this.#insert(slot, buffer, start, end, hash);
      if (this.#hashes[id] === hash) {
        const bytes = this.bytes;
        let at = start;
        let known = this.starts[id] as number;
        const last = this.ends[id] as number;
        if (last - known === end - start) {
          while (known < last && bytes[known] === buffer[at]) {
            known += 1;
            at += 1;
          }
          if (known === last) return id;
        }
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
  }

  /** Forgets all names that are not planned; their numbers are void. */
  forget(): void {
    const planned = this.#texts.slice(0, this.#planned);
    this.#texts.length = 0;
    this.#ids.clear();
    this.#slots.fill(0);
    this.#used = 0;
    for (const name of planned) this.add(name);
  }

  #insert(slot: number, buffer: Buffer, start: number, end: number, hash: number): number {
    const id = this.#texts.length;
    const used = this.#used + end - start;
    if (used > this.bytes.length) {
      const grown = new Uint8Array(Math.max(used, 2 * this.bytes.length));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(buffer.subarray(start, end), this.#used);
    this.starts[id] = this.#used;
    this.ends[id] = used;
    this.#hashes[id] = hash;
    this.#slots[slot] = id + 1;
    this.#used = used;
    const text = buffer.toString('utf8', start, end);
    this.#texts.push(text);
    this.#ids.set(text, id);
    return id;
  }
}
