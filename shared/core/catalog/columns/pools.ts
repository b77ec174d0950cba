import { maxBytes, NumberColumn, release, uint8Column } from './growing.ts';
import { type HashKey, keyedHash, keyedHashOfWords, noHashKey } from './keyed-hash.ts';
import { next, resized } from './sized.ts';

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex of some bytes. */
export function hexOf(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let i = start; i < start + length; i++) text += hexOfByte[bytes[i] as number] as string;
  return text;
}

/** `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` of 16 bytes, in the order of the text (not that of a Windows GUID structure). */
export function guidOf(bytes: Uint8Array, start: number): string {
  const hex = (from: number, length: number): string => hexOf(bytes, start + from, length);
  return `${hex(0, 4)}-${hex(4, 2)}-${hex(6, 2)}-${hex(8, 2)}-${hex(10, 6)}`;
}

const emptySlot = 0xffff_ffff;

/** Keys of one width, each kept once and known by its number: an open-addressing hash table over one array. */
export class BytePool {
  readonly width: number;
  /** Room for one key, to be written and then looked up by {@link internScratch}. */
  readonly scratch: Uint8Array;
  readonly #scratchWords: Uint32Array;
  readonly #key0: number;
  readonly #key1: number;
  readonly #wordsOfKey: number;
  /** The keys, as words and as bytes of the same memory. */
  #words: Uint32Array;
  #bytes: Uint8Array;
  #count = 0;
  #slots: Uint32Array = new Uint32Array(1 << 10).fill(emptySlot);

