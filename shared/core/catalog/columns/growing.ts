/**
 * Typed arrays that grow while a catalogue is put together. A catalogue of 137,000 updates as objects takes some
 * hundred MB; as numbers in columns it takes about thirty.
 */
type NumberArray = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** A column that is appended to. */
export class Column<A extends NumberArray> {
  #values: A;
  #length = 0;
  readonly #make: (length: number) => A;

  /** @param make makes an array of so many zeros */
  constructor(make: (length: number) => A, capacity = 1024) {
    this.#make = make;
    this.#values = make(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow(this.#length + 1);
    this.#values[this.#length++] = value;
  }

  /** Appends all of `bytes` (for columns of bytes). */
  append(bytes: ArrayLike<number>): void {
    const end = this.#length + bytes.length;
    if (end > this.#values.length) this.#grow(end);
    this.#values.set(bytes, this.#length);
    this.#length = end;
  }

  at(index: number): number {
    return this.#values[index] as number;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** The values so far; valid until the next one is appended. */
  view(): A {
    return this.#values.subarray(0, this.#length) as A;
  }

  /** The values in an array of just their length. */
  trimmed(): A {
    return this.view().slice() as A;
  }

  #grow(least: number): void {
    // By half: doubling a column of 20 MB would cost as much again.
    const grown = this.#make(Math.max(least, Math.ceil(this.#values.length * 1.5)));
    grown.set(this.view());
    this.#values = grown;
  }
}

export const uint8Column = (capacity?: number): Column<Uint8Array> => new Column((n) => new Uint8Array(n), capacity);
export const uint16Column = (capacity?: number): Column<Uint16Array> => new Column((n) => new Uint16Array(n), capacity);
export const uint32Column = (capacity?: number): Column<Uint32Array> => new Column((n) => new Uint32Array(n), capacity);
export const float64Column = (capacity?: number): Column<Float64Array> =>
  new Column((n) => new Float64Array(n), capacity);

/** Lists of numbers, one after the other: list `i` is `values[ends[i - 1] .. ends[i]]`. */
export interface Lists {
  readonly ends: Uint32Array;
  readonly values: Uint32Array;
}

/** {@link Lists} that are appended to, one list at a time. */
export class ListsColumn {
  readonly #ends = uint32Column();
  readonly #values = uint32Column();

  /** Adds to the list that is open. */
  push(value: number): void {
    this.#values.push(value);
  }

  /** Lists that are closed. */
  get count(): number {
    return this.#ends.length;
  }

  /** A closed list; valid until something is added. */
  at(index: number): Uint32Array {
    const start = index === 0 ? 0 : this.#ends.at(index - 1);
    return this.#values.view().subarray(start, this.#ends.at(index));
  }

  /** Closes the list that is open. */
  close(): void {
    this.#ends.push(this.#values.length);
  }

  view(): Lists {
    return { ends: this.#ends.view(), values: this.#values.view() };
  }

  trimmed(): Lists {
    return { ends: this.#ends.trimmed(), values: this.#values.trimmed() };
  }
}

/** Where list `index` begins and ends in `values`. */
export const listStart = ({ ends }: Lists, index: number): number => (index === 0 ? 0 : (ends[index - 1] as number));
export const listEnd = ({ ends }: Lists, index: number): number => ends[index] as number;
