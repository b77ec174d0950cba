import { maxMatchLength } from '../lzx/format.ts';

const hashBits = 17;
/** Shortest match that is looked for; shorter ones only pay when they repeat an offset. */
const hashLength = 4;
/** Earlier places that are tried; more would find longer matches, and this is a test encoder. */
const maxTries = 12;
/** After so many positions without a match the data looks incompressible, and less is tried. */
const patience = 256;
const niceLength = 64;

/** Finds earlier occurrences of the bytes at a position by hash chains. */
export class MatchFinder {
  readonly #data: Uint8Array;
  readonly #maxOffset: number;
  readonly #mask: number;
  readonly #heads = new Int32Array(1 << hashBits).fill(-1);
  readonly #previous: Int32Array;
  #inserted = 0;
  #misses = 0;
  /** Of the match that {@link find} found last. */
  offset = 0;

  constructor(data: Uint8Array, windowSize: number) {
    this.#data = data;
    // The format has no code for an offset of the window's last two bytes.
    this.#maxOffset = windowSize - 3;
    const places = Math.min(windowSize, 2 ** Math.ceil(Math.log2(data.length + 1)));
    this.#mask = places - 1;
    this.#previous = new Int32Array(places);
  }

  /**
   * Looks for the longest match at `position`, where all positions before are known. The match does not go beyond
   * `limit`. Returns its length, or 0, and leaves its distance in `offset`.
   */
  find(position: number, limit: number): number {
    const most = Math.min(limit - position, maxMatchLength);
    if (most < hashLength) return 0;
    const slackness = Math.min((this.#misses / patience) | 0, 7);
    if (position % (slackness + 1) !== 0) {
      this.#misses++;
      return 0;
    }
    this.#insertUpTo(position);
    const data = this.#data;
    let best = hashLength - 1;
    let candidate = this.#heads[this.#hash(position)] as number;
    for (let tries = slackness > 0 ? 1 : maxTries; candidate >= 0 && tries > 0; tries--) {
      if (position - candidate > this.#maxOffset) break;
      if (data[candidate + best] === data[position + best]) {
        const length = this.matchLength(candidate, position, most);
        if (length > best) {
          best = length;
          this.offset = position - candidate;
          if (best >= niceLength || best === most) break;
        }
      }
      const earlier = this.#previous[candidate & this.#mask] as number;
      if (earlier >= candidate) break;
      candidate = earlier;
    }
    if (best < hashLength) {
      this.#misses++;
      return 0;
    }
    this.#misses = 0;
    return best;
  }

  /** Equal bytes from two positions on, at most `most`. */
  matchLength(earlier: number, position: number, most: number): number {
    const data = this.#data;
    let length = 0;
    while (length < most && data[earlier + length] === data[position + length]) length++;
    return length;
  }

  #insertUpTo(position: number): void {
    const end = Math.min(position, this.#data.length - hashLength + 1);
    for (; this.#inserted < end; this.#inserted++) {
      const hash = this.#hash(this.#inserted);
      this.#previous[this.#inserted & this.#mask] = this.#heads[hash] as number;
      this.#heads[hash] = this.#inserted;
    }
  }

  #hash(position: number): number {
    const data = this.#data;
    const bytes =
      (data[position] as number) |
      ((data[position + 1] as number) << 8) |
      ((data[position + 2] as number) << 16) |
      ((data[position + 3] as number) << 24);
    return Math.imul(bytes, 0x9e3779b1) >>> (32 - hashBits);
  }
}