  /**
   * @param width in bytes, a multiple of four
   * @param key to be secret when the keys come from a stranger
   * @param expected keys that there will be, as far as that is known
   */
  constructor(width: number, [key0, key1]: HashKey = noHashKey, expected = 1024) {
    if (width % 4 !== 0) throw new RangeError(`keys of ${width} bytes; allowed are multiples of four`);
    this.width = width;
    this.scratch = new Uint8Array(width);
    this.#scratchWords = new Uint32Array(this.scratch.buffer);
    this.#wordsOfKey = width / 4;
    this.#key0 = key0;
    this.#key1 = key1;
    this.#words = new Uint32Array(Math.max(1, expected) * this.#wordsOfKey);
    this.#bytes = new Uint8Array(this.#words.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Number of the key, which is added when it is new. `from` is where its bytes stand. */
  intern(bytes: Uint8Array, from = 0): number {
    const { scratch, width } = this;
    for (let i = 0; i < width; i++) scratch[i] = bytes[from + i] as number;
    return this.internScratch();
  }

  /** Number of the key in {@link scratch}, which is added when it is new. */
  internScratch(): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const key = this.#scratchWords;
    const words = this.#words;
    const count = this.#wordsOfKey;
    let slot = keyedHashOfWords(key, count, this.#key0, this.#key1) & mask;
    for (;;) {
      const known = slots[slot] as number;
      if (known === emptySlot) break;
      const start = known * count;
      let i = 0;
      while (i < count && words[start + i] === key[i]) i += 1;
      if (i === count) return known;
      slot = (slot + 1) & mask;
    }
    slots[slot] = this.#count;
    const number = this.#add(this.scratch, 0);
    if (this.#count * 2 > slots.length) {
      this.#slots = this.#rehashed(slots.length * 2);
      release(slots);
    }
    return number;
  }

  /** Adds a key that no other is equal to, without what it would be found by: {@link intern} does not know it. */
  push(bytes: Uint8Array, from: number): number {
    return this.#add(bytes, from);
  }

  /** All keys and, behind them, whatever; valid until the next one is added. */
  get raw(): Uint8Array {
    return this.#bytes;
  }

  /** All keys, one after the other; valid until the next one is added. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#count * this.width);
  }

  /** Frees what finds keys, when none will be added any more; the keys stay. */
  seal(): void {
    release(this.#slots);
    this.#slots = new Uint32Array(0);
  }

  /** Frees the memory of the keys now. The pool must not be used then. */
  free(): void {
    release(this.#words);
    release(this.#slots);
  }

  /** Gives the keys away, one after the other. The pool must not be used then. */
  take(): Uint8Array {
    release(this.#slots);
    return resized(this.#bytes, this.#count * this.width, Uint8Array);
  }

  #add(bytes: Uint8Array, from: number): number {
    const { width } = this;
    const start = this.#count * width;
    if (start === this.#bytes.length) {
      const length = next(this.#count) * width;
      if (length > maxBytes) throw new RangeError(`keys of ${length} bytes; up to ${maxBytes} are possible`);
      this.#bytes = resized(this.#bytes, length, Uint8Array);
      this.#words = new Uint32Array(this.#bytes.buffer);
    }
    const all = this.#bytes;
    for (let i = 0; i < width; i++) all[start + i] = bytes[from + i] as number;
    return this.#count++;
  }

  #rehashed(size: number): Uint32Array {
    const slots = new Uint32Array(size).fill(emptySlot);
    const count = this.#wordsOfKey;
    const key = new Uint32Array(count);
    for (let number = 0; number < this.#count; number++) {
      for (let i = 0; i < count; i++) key[i] = this.#words[number * count + i] as number;
      let slot = keyedHashOfWords(key, count, this.#key0, this.#key1) & (size - 1);
      while (slots[slot] !== emptySlot) slot = (slot + 1) & (size - 1);
      slots[slot] = number;
    }
    return slots;
  }
}

/** Texts in UTF-8, one after the other: text `i` is `bytes[ends[i - 1] .. ends[i]]`. */
export interface Texts {
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/** Texts, each kept once and known by its number. As strings they would take three times as much memory. */
export class TextPool {
  readonly #key: HashKey;
  readonly #ends = new NumberColumn();
  readonly #hashes = new NumberColumn();
  readonly #bytes = uint8Column(1 << 16);
  readonly #encoder = new TextEncoder();
  #scratch = new Uint8Array(1 << 12);
  #slots = new Uint32Array(1 << 10).fill(emptySlot);

  /** @param key to be secret when the texts come from a stranger */
  constructor(key: HashKey = noHashKey) {
    this.#key = key;
  }

  get count(): number {
    return this.#ends.length;
  }

  /** Number of the text, which is added when it is new. */
  intern(text: string): number {
    if (text.length * 3 > this.#scratch.length) this.#scratch = new Uint8Array(text.length * 3);
    const { written } = this.#encoder.encodeInto(text, this.#scratch);
    return this.internBytes(this.#scratch, 0, written);
  }

  /** The same for a text of which the UTF-8 bytes are at hand. */
  internBytes(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    const hash = keyedHash(bytes, start, end - start, this.#key);
    let slot = hash & mask;
    for (;;) {
      const known = this.#slots[slot] as number;
      if (known === emptySlot) break;
      if (this.#hashes.at(known) === hash && this.#equals(known, bytes, start, end)) return known;
      slot = (slot + 1) & mask;
    }
    const number = this.push(bytes, start, end);
    this.#hashes.push(hash);
    this.#slots[slot] = number;
    if (this.#ends.length * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return number;
  }

  /** Adds a text that no other is equal to, without what it would be found by: a pool of such is never asked for one. */
  push(bytes: Uint8Array, start: number, end: number): number {
    const number = this.#ends.length;
    this.#bytes.append(bytes.subarray(start, end));
    this.#ends.push(this.#bytes.length);
    return number;
  }

  get(number: number): string {
    return decoder.decode(this.#bytes.raw.subarray(this.start(number), this.end(number)));
  }

  /** Where the text begins and ends in {@link raw}. */
  start(number: number): number {
    return number === 0 ? 0 : this.#ends.at(number - 1);
  }

  end(number: number): number {
    return this.#ends.at(number);
  }

  /** The bytes of all texts and, behind them, whatever; valid until the next text is added. */
  get raw(): Uint8Array {
    return this.#bytes.raw;
  }

  /** Frees what finds texts, when none will be added any more; the texts stay. */
  seal(): void {
    release(this.#slots);
    this.#slots = new Uint32Array(0);
  }

  /** Frees the memory of the texts now. The pool must not be used then. */
  free(): void {
    for (const column of [this.#ends, this.#hashes, this.#bytes]) column.free();
    release(this.#slots);
  }

  /** Gives the texts away. The pool must not be used then. */
  take(): Texts {
    this.#hashes.free();
    release(this.#slots);
    return { ends: this.#ends.take(), bytes: this.#bytes.take() };
  }

  #equals(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const all = this.#bytes.raw;
    let at = this.start(number);
    if (this.end(number) - at !== end - start) return false;
    for (let i = start; i < end; i++) if (all[at++] !== bytes[i]) return false;
    return true;
  }

  #rehash(size: number): void {
    const slots = new Uint32Array(size).fill(emptySlot);
    for (let number = 0; number < this.#ends.length; number++) {
      let slot = this.#hashes.at(number) & (size - 1);
      while (slots[slot] !== emptySlot) slot = (slot + 1) & (size - 1);
      slots[slot] = number;
    }
    release(this.#slots);
    this.#slots = slots;
  }
}

// Texts are what they are: a byte order mark at the start is part of one, and what is not UTF-8 is none.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** @throws TypeError when its bytes are not UTF-8 */
export function textAt({ ends, bytes }: Texts, number: number): string {
  const start = number === 0 ? 0 : (ends[number - 1] as number);
  return decoder.decode(bytes.subarray(start, ends[number] as number));
}
