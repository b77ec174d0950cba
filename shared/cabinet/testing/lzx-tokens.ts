import {
  alignedSymbols,
  basePositions,
  footerBits,
  frameLength,
  lengthSymbols,
  literalSymbols,
  maxMatchLength,
  minMatchLength,
  primaryLengths,
} from '../lzx/format.ts';

/** The three offsets that a match can repeat cheaply. */
export type RecentOffsets = readonly [number, number, number];

/**
 * Literals and matches of one LZX block, in order: those from `from` to `to` in the arrays. None of them reaches over the
 * end of a frame.
 */
export interface Tokens {
  /** Where they begin and end in the folder's stream. */
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
  /** Offsets that a match after the last token can repeat. */
  readonly recentAfter: RecentOffsets;
  /** Where the tokens can be cut: the ends of frames before `end`. */
  readonly cuts: readonly Cut[];
  /** Main symbol of each token; for lengths that need one, the length symbol plus 1, shifted by {@link lengthShift}. */
  readonly symbols: Uint32Array;
  /** Bits that follow the position slot, low three bits included. */
  readonly footers: Uint32Array;
}

interface Cut {
  readonly position: number;
  /** Index of the first token after it. */
  readonly token: number;
  readonly recent: RecentOffsets;
}

export const lengthShift = 16;
const mainMask = 0xffff;

/** Earlier places that are tried for a match; more would find longer ones, and this is a test encoder. */
const maxTries = 6;
/** Shortest match that is looked for; shorter ones only pay when they repeat an offset. */
const hashLength = 4;
const hashBits = 17;
/** After so many positions without a match the data looks incompressible, and less is tried. */
const patience = 256;
const niceLength = 64;
/** Of a long match only so many positions, and then every fourth, can be found again: to learn them all takes longer than it saves. */
const learntInFull = 24;

/**
 * Finds repetitions by hash chains and makes tokens of them. Works on a stretch of the stream: bytes `base` to `base` plus
 * the length of `data`, where the caller moves what is needed to the front from time to time.
 */
export class Tokenizer {
  /** Stretch of the stream at hand. */
  readonly data: Uint8Array;
  /** Position in the stream of `data[0]`. */
  base = 0;
  readonly #maxOffset: number;
  readonly #mask: number;
  readonly #heads = new Int32Array(1 << hashBits).fill(-1);
  readonly #previous: Int32Array;
  #learnt = 0;
  #misses = 0;
  #symbols = new Uint32Array(0);
  #footers = new Uint32Array(0);

  /** @param places power of two, at most the window's size: how far back is searched */
  constructor(data: Uint8Array, windowSize: number, places: number) {
    this.data = data;
    // The format has no code for an offset of the window's last two bytes.
    this.#maxOffset = Math.min(windowSize - 3, places - 1);
    this.#mask = places - 1;
    this.#previous = new Int32Array(places);
  }

  /** Positions before this one cannot be found any more, unless they were learnt already. */
  forgetUpTo(position: number): void {
    this.#learnt = Math.max(this.#learnt, position);
  }

