import { footerBits, literalSymbols } from '../lzx/format.ts';
import type { BitWriter } from './bit-writer.ts';
import type { HuffmanCode } from './huffman-code.ts';
import { lengthShift, mainSymbol, slotOfSymbol, type Tokens } from './lzx-tokens.ts';
import type { CodedLengths } from './lzx-trees.ts';

/** The three trees of a compressed block, and how they are written. */
export interface BlockCode {
  readonly main: HuffmanCode;
  readonly length: HuffmanCode;
  readonly aligned: HuffmanCode | undefined;
  readonly trees: readonly CodedLengths[];
}

/** Writes the tokens with these numbers, which lie in one frame. */
export function writeTokens(out: BitWriter, tokens: Tokens, from: number, to: number, code: BlockCode): void {
  const { symbols, footers } = tokens;
  const { main, length, aligned } = code;
  for (let i = from; i < to; i++) {
    const packed = symbols[i] as number;
    const symbol = mainSymbol(packed);
    out.write(main.codes[symbol] as number, main.lengths[symbol] as number);
    if (symbol < literalSymbols) continue;
    const lengthSymbol = (packed >>> lengthShift) - 1;
    if (lengthSymbol >= 0) out.write(length.codes[lengthSymbol] as number, length.lengths[lengthSymbol] as number);
    const bits = footerBits[slotOfSymbol(symbol)] as number;
    const footer = footers[i] as number;
    if (aligned === undefined || bits < 3) {
      if (bits > 0) out.write(footer, bits);
    } else {
      out.write(footer >>> 3, bits - 3);
      out.write(aligned.codes[footer & 7] as number, aligned.lengths[footer & 7] as number);
    }
  }
}

/** Size of a compressed block in bits, and for each of its frames the bytes that it takes more than it has. */
export function costOf(tokens: Tokens, code: BlockCode): { bits: number; growth: number[] } {
  const { symbols, footers } = tokens;
  // What a main symbol costs with the footer that its slot has.
  const costs = Uint8Array.from(code.main.lengths, (length, symbol) =>
    symbol < literalSymbols ? length : length + (footerBits[slotOfSymbol(symbol)] as number),
  );
  let frameBits = 27 + (code.aligned === undefined ? 0 : 24) + code.trees.reduce((sum, tree) => sum + tree.bits, 0);
  let bits = 0;
  const growth: number[] = [];
  let from = tokens.from;
  let position = tokens.start;
  for (const { position: end, token: to } of [...tokens.cuts, { position: tokens.end, token: tokens.to }]) {
    for (let i = from; i < to; i++) {
      const packed = symbols[i] as number;
      const symbol = mainSymbol(packed);
      frameBits += costs[symbol] as number;
      const lengthSymbol = (packed >>> lengthShift) - 1;
      if (lengthSymbol >= 0) frameBits += code.length.lengths[lengthSymbol] as number;
      if (code.aligned !== undefined && symbol >= literalSymbols && (footerBits[slotOfSymbol(symbol)] as number) >= 3) {
        frameBits += (code.aligned.lengths[(footers[i] as number) & 7] as number) - 3;
      }
    }
    growth.push(Math.ceil(frameBits / 8) - (end - position));
    bits += frameBits;
    frameBits = 0;
    from = to;
    position = end;
  }
  return { bits, growth };
}
