import type { BlockDecoder } from '../decoder.ts';
import { CabError } from '../error.ts';
import type { WasmInstance } from '../wasm/instance.ts';
import { frameLength, positionSlots } from './format.ts';

/** Words for the statuses of `lzxDecode` (wasm/assembly/memory.ts). */
const faults = new Map([
  [1, 'LZX block ends in the middle of its data'],
  [2, 'LZX match reaches back before the first byte'],
  [3, 'LZX match goes beyond the end of its block or frame'],
  [4, 'LZX match uses an empty length tree'],
  [6, 'LZX pretree: a run of a run'],
  [7, 'LZX code lengths run beyond their tree'],
  [8, 'LZX frame after one that was shorter than 32,768 bytes'],
  ...treeFaults(16, 'pretree'),
  ...treeFaults(20, 'aligned offset tree'),
  ...treeFaults(24, 'main tree'),
  ...treeFaults(28, 'length tree'),
]);
const badBlockType = 5;

function treeFaults(base: number, tree: string): [number, string][] {
  return ['oversubscribed', 'incomplete', 'empty'].map((shape, i) => [base + 1 + i, `LZX ${tree} is ${shape}`]);
}

/** LZX with a window of 2^15 to 2^21 bytes; the work is done in WebAssembly (wasm/assembly/lzx.ts). */
export class LzxDecoder implements BlockDecoder {
  readonly #instance: WasmInstance;

  /** @param windowBits binary logarithm of the window's size */
  constructor(instance: WasmInstance, windowBits: number) {
    this.#instance = instance;
    instance.resetLzx(windowBits, positionSlots(windowBits));
  }

  decodeBlock(outputLength: number): Uint8Array {
    if (outputLength > frameLength) {
      throw new CabError('bad-data', `LZX frame of ${outputLength} bytes; at most ${frameLength}`, { offset: 0 });
    }
    const result = this.#instance.decodeLzx(outputLength);
    if (typeof result !== 'number') return result;
    throw new CabError('bad-data', this.#faultOf(result), { offset: this.#instance.faultOffset });
  }

  #faultOf(status: number): string {
    if (status === badBlockType) return `LZX block type ${this.#instance.faultType} does not exist`;
    return faults.get(status) ?? `LZX fault ${status}`;
  }
}
