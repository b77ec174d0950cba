/**
 * Values that follow from numbers and from nothing else, a million times faster to ask for than those of `../invent`: a full
 * index has some hundred million of them.
 */

/** Mixes whole numbers into one of 32 bits (the finalizer of MurmurHash3, by Austin Appleby, public domain). */
export function mixed(...numbers: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const number of numbers) {
    // Both halves count, so that numbers beyond 32 bits differ too.
    hash = scrambled(hash ^ (number | 0));
    hash = scrambled(hash + Math.floor(number / 2 ** 32));
  }
  return hash >>> 0;
}

function scrambled(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A row of numbers from a start (xorshift128 of George Marsaglia). */
export class Row {
  #x: number;
  #y: number;
  #z: number;
  #w: number;

  constructor(...start: readonly number[]) {
    this.#x = mixed(...start, 1) | 1;
    this.#y = mixed(...start, 2);
    this.#z = mixed(...start, 3);
    this.#w = mixed(...start, 4);
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8);
    return this.#w >>> 0;
  }

  /** 0 to `count` - 1. */
  below(count: number): number {
    return this.next() % count;
  }

  /** At least 0, below 1. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** True for so many of a hundred. */
  percent(share: number): boolean {
    return this.fraction() * 100 < share;
  }

  /** An item of a list that is not empty. */
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Normally distributed, mean 0 and deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
  }

  /** Eight hexadecimal digits, lower case. */
  hex8(): string {
    return hex8(this.next());
  }

  /** GUID of version 4, lower case. */
  guid(): string {
    const [a, b, c, d] = [this.next(), this.next(), this.next(), this.next()];
    const middle = hex8(((b & 0xffff0fff) | 0x4000) >>> 0);
    const last = hex8(((c & 0x3fffffff) | 0x80000000) >>> 0);
    return `${hex8(a)}-${middle.slice(0, 4)}-${middle.slice(4)}-${last.slice(0, 4)}-${last.slice(4)}${hex8(d)}`;
  }

  /** @param length multiple of four */
  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(this.next(), at);
    return bytes;
  }
}

const hex8 = (number: number): string => number.toString(16).padStart(8, '0');
