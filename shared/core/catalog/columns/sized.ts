import type { Lists } from './growing.ts';

/** The same values in an array of another length: cut off, or with zeros behind them. The old one is empty then. */
export function resized<A extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
  values: A,
  length: number,
  over: new (buffer: ArrayBuffer) => A,
): A {
  if (length === values.length) return values;
  return new over((values.buffer as ArrayBuffer).transfer(length * values.BYTES_PER_ELEMENT));
}

/**
 * {@link Lists} in the making, of which it is known beforehand how long they will be, or nearly: what was foreseen is not
 * moved any more, and read and written as fast as can be.
 */
export class SizedLists {
  #values: Uint32Array;
  #ends: Uint32Array;
  #length = 0;
  #count = 0;

  constructor({ values = 64, lists = 64 }: { readonly values?: number; readonly lists?: number } = {}) {
    this.#values = new Uint32Array(values);
    this.#ends = new Uint32Array(lists);
  }

  /** Values in all lists, the open one included. */
  get length(): number {
    return this.#length;
  }

  /** Adds to the list that is open. */
  push(value: number): void {
    if (this.#length === this.#values.length) this.#values = resized(this.#values, next(this.#length), Uint32Array);
    this.#values[this.#length++] = value;
  }

  /** Closes the list that is open. */
  close(): void {
    if (this.#count === this.#ends.length) this.#ends = resized(this.#ends, next(this.#count), Uint32Array);
    this.#ends[this.#count++] = this.#length;
  }

  /** Gives the lists away. There are none then. */
  take(): Lists {
    const lists = {
      ends: resized(this.#ends, this.#count, Uint32Array),
      values: resized(this.#values, this.#length, Uint32Array),
    };
    this.#ends = new Uint32Array(0);
    this.#values = new Uint32Array(0);
    this.#length = 0;
    this.#count = 0;
    return lists;
  }
}

/** How much there is to be room for when so much is full. */
export const next = (length: number): number => Math.max(64, Math.ceil(length * 1.5));
