/**
 * A pull parser over pushed bytes. The parser is a generator that yields what it needs next and gets it as soon as
 * enough chunks have come in; so the parser reads like straight-line code, and nothing is buffered but one demand.
 */

/** Needed next: a number of bytes, a string up to and including its NUL (at most `limit` bytes), or bytes to pass over. */
export type Demand =
  | number
  | { readonly what: 'string'; readonly limit: number }
  | { readonly what: 'skip'; readonly count: number };

/**
 * A parser, or a part of one. The answer to a demand is valid until the next `yield`: the bytes; the string's bytes
 * without the NUL, or with all `limit` bytes when no NUL was among them; nothing for a skip.
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
          this.#answerFromCarry(demand, demand);
        }
      } else if (demand.what === 'skip') {
        const count = Math.min(demand.count - this.#skipped, chunk.length - at);
        at += count;
        this.#skipped += count;
        if (this.#skipped < demand.count) return;
        this.#skipped = 0;
        this.#answer(nothing, demand.count);
      } else {
        const room = Math.min(demand.limit - this.#carried, chunk.length - at);
        const length = chunk.subarray(at, at + room).indexOf(0);
        this.#keep(chunk, at, at + (length === -1 ? room : length), demand.limit);
        at += length === -1 ? room : length + 1;
        if (length === -1 && this.#carried < demand.limit) return;
        this.#answerFromCarry(this.#carried, length === -1 ? this.#carried : this.#carried + 1);
      }
    }
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

  #answerFromCarry(length: number, consumed: number): void {
    this.#carried = 0;
    this.#answer(this.#carry.subarray(0, length), consumed);
  }

  #answer(bytes: Uint8Array, consumed: number): void {
    this.#cursor.offset += consumed;
    this.#resume(this.#parser.next(bytes));
  }

  #resume(step: IteratorResult<Demand, void>): void {
    this.#demand = step.done === true ? undefined : step.value;
  }
}
