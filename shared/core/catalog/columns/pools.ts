import { type Column, release, uint8Column, uint32Column } from './growing.ts';

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

/** Writes the bytes of a hex text, hyphens passed over. @returns whether it was `length` bytes of lower-case hex */
export function bytesOfHex(text: string, into: Uint8Array, length: number): boolean {
  let at = 0;
  for (let i = 0; i < text.length; i += 2) {
    if (text.charCodeAt(i) === 0x2d) i += 1;
    const high = digitOf[text.charCodeAt(i)] ?? -1;
    const low = digitOf[text.charCodeAt(i + 1)] ?? -1;
    if (high < 0 || low < 0 || at === length) return false;
    into[at++] = (high << 4) | low;
  }
  return at === length;
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
  readonly #bytes: Column<Uint8Array>;
  #count: number;
  #slots: Uint32Array;

  /** @param bytes keys to begin with, all different, in the order of their numbers */
  constructor(width: number, bytes: Uint8Array = new Uint8Array(0)) {
    this.width = width;
    this.#bytes = uint8Column(Math.max(1024 * width, bytes.length));
    this.#bytes.append(bytes);
    this.#count = bytes.length / width;
    this.#slots = this.#rehashed(1 << Math.max(10, Math.ceil(Math.log2(this.#count * 2 + 1))));
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

  /** Number of the key, or -1. */
  find(bytes: Uint8Array, from = 0): number {
    const known = this.#slots[this.#slotOf(bytes, from)] as number;
    return known === emptySlot ? -1 : known;
  }

  /** All keys, one after the other; valid until the next one is added. */
  view(): Uint8Array {
    return this.#bytes.view();
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
    let slot = hashOf(bytes, from, this.width) & mask;
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
      let slot = hashOf(all, number * this.width, this.width) & (size - 1);
      while (slots[slot] !== emptySlot) slot = (slot + 1) & (size - 1);
      slots[slot] = number;
    }
    return slots;
  }
}

/**
 * Murmur-like mixing of whole words (after A. Appleby's MurmurHash3, public domain), since keys come by the million. It
 * is no secret: an index made to collide would be slow, and only Microsoft's signed ones are read unattended.
 */
function hashOf(bytes: Uint8Array, from: number, length: number): number {
  let hash = length;
  let at = from;
  const words = from + (length & ~3);
  for (; at < words; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = mixed(hash, word);
  }
  let rest = 0;
  for (const end = from + length; at < end; at++) rest = (rest << 8) | (bytes[at] as number);
  hash = mixed(hash, rest);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function mixed(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const joined = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return Math.imul((joined << 13) | (joined >>> 19), 5) + 0x2e4dba95;
}

/** Texts in UTF-8, one after the other: text `i` is `bytes[ends[i - 1] .. ends[i]]`. */
export interface Texts {
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/** Texts, each kept once and known by its number. As strings they would take three times as much memory. */
export class TextPool {
  readonly #ends = uint32Column();
  readonly #hashes = uint32Column();
  readonly #bytes = uint8Column(1 << 16);
  readonly #encoder = new TextEncoder();
  #scratch = new Uint8Array(1 << 12);
  #slots = new Uint32Array(1 << 10).fill(emptySlot);

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
    const hash = hashOf(bytes, start, end - start);
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

  /** Valid until the next text is added. */
  view(): Texts {
    return { ends: this.#ends.view(), bytes: this.#bytes.view() };
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

const decoder = new TextDecoder();

export function textAt({ ends, bytes }: Texts, number: number): string {
  const start = number === 0 ? 0 : (ends[number - 1] as number);
  return decoder.decode(bytes.subarray(start, ends[number] as number));
}
