/** Longest code of any LZX tree, in bits. */
const maxCodeLength = 16;

/** What the lengths of a code make of it; only `complete` and, where nothing uses it, `empty` are valid in LZX. */
export type CodeShape = 'complete' | 'empty' | 'oversubscribed' | 'incomplete';

/**
 * Decoding table of a canonical Huffman code. The first `tableBits` bits of a code index `table`, whose entries are
 * `symbol << 5 | length`; an entry of 0 says that the code is longer, and {@link lookUpLong} finds it.
 */
export class HuffmanTable {
  readonly tableBits: number;
  readonly table: Uint16Array;
  /** Code length of each symbol in bits, 0 for none. The owner writes it and calls {@link build}. */
  readonly lengths: Uint8Array;
  /** Symbols that have a code, sorted by their codes. */
  readonly #sorted: Uint16Array;
  /** For each code length: how many symbols have it, */
  readonly #counts = new Uint32Array(maxCodeLength + 1);
  /** where in `#sorted` they begin, */
  readonly #places = new Uint32Array(maxCodeLength + 1);
  /** the first of their codes, filled up with zeros to 16 bits, */
  readonly #firsts = new Uint32Array(maxCodeLength + 1);
  /** and the first code after them, filled up likewise. */
  readonly #limits = new Uint32Array(maxCodeLength + 1);

  constructor(symbols: number, tableBits: number) {
    this.tableBits = tableBits;
    this.table = new Uint16Array(1 << tableBits);
    this.lengths = new Uint8Array(symbols);
    this.#sorted = new Uint16Array(symbols);
  }

  /** Builds the table from `lengths`. */
  build(): CodeShape {
    const { lengths, table, tableBits } = this;
    const counts = this.#counts.fill(0);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] as number;
      counts[length] = (counts[length] as number) + 1;
    }
    if (counts[0] === lengths.length) {
      table.fill(0);
      this.#limits.fill(0);
      return 'empty';
    }
    let code = 0;
    let place = 0;
    for (let length = 1; length <= maxCodeLength; length++) {
      const count = counts[length] as number;
      this.#firsts[length] = code;
      this.#places[length] = place;
      code += count << (maxCodeLength - length);
      place += count;
      this.#limits[length] = code;
    }
    if (code !== 1 << maxCodeLength) return code > 1 << maxCodeLength ? 'oversubscribed' : 'incomplete';

    const next = this.#places.slice();
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] as number;
      if (length === 0) continue;
      this.#sorted[next[length] as number] = symbol;
      next[length] = (next[length] as number) + 1;
    }
    let filled = 0;
    for (let length = 1; length <= tableBits; length++) {
      const from = this.#places[length] as number;
      for (let i = from; i < from + (counts[length] as number); i++) {
        const until = filled + (1 << (tableBits - length));
        table.fill(((this.#sorted[i] as number) << 5) | length, filled, until);
        filled = until;
      }
    }
    table.fill(0, filled);
    return 'complete';
  }

  /**
   * Entry of a code that is longer than the table's index.
   *
   * @param window the next 16 bits of the stream
   * @returns `symbol << 5 | length`, or 0 when the code is empty
   */
  lookUpLong(window: number): number {
    for (let length = this.tableBits + 1; length <= maxCodeLength; length++) {
      if (window < (this.#limits[length] as number)) {
        const index = (window - (this.#firsts[length] as number)) >>> (maxCodeLength - length);
        return ((this.#sorted[(this.#places[length] as number) + index] as number) << 5) | length;
      }
    }
    return 0;
  }
}