  /** Turns the bytes from `start` to `end` of the stream into tokens, which are valid until the next call. */
  tokenize(start: number, end: number, recentBefore: RecentOffsets): Tokens {
    if (this.#symbols.length < end - start) {
      this.#symbols = new Uint32Array(end - start);
      this.#footers = new Uint32Array(end - start);
    }
    const symbols = this.#symbols;
    const footers = this.#footers;
    const { data, base } = this;
    const heads = this.#heads;
    const previous = this.#previous;
    const mask = this.#mask;
    const cuts: Cut[] = [];
    let [r0, r1, r2] = recentBefore;
    let count = 0;
    let nextFrame = frameEnd(start);
    let misses = this.#misses;
    let learnt = Math.max(this.#learnt, base);

    for (let position = start; position < end; count++) {
      if (position === nextFrame) {
        cuts.push({ position, token: count, recent: [r0, r1, r2] });
        nextFrame += frameLength;
      }
      const most = Math.min(end - position, nextFrame - position, maxMatchLength);
      const at = position - base;
      let length = 0;
      let offset = 0;
      let slot = -1;

      const slackness = misses < patience ? 0 : Math.min((misses / patience) | 0, 7);
      if (most >= hashLength && position % (slackness + 1) === 0) {
        for (; learnt < position; learnt++) {
          const hash = hashAt(data, learnt - base);
          previous[learnt & mask] = heads[hash] as number;
          heads[hash] = learnt;
        }
        let best = hashLength - 1;
        const oldest = Math.max(base, position - this.#maxOffset);
        let candidate = heads[hashAt(data, at)] as number;
        for (let tries = slackness > 0 ? 1 : maxTries; candidate >= oldest && tries > 0; tries--) {
          const from = candidate - base;
          if (data[from + best] === data[at + best] && data[from] === data[at]) {
            let same = 1;
            while (same < most && data[from + same] === data[at + same]) same++;
            if (same > best) {
              best = same;
              offset = position - candidate;
              if (best >= niceLength || best === most) break;
            }
          }
          const earlier = previous[candidate & mask] as number;
          if (earlier >= candidate) break;
          candidate = earlier;
        }
        if (offset > 0) length = best;
      }
      if (length < niceLength) {
        for (let i = 0; i < 3; i++) {
          const repeated = i === 0 ? r0 : i === 1 ? r1 : r2;
          const from = at - repeated;
          if (from < 0 || data[from] !== data[at]) continue;
          let same = 1;
          while (same < most && data[from + same] === data[at + same]) same++;
          if (same < minMatchLength || same + 1 < length) continue;
          if (slot !== -1 && same <= length) continue;
          length = same;
          offset = repeated;
          slot = i;
        }
      } else if (offset === r0) slot = 0;
      else if (offset === r1) slot = 1;
      else if (offset === r2) slot = 2;

      if (length === 0) {
        misses++;
        symbols[count] = data[at] as number;
        position++;
        continue;
      }
      misses = 0;
      if (slot === 1) {
        r1 = r0;
        r0 = offset;
      } else if (slot === 2) {
        r2 = r0;
        r0 = offset;
      } else if (slot === -1) {
        r2 = r1;
        r1 = r0;
        r0 = offset;
        const formatted = offset + 2;
        slot = slotOf(formatted);
        footers[count] = formatted - (basePositions[slot] as number);
      } else {
        footers[count] = 0;
      }
      const header = length - minMatchLength;
      symbols[count] =
        header < primaryLengths
          ? literalSymbols + slot * 8 + header
          : (literalSymbols + slot * 8 + primaryLengths) | ((header - primaryLengths + 1) << lengthShift);
      position += length;
      if (length > learntInFull) {
        for (let step = 1; learnt < position - hashLength; learnt += step) {
          const hash = hashAt(data, learnt - base);
          previous[learnt & mask] = heads[hash] as number;
          heads[hash] = learnt;
          if (step === 1 && learnt - (position - length) >= learntInFull) step = 4;
        }
        learnt = Math.max(learnt, position - hashLength);
      }
    }
    this.#misses = misses;
    this.#learnt = learnt;
    return { start, end, from: 0, to: count, recentAfter: [r0, r1, r2], cuts, symbols, footers };
  }
}

function hashAt(data: Uint8Array, at: number): number {
  const bytes =
    (data[at] as number) |
    ((data[at + 1] as number) << 8) |
    ((data[at + 2] as number) << 16) |
    ((data[at + 3] as number) << 24);
  return Math.imul(bytes, 0x9e3779b1) >>> (32 - hashBits);
}

/** The tokens of a block that is one literal byte. */
export function literal(byte: number, position: number, recent: RecentOffsets): Tokens {
  return {
    start: position,
    end: position + 1,
    from: 0,
    to: 1,
    recentAfter: recent,
    cuts: [],
    symbols: Uint32Array.of(byte),
    footers: new Uint32Array(1),
  };
}

/** Cuts tokens at the first end of a frame among them; undefined when there is none. */
export function cutAtFrame(tokens: Tokens): [Tokens, Tokens] | undefined {
  const [cut, ...later] = tokens.cuts;
  if (cut === undefined) return undefined;
  return [
    { ...tokens, end: cut.position, recentAfter: cut.recent, cuts: [], to: cut.token },
    { ...tokens, start: cut.position, cuts: later, from: cut.token },
  ];
}

/** End of the frame that holds the byte at this position. */
export function frameEnd(position: number): number {
  return (Math.floor(position / frameLength) + 1) * frameLength;
}

/** Position slot of a main symbol that is a match. */
export function slotOfSymbol(symbol: number): number {
  return (symbol - literalSymbols) >>> 3;
}

export const mainSymbol = (packed: number): number => packed & mainMask;

/** How often each symbol occurs; `aligned` counts the low three bits of footers that have them. */
export interface Frequencies {
  readonly main: Uint32Array;
  readonly length: Uint32Array;
  readonly aligned: Uint32Array;
}

export function countSymbols({ symbols, footers, from, to }: Tokens, mainSymbols: number): Frequencies {
  const main = new Uint32Array(mainSymbols);
  const length = new Uint32Array(lengthSymbols + 1);
  const aligned = new Uint32Array(alignedSymbols);
  for (let i = from; i < to; i++) {
    const packed = symbols[i] as number;
    const symbol = packed & mainMask;
    main[symbol] = (main[symbol] as number) + 1;
    if (symbol < literalSymbols) continue;
    // The symbol is stored plus 1: element 0 counts the matches without one, and is left out below.
    const lengthSymbol = packed >>> lengthShift;
    length[lengthSymbol] = (length[lengthSymbol] as number) + 1;
    if ((footerBits[(symbol - literalSymbols) >>> 3] as number) >= 3) {
      const low = (footers[i] as number) & 7;
      aligned[low] = (aligned[low] as number) + 1;
    }
  }
  return { main, length: length.slice(1), aligned };
}

/** Position slot of a formatted offset: the binary logarithm doubled, plus the bit after the highest one. */
function slotOf(formatted: number): number {
  // From here on every slot is 2^17 long.
  if (formatted >= 262_144) return 34 + (formatted >>> 17);
  const log = 31 - Math.clz32(formatted);
  return formatted < 4 ? formatted : 2 * log + ((formatted >>> (log - 1)) & 1);
}
