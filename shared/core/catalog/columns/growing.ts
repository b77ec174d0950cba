/**
 * Typed arrays that grow while a catalogue is put together. A catalogue of 137,000 updates as objects takes some
 * hundred MB; as numbers in columns it takes about fifty.
 *
 * {@link Column}, for bytes, grows in place, as resizable buffers do; {@link NumberColumn} has pages. Both are freed by hand:
 * copied ones would wait for the garbage collector and leave holes in the process's memory, together as much again.
 */
type NumberArray = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Of one column; only addresses are reserved. The largest, the texts of a whole index, has some 21 MB. */
export const maxBytes = 1 << 28;

/** Frees the memory of an array of its own now. It is empty then. */
export function release(array: NumberArray): void {
  (array.buffer as ArrayBuffer).transfer(0);
}

/** A column that is appended to. */
export class Column<A extends NumberArray> {
  #values: A;
  #length = 0;
  readonly #over: (buffer: ArrayBuffer) => A;

  /** @param over makes an array over a whole buffer */
  constructor(over: (buffer: ArrayBuffer) => A, bytesPerValue: number, capacity = 1024) {
    this.#over = over;
    this.#values = over(new ArrayBuffer(capacity * bytesPerValue, { maxByteLength: maxBytes }));
  }

  get length(): number {
    return this.#length;
  }

  /** @throws RangeError when the column is full */
  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow(this.#length + 1);
    this.#values[this.#length++] = value;
  }

  /** Appends all of `bytes` (for columns of bytes). @throws RangeError when the column is full */
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

  /** All values so far and, behind them, whatever; valid until the next one is appended. */
  get raw(): A {
    return this.#values;
  }

  /** The values so far; valid until the next one is appended. */
  view(): A {
    return this.#values.subarray(0, this.#length) as A;
  }

  /** Gives the values away, in an array of just their length, and frees the column. */
  take(): A {
    const values = this.#over(this.#buffer.transferToFixedLength(this.#length * this.#values.BYTES_PER_ELEMENT));
    this.#length = 0;
    return values;
  }

  /** Frees the memory now. The column must not be used then. */
  free(): void {
    this.#buffer.transfer(0);
    this.#length = 0;
  }

  #grow(least: number): void {
    const width = this.#values.BYTES_PER_ELEMENT;
    const needed = least * width;
    if (needed > maxBytes) throw new RangeError(`a column of ${needed} bytes; up to ${maxBytes} are possible`);
    const length = Math.max(least, Math.ceil(this.#values.length * 1.5), 16);
    this.#buffer.resize(Math.min(length * width, maxBytes));
  }

  get #buffer(): ArrayBuffer {
    return this.#values.buffer as ArrayBuffer;
  }
}

export const uint8Column = (capacity?: number): Column<Uint8Array> =>
  new Column((buffer) => new Uint8Array(buffer), 1, capacity);
export const float64Column = (capacity?: number): Column<Float64Array> =>
  new Column((buffer) => new Float64Array(buffer), 8, capacity);

/** Values of a page, as a power of two. A whole index has some fifty columns, each with one that is filled in part. */
const pageBits = 13;
const inPage = (1 << pageBits) - 1;

/**
 * A column of whole numbers from 0 to 2^32 - 1, whatever they mean. It is kept in pages of one kind: the engine reads an
 * array of fixed length with a few instructions and one that can be resized with dozens, and what takes columns of several
 * kinds is compiled for each of them. For what is read and written by the million this is a third of the time.
 */
export class NumberColumn {
  readonly #pages: Uint32Array[] = [];
  #page = none;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @throws RangeError when the column is full */
  push(value: number): void {
    const at = this.#length & inPage;
    if (at === 0) this.#addPage();
    this.#page[at] = value;
    this.#length += 1;
  }

  at(index: number): number {
    return (this.#pages[index >>> pageBits] as Uint32Array)[index & inPage] as number;
  }

  set(index: number, value: number): void {
    (this.#pages[index >>> pageBits] as Uint32Array)[index & inPage] = value;
  }

  /** Gives the values away, in one array, and frees the column. */
  take(): Uint32Array {
    const values = new Uint32Array(this.#length);
    for (const [number, page] of this.#pages.entries()) {
      const start = number << pageBits;
      values.set(page.subarray(0, Math.min(page.length, values.length - start)), start);
      release(page);
    }
    this.#pages.length = 0;
    this.#length = 0;
    return values;
  }

  /** Frees the memory now. The column must not be used then. */
  free(): void {
    for (const page of this.#pages) release(page);
    this.#pages.length = 0;
    this.#page = none;
    this.#length = 0;
  }

  #addPage(): void {
    const needed = (this.#length + 1) * 4;
    if (needed > maxBytes) throw new RangeError(`a column of ${needed} bytes; up to ${maxBytes} are possible`);
    this.#page = new Uint32Array(1 << pageBits);
    this.#pages.push(this.#page);
  }
}

const none = new Uint32Array(0);

/** Lists of numbers, one after the other: list `i` is `values[ends[i - 1] .. ends[i]]`. */
export interface Lists {
  readonly ends: Uint32Array;
  readonly values: Uint32Array;
}

/** {@link Lists} that are appended to, one list at a time. */
export class ListsColumn {
  readonly #ends = new NumberColumn();
  readonly #values = new NumberColumn();

  /** Adds to the list that is open. */
  push(value: number): void {
    this.#values.push(value);
  }

  /** Values in all lists, the open one included. */
  get length(): number {
    return this.#values.length;
  }

  /** Adds one to a value. @param at its place among the values of all lists */
  increment(at: number): void {
    this.#values.set(at, this.#values.at(at) + 1);
  }

  /** Lists that are closed. */
  get count(): number {
    return this.#ends.length;
  }

  /** First place of a closed list, for {@link value}. */
  start(index: number): number {
    return index === 0 ? 0 : this.#ends.at(index - 1);
  }

  /** Place behind a closed list. */
  end(index: number): number {
    return this.#ends.at(index);
  }

  value(place: number): number {
    return this.#values.at(place);
  }

  /** A closed list, copied. For lists by the million use {@link start}, {@link end}, {@link value}. */
  at(index: number): number[] {
    const list: number[] = [];
    for (let place = this.start(index); place < this.end(index); place++) list.push(this.value(place));
    return list;
  }

  /** Closes the list that is open. */
  close(): void {
    this.#ends.push(this.#values.length);
  }

  /** See {@link Column.free}. */
  free(): void {
    this.#ends.free();
    this.#values.free();
  }

  /** Gives the lists away. There are none then. */
  take(): Lists {
    return { ends: this.#ends.take(), values: this.#values.take() };
  }
}

/** Where list `index` begins and ends in `values`. */
export const listStart = ({ ends }: Lists, index: number): number => (index === 0 ? 0 : (ends[index - 1] as number));
export const listEnd = ({ ends }: Lists, index: number): number => ends[index] as number;
