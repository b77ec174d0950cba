import {
  basePositions,
  footerBits,
  frameLength,
  lengthSymbols,
  literalSymbols,
  minMatchLength,
  primaryLengths,
} from '../lzx/format.ts';
import type { MatchFinder } from './match-finder.ts';

/** The three offsets that a match can repeat cheaply. */
export type RecentOffsets = readonly [number, number, number];

/** Literals and matches of one LZX block, in order. None of them reaches over the end of a frame. */
export interface Tokens {
  /** Where they begin and end in the folder's stream. */
  readonly start: number;
  readonly end: number;
  /** Offsets that a match after the last token can repeat. */
  readonly recentAfter: RecentOffsets;
  /** Where the tokens can be cut: the ends of frames before `end`. */
  readonly cuts: readonly Cut[];
  readonly count: number;
  /** Main symbol of each token. */
  readonly symbols: Uint16Array;
  /** Length symbol, or -1 for none. */
  readonly lengthSymbols: Int16Array;
  /** Bits that follow the position slot, low three bits included. */
  readonly footers: Uint32Array;
  /** Bytes that each token stands for. */
  readonly spans: Uint16Array;
}

interface Cut {
  readonly position: number;
  /** Tokens before it. */
  readonly tokens: number;
  readonly recent: RecentOffsets;
}

/** Turns the bytes from `start` to `end` into tokens. */
export function tokenize(
  data: Uint8Array,
  start: number,
  end: number,
  finder: MatchFinder,
  recentBefore: RecentOffsets,
): Tokens {
  const symbols = new Uint16Array(end - start);
  const lengths = new Int16Array(end - start);
  const footers = new Uint32Array(end - start);
  const spans = new Uint16Array(end - start);
  let [r0, r1, r2] = recentBefore;
  const cuts: Cut[] = [];
  let count = 0;
  let nextFrame = frameEnd(start);

  for (let position = start; position < end; count++) {
    if (position === nextFrame) {
      cuts.push({ position, tokens: count, recent: [r0, r1, r2] });
      nextFrame += frameLength;
    }
    const limit = Math.min(end, nextFrame);
    let length = finder.find(position, limit);
    let offset = finder.offset;
    let slot = -1;
    for (let i = 0; i < 3; i++) {
      const repeated = i === 0 ? r0 : i === 1 ? r1 : r2;
      if (repeated > position) continue;
      const most = Math.min(limit - position, 257);
      const repeatedLength = finder.matchLength(position - repeated, position, most);
      if (repeatedLength < minMatchLength || repeatedLength + 1 < length) continue;
      if (slot !== -1 && repeatedLength <= length) continue;
      length = repeatedLength;
      offset = repeated;
      slot = i;
    }

    if (length === 0) {
      symbols[count] = data[position] as number;
      lengths[count] = -1;
      spans[count] = 1;
      position++;
      continue;
    }
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
    }
    const header = Math.min(length - minMatchLength, primaryLengths);
    symbols[count] = literalSymbols + slot * 8 + header;
    lengths[count] = header === primaryLengths ? length - minMatchLength - primaryLengths : -1;
    spans[count] = length;
    position += length;
  }
  return { start, end, recentAfter: [r0, r1, r2], cuts, count, symbols, lengthSymbols: lengths, footers, spans };
}

/** The tokens of a block that is one literal byte. */
export function literal(data: Uint8Array, position: number, recent: RecentOffsets): Tokens {
  return {
    start: position,
    end: position + 1,
    recentAfter: recent,
    cuts: [],
    count: 1,
    symbols: Uint16Array.of(data[position] as number),
    lengthSymbols: Int16Array.of(-1),
    footers: new Uint32Array(1),
    spans: Uint16Array.of(1),
  };
}

/** Cuts tokens at the first end of a frame among them; undefined when there is none. */
export function cutAtFrame(tokens: Tokens): [Tokens, Tokens] | undefined {
  const [cut, ...later] = tokens.cuts;
  if (cut === undefined) return undefined;
  const part = (from: number, to: number) => ({
    count: to - from,
    symbols: tokens.symbols.subarray(from, to),
    lengthSymbols: tokens.lengthSymbols.subarray(from, to),
    footers: tokens.footers.subarray(from, to),
    spans: tokens.spans.subarray(from, to),
  });
  return [
    { start: tokens.start, end: cut.position, recentAfter: cut.recent, cuts: [], ...part(0, cut.tokens) },
    {
      start: cut.position,
      end: tokens.end,
      recentAfter: tokens.recentAfter,
      cuts: later.map((other) => ({ ...other, tokens: other.tokens - cut.tokens })),
      ...part(cut.tokens, tokens.count),
    },
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

/** How often each symbol occurs; `aligned` counts the low three bits of footers that have them. */
export interface Frequencies {
  readonly main: Uint32Array;
  readonly length: Uint32Array;
  readonly aligned: Uint32Array;
}

export function countSymbols(tokens: Tokens, mainSymbols: number): Frequencies {
  const main = new Uint32Array(mainSymbols);
  const length = new Uint32Array(lengthSymbols);
  const aligned = new Uint32Array(8);
  for (let i = 0; i < tokens.count; i++) {
    const symbol = tokens.symbols[i] as number;
    main[symbol] = (main[symbol] as number) + 1;
    if (symbol < literalSymbols) continue;
    const lengthSymbol = tokens.lengthSymbols[i] as number;
    if (lengthSymbol >= 0) length[lengthSymbol] = (length[lengthSymbol] as number) + 1;
    if ((footerBits[slotOfSymbol(symbol)] as number) >= 3) {
      const low = (tokens.footers[i] as number) & 7;
      aligned[low] = (aligned[low] as number) + 1;
    }
  }
  return { main, length, aligned };
}

/** Position slot of a formatted offset: the binary logarithm doubled, plus the bit after the highest one. */
function slotOf(formatted: number): number {
  // From here on every slot is 2^17 long.
  if (formatted >= 262_144) return 34 + (formatted >>> 17);
  const log = 31 - Math.clz32(formatted);
  return formatted < 4 ? formatted : 2 * log + ((formatted >>> (log - 1)) & 1);
}
