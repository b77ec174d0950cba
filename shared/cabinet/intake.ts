/**
 * A pull parser over pushed bytes. The parser is a generator that yields what it needs next and gets it as soon as
 * enough chunks have come in; so the parser reads like straight-line code, and nothing is buffered but one demand.
 */

/** Needed next: a number of bytes, the entries of a table, or bytes to pass over. */
export type Demand =
  | number
  | { readonly what: 'entries'; readonly table: Table }
  | { readonly what: 'skip'; readonly count: number };

/** Takes entries as they come, so that a table of many small ones costs no demand for each. */
export interface Table {
  /** True when all entries were taken. */
  readonly done: boolean;
  /** Bytes of the longest entry: with so many there is at least one, or an error. */
  readonly maxEntryLength: number;
  /**
   * Takes the whole entries at the beginning of `bytes`, as far as the table goes.
   *
   * @param offset of the first byte in the cabinet, for errors
   * @returns bytes taken
   */
  take(bytes: Uint8Array, offset: number): number;
}

/**
 * A parser, or a part of one. The answer to a demand is the bytes, valid until the next `yield`; nothing for entries,
 * which the table has taken, and for a skip.
 */
export type Steps<Result> = Generator<Demand, Result, Uint8Array>;

/** Position that the intake shares with its parser. */
export interface Cursor {
  /** Bytes that met demands have consumed, which is the offset of the next byte to read. */
  offset: number;
}

const nothing = new Uint8Array(0);

/** Feeds chunks of any size to a parser. */
export class Intake {
  readonly #cursor: Cursor;
  readonly #parser: Steps<void>;
  #demand: Demand | undefined;
  #skipped = 0;
  #carry = nothing;
  #carried = 0;

  constructor(parser: Steps<void>, cursor: Cursor) {
    this.#parser = parser;
    this.#cursor = cursor;
    this.#resume(parser.next());
  }

  /** True when the parser has read all it wants; further chunks are ignored. */
  get done(): boolean {
    return this.#demand === undefined;
  }

  /** Bytes received so far, as long as the parser is not done. */
  get received(): number {
    return this.#cursor.offset + this.#carried + this.#skipped;
  }

  /** Gives the parser all it can get from this chunk. Throws what the parser throws. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (this.#demand !== undefined) {
      const demand = this.#demand;
      if (typeof demand === 'number') {
        const missing = demand - this.#carried;
        if (missing > chunk.length - at) {
          this.#keep(chunk, at, chunk.length, demand);
          return;
        }
        at += missing;
        if (this.#carried === 0) {
          this.#answer(chunk.subarray(at - missing, at), demand);
        } else {
          this.#keep(chunk, at - missing, at, demand);
          this.#carried = 0;
          this.#answer(this.#carry.subarray(0, demand), demand);
        }
      } else if (demand.what === 'skip') {
        const count = Math.min(demand.count - this.#skipped, chunk.length - at);
        at += count;
        this.#skipped += count;
        if (this.#skipped < demand.count) return;
        this.#skipped = 0;
        this.#answer(nothing, demand.count);
      } else {
        at += this.#takeEntries(chunk, at, demand.table);
        if (!demand.table.done) return;
        this.#answer(nothing, 0);
      }
    }
  }

  /** Gives a table what this chunk has of its entries, and keeps the beginning of one that is not there as a whole. */
  #takeEntries(chunk: Uint8Array, from: number, table: Table): number {
    let at = from;
    if (this.#carried > 0) {
      const before = this.#carried;
      const until = Math.min(chunk.length, at + table.maxEntryLength - before);
      this.#keep(chunk, at, until, table.maxEntryLength);
      const taken = table.take(this.#carry.subarray(0, this.#carried), this.#cursor.offset);
      if (taken === 0) return until - from;
      // At least the entry that was kept in part was taken, so the chunk goes on behind it.
      this.#carried = 0;
      this.#cursor.offset += taken;
      at += taken - before;
    }
    const taken = table.take(chunk.subarray(at), this.#cursor.offset);
    this.#cursor.offset += taken;
    at += taken;
    if (table.done) return at - from;
    this.#keep(chunk, at, chunk.length, table.maxEntryLength);
    return chunk.length - from;
  }

  #keep(chunk: Uint8Array, from: number, to: number, capacity: number): void {
    if (this.#carry.length < capacity) {
      const larger = new Uint8Array(capacity);
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(chunk.subarray(from, to), this.#carried);
    this.#carried += to - from;
  }

  #answer(bytes: Uint8Array, consumed: number): void {
    this.#cursor.offset += consumed;
    this.#resume(this.#parser.next(bytes));
  }

  #resume(step: IteratorResult<Demand, void>): void {
    this.#demand = step.done === true ? undefined : step.value;
  }
}
