import { type Column, release, uint8Column, uint32Column } from './growing.ts';
import { type HashKey, keyedHash, noHashKey } from './keyed-hash.ts';

const hexDigits = '0123456789abcdef';
const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex of some bytes. */
export function hexOf(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let i = start; i < start + length; i++) text += hexOfByte[bytes[i] as number] as string;
  return text;
}

/** Value of a lower-case hex digit's code; -1 for any other. */
const digitOf = new Int8Array(128).fill(-1);
for (let value = 0; value < 16; value++) digitOf[hexDigits.charCodeAt(value)] = value;

/** Writes the bytes of a hex text. @returns whether it was `length` bytes of lower-case hex */
export function bytesOfHex(text: string, into: Uint8Array, length: number): boolean {
  return text.length === length * 2 && readHex(text, 0, into, 0, length);
}

/** Bytes of each part of a GUID's text. */
const guidParts = [4, 2, 2, 2, 6] as const;

/** Writes the 16 bytes of a GUID in the order of its text. @returns whether it was one in lower case, with its hyphens */
export function bytesOfGuid(text: string, into: Uint8Array): boolean {
  if (text.length !== 36) return false;
  let from = 0;
  let at = 0;
  for (const length of guidParts) {
    if (from > 0 && text[from - 1] !== '-') return false;
    if (!readHex(text, from, into, at, length)) return false;
    from += length * 2 + 1;
    at += length;
  }
  return true;
}

function readHex(text: string, from: number, into: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const high = digitOf[text.charCodeAt(from + i * 2)] ?? -1;
    const low = digitOf[text.charCodeAt(from + i * 2 + 1)] ?? -1;
    if (high < 0 || low < 0) return false;
    into[at + i] = (high << 4) | low;
  }
  return true;
}

/** `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` of 16 bytes, in the order of the text (not that of a Windows GUID structure). */
export function guidOf(bytes: Uint8Array, start: number): string {
  const hex = (from: number, length: number): string => hexOf(bytes, start + from, length);
  return `${hex(0, 4)}-${hex(4, 2)}-${hex(6, 2)}-${hex(8, 2)}-${hex(10, 6)}`;
}

const emptySlot = 0xffff_ffff;

/** Keys of one width, each kept once and known by its number: an open-addressing hash table over one byte array. */
export class BytePool {
  readonly width: number;
  readonly #key: HashKey;
  readonly #bytes: Column<Uint8Array>;
  #count = 0;
  #slots: Uint32Array = new Uint32Array(1 << 10).fill(emptySlot);

  /** @param key to be secret when the keys come from a stranger */
  constructor(width: number, key: HashKey = noHashKey) {
    this.width = width;
    this.#key = key;
    this.#bytes = uint8Column(1024 * width);
  }

  get count(): number {
    return this.#count;
  }

  /** Number of the key, which is added when it is new. `from` is where its bytes stand. */
  intern(bytes: Uint8Array, from = 0): number {
    const slot = this.#slotOf(bytes, from);
    const known = this.#slots[slot] as number;
    if (known !== emptySlot) return known;
    const number = this.#count++;
    this.#bytes.append(bytes.subarray(from, from + this.width));
    this.#slots[slot] = number;
    if (this.#count * 2 > this.#slots.length) {
      const slots = this.#rehashed(this.#slots.length * 2);
      release(this.#slots);
      this.#slots = slots;
    }
    return number;
  }

  /** All keys and, behind them, whatever; valid until the next one is added. */
  get raw(): Uint8Array {
    return this.#bytes.raw;
  }

  /** All keys, one after the other; valid until the next one is added. */
  view(): Uint8Array {
    return this.#bytes.view();
  }

  /** Frees what finds keys, when none will be added any more; the keys stay. */
  seal(): void {
    release(this.#slots);
    this.#slots = new Uint32Array(0);
  }

  /** Frees the memory of the keys now. The pool must not be used then. */
  free(): void {
    this.#bytes.free();
    release(this.#slots);
  }

  /** Gives the keys away, one after the other. The pool must not be used then. */
  take(): Uint8Array {
    release(this.#slots);
    return this.#bytes.take();
  }

  #slotOf(bytes: Uint8Array, from: number): number {
    const mask = this.#slots.length - 1;
    const all = this.#bytes.raw;
    let slot = keyedHash(bytes, from, this.width, this.#key) & mask;
    for (;;) {
      const known = this.#slots[slot] as number;
      if (known === emptySlot || this.#equals(all, known, bytes, from)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(all: Uint8Array, number: number, bytes: Uint8Array, from: number): boolean {
    const start = number * this.width;
    for (let i = 0; i < this.width; i++) if (all[start + i] !== bytes[from + i]) return false;
    return true;
  }

  #rehashed(size: number): Uint32Array {
    const slots = new Uint32Array(size).fill(emptySlot);
    const all = this.#bytes.view();
    for (let number = 0; number < this.#count; number++) {
      let slot = keyedHash(all, number * this.width, this.width, this.#key) & (size - 1);
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
  readonly #ends = uint32Column();
  readonly #hashes = uint32Column();
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
    const ends = this.#ends.raw;
    const all = this.#bytes.raw;
    const hashes = this.#hashes.raw;
    const mask = this.#slots.length - 1;
    const hash = keyedHash(bytes, start, end - start, this.#key);
    let slot = hash & mask;
    for (;;) {
      const known = this.#slots[slot] as number;
      if (known === emptySlot) break;
      const from = known === 0 ? 0 : (ends[known - 1] as number);
      if (hashes[known] === hash && equalRanges(all, from, ends[known] as number, bytes, start, end)) return known;
      slot = (slot + 1) & mask;
    }
    const number = this.#ends.length;
    this.#bytes.append(bytes.subarray(start, end));
    this.#ends.push(this.#bytes.length);
    this.#hashes.push(hash);
    this.#slots[slot] = number;
    if (this.#ends.length * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return number;
  }

  get(number: number): string {
    return textAt({ ends: this.#ends.raw, bytes: this.#bytes.raw }, number);
  }

  /** The same with whatever behind the texts. */
  get raw(): Texts {
    return { ends: this.#ends.raw, bytes: this.#bytes.raw };
  }

  /** Valid until the next text is added. */
  view(): Texts {
    return { ends: this.#ends.view(), bytes: this.#bytes.view() };
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

  #rehash(size: number): void {
    const slots = new Uint32Array(size).fill(emptySlot);
    const hashes = this.#hashes.raw;
    for (let number = 0; number < this.#ends.length; number++) {
      let slot = (hashes[number] as number) & (size - 1);
      while (slots[slot] !== emptySlot) slot = (slot + 1) & (size - 1);
      slots[slot] = number;
    }
    release(this.#slots);
    this.#slots = slots;
  }
}

function equalRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false;
  for (let i = aStart, k = bStart; i < aEnd; i++, k++) if (a[i] !== b[k]) return false;
  return true;
}

// Texts are what they are: a byte order mark at the start is part of one, and what is not UTF-8 is none.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** @throws TypeError when its bytes are not UTF-8 */
export function textAt({ ends, bytes }: Texts, number: number): string {
  const start = number === 0 ? 0 : (ends[number - 1] as number);
  return decoder.decode(bytes.subarray(start, ends[number] as number));
}
