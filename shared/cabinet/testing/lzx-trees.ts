import { preTreeSymbols } from '../lzx/format.ts';
import type { BitWriter } from './bit-writer.ts';
import { huffmanCode } from './huffman-code.ts';

/** One symbol of the pretree with what follows it. */
interface LengthStep {
  readonly symbol: number;
  readonly extra?: { readonly value: number; readonly bits: number };
  /** Second symbol, of a run of equal lengths. */
  readonly change?: number;
}

/** Code lengths of one tree, or of a part of it, as LZX writes them: differences, run-length coded, under a pretree. */
export interface CodedLengths {
  /** Size in bits. */
  readonly bits: number;
  write(out: BitWriter): void;
}

const maxPreTreeLength = 15;

/** @param before lengths of the same tree in the block before, zeros at first */
export function codeLengthsOf(lengths: Uint8Array, before: Uint8Array): CodedLengths {
  const steps = stepsOf(lengths, before);
  const frequencies = new Uint32Array(preTreeSymbols);
  const count = (symbol: number) => {
    frequencies[symbol] = (frequencies[symbol] as number) + 1;
  };
  for (const step of steps) {
    count(step.symbol);
    if (step.change !== undefined) count(step.change);
  }
  const preTree = huffmanCode(frequencies, maxPreTreeLength);
  const size = (symbol: number) => preTree.lengths[symbol] as number;
  let bits = preTreeSymbols * 4;
  for (const { symbol, extra, change } of steps) {
    bits += size(symbol) + (extra?.bits ?? 0) + (change === undefined ? 0 : size(change));
  }
  return {
    bits,
    write(out) {
      for (const length of preTree.lengths) out.write(length, 4);
      const put = (symbol: number) => out.write(preTree.codes[symbol] as number, size(symbol));
      for (const { symbol, extra, change } of steps) {
        put(symbol);
        if (extra !== undefined) out.write(extra.value, extra.bits);
        if (change !== undefined) put(change);
      }
    },
  };
}

function stepsOf(lengths: Uint8Array, before: Uint8Array): LengthStep[] {
  const steps: LengthStep[] = [];
  for (let i = 0; i < lengths.length; ) {
    const length = lengths[i] as number;
    let run = 1;
    while (i + run < lengths.length && lengths[i + run] === length && run < 51) run++;
    const change = ((before[i] as number) - length + 17) % 17;
    if (length === 0 && run >= 20) {
      steps.push({ symbol: 18, extra: { value: run - 20, bits: 5 } });
    } else if (length === 0 && run >= 4) {
      run = Math.min(run, 19);
      steps.push({ symbol: 17, extra: { value: run - 4, bits: 4 } });
    } else if (run >= 4) {
      run = Math.min(run, 5);
      steps.push({ symbol: 19, extra: { value: run - 4, bits: 1 }, change });
    } else {
      run = 1;
      steps.push({ symbol: change });
    }
    i += run;
  }
  return steps;
}
