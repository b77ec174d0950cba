import type { BlockDecoder } from './decoder.ts';
import { CabError } from './error.ts';
import type { WasmInstance } from './wasm/instance.ts';

/** Words for the statuses of `mszipDecode` (wasm/assembly/memory.ts). */
const faults = new Map([
  [40, 'MSZIP block does not begin with "CK"'],
  [43, 'MSZIP block: invalid block type'],
  [44, 'MSZIP block: invalid lengths of a stored block'],
  [45, 'MSZIP block: too many length or distance symbols'],
  [46, 'MSZIP block: invalid code lengths'],
  [47, 'MSZIP block: invalid repetition of a code length'],
  [48, 'MSZIP block: no code for the end of the block'],
  [49, 'MSZIP block: invalid literal and length tree'],
  [50, 'MSZIP block: invalid distance tree'],
  [51, 'MSZIP block: invalid literal or length code'],
  [52, 'MSZIP block: invalid distance code'],
  [53, 'MSZIP block: invalid distance too far back'],
]);
const tooShort = 41;
const tooLong = 42;

/** MSZIP; the work is done in WebAssembly (wasm/assembly/inflate.ts). */
export class MszipDecoder implements BlockDecoder {
  readonly #instance: WasmInstance;

  constructor(instance: WasmInstance) {
    this.#instance = instance;
    instance.resetMszip();
  }

  decodeBlock(outputLength: number): Uint8Array {
    const result = this.#instance.decodeMszip(outputLength);
    if (typeof result !== 'number') return result;
    throw new CabError('bad-data', this.#faultOf(result, outputLength), { offset: this.#instance.faultOffset });
  }

  #faultOf(status: number, declared: number): string {
    switch (status) {
      case tooShort:
        return `MSZIP block ends after ${this.#instance.mszipLength} of the ${declared} bytes it declares`;
      case tooLong:
        return `MSZIP block unpacks to more than the ${declared} bytes it declares`;
      default:
        return faults.get(status) ?? `MSZIP fault ${status}`;
    }
  }
}
