/**
 * Constants of the Microsoft LZX Data Compression Format (Cabinet SDK, 1997), shared by the decoder and the test encoder.
 */

export const minMatchLength = 2;
/** Longest match: 2, plus 7 of the main symbol, plus 248 of the length symbol. */
export const maxMatchLength = 257;
/** Symbols of the length tree. */
export const lengthSymbols = 249;
/** The main symbol's low three bits say the match length up to this; then a length symbol follows. */
export const primaryLengths = 7;
export const literalSymbols = 256;
export const preTreeSymbols = 20;
export const alignedSymbols = 8;

export const blockTypes = { verbatim: 1, aligned: 2, uncompressed: 3 } as const;

/** Output bytes of a frame; after each one the bit stream is aligned to a word. One CFDATA block holds one frame. */
export const frameLength = 32_768;
/** The E8 translation ends after this many frames of a folder (1 GiB). */
export const translatedFrames = 32_768;
/** The translation leaves the last bytes of a frame alone. */
export const untranslatedTail = 10;

export const minWindowBits = 15;
export const maxWindowBits = 21;

const slotCounts = new Map([
  [15, 30],
  [16, 32],
  [17, 34],
  [18, 36],
  [19, 38],
  [20, 42],
  [21, 50],
]);

/** Position slots for a window of 2^`windowBits` bytes; the main tree has eight symbols for each. */
export function positionSlots(windowBits: number): number {
  const slots = slotCounts.get(windowBits);
  if (slots === undefined) throw new RangeError(`LZX window of 2^${windowBits} bytes; possible are 2^15 to 2^21`);
  return slots;
}

/** Bits that follow a position slot. */
export const footerBits = Uint8Array.from({ length: 50 }, (_, slot) => (slot < 4 ? 0 : Math.min((slot >>> 1) - 1, 17)));

/** First formatted offset of a position slot. A formatted offset is the match offset plus 2; 0 to 2 repeat old ones. */
export const basePositions = (() => {
  const bases = new Uint32Array(50);
  for (let slot = 1; slot < bases.length; slot++) {
    bases[slot] = (bases[slot - 1] as number) + (1 << (footerBits[slot - 1] as number));
  }
  return bases;
})();
