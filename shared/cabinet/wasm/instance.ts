import { wasmBase64 } from './binary.ts';

// The types of WebAssembly belong to the browser's library, which is not loaded; these are the ones used here.
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
interface WasmGlobal {
  readonly value: number;
}
interface WasmExports {
  readonly memory: WasmMemory;
  /** Where a block is copied to; assembly/index.ts. */
  readonly inputAddress: WasmGlobal;
  readonly faultOffset: WasmGlobal;
  readonly faultType: WasmGlobal;
  readonly mszipLength: WasmGlobal;
  inputChecksum(length: number): number;
  lzxReset(windowBits: number, positionSlots: number): void;
  lzxDecode(inputLength: number, outputLength: number): number;
  mszipReset(): void;
  mszipDecode(inputLength: number, outputLength: number): number;
}
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: WasmExports };
};

/** Results below this are statuses of `assembly/memory.ts`, others the address of the output. */
const firstAddress = 256;
/** Idle instances that are kept, 2.6 MB each; more than this are in use at once only in deeply nested cabinets. */
const mostIdle = 4;

let compiled: object | undefined;

/**
 * One instance of the decoders, whose memory holds a block, the tables and a window of 2 MiB with a frame more. It decodes one
 * folder at a time. Instances are leased with {@link leaseInstance} and given back, because the memory of one that is
 * thrown away is freed late, and every one reserves gigabytes of addresses.
 */
export class WasmInstance {
  /** How many were made in this process, for tests: it must not grow with the number of cabinets. */
  static made = 0;

  readonly #exports: WasmExports;
  readonly #memory: Uint8Array;
  readonly #inputAt: number;
  #inputLength = 0;

  constructor() {
    WasmInstance.made++;
    compiled ??= new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
    // Nothing is imported but what AssemblyScript would call on a failed assertion, and there is none.
    this.#exports = new WebAssembly.Instance(compiled, {}).exports;
    this.#memory = new Uint8Array(this.#exports.memory.buffer);
    this.#inputAt = this.#exports.inputAddress.value;
  }

  /** Copies a block in, at most 65,535 bytes; the other functions then work on it. */
  load(input: Uint8Array): void {
    this.#memory.set(input, this.#inputAt);
    this.#inputLength = input.length;
  }

  /** The block as it was loaded. */
  get input(): Uint8Array {
    return this.#memory.subarray(this.#inputAt, this.#inputAt + this.#inputLength);
  }

  /** Checksum of the block, as `checksum.ts` defines it. */
  checksum(): number {
    return this.#exports.inputChecksum(this.#inputLength) >>> 0;
  }

  /** The next block is the first of an LZX folder. */
  resetLzx(windowBits: number, positionSlots: number): void {
    this.#exports.lzxReset(windowBits, positionSlots);
  }

  /** The next block is the first of an MSZIP folder. */
  resetMszip(): void {
    this.#exports.mszipReset();
  }

  /** @returns the output, valid until the next call, or a status (`lzx/decoder.ts`) */
  decodeLzx(outputLength: number): Uint8Array | number {
    return this.#output(this.#exports.lzxDecode(this.#inputLength, outputLength), outputLength);
  }

  /** @returns the output, valid until the next call, or a status (`mszip.ts`) */
  decodeMszip(outputLength: number): Uint8Array | number {
    return this.#output(this.#exports.mszipDecode(this.#inputLength, outputLength), outputLength);
  }

  /** Byte of the block at which the last fault was noticed. */
  get faultOffset(): number {
    return this.#exports.faultOffset.value;
  }

  /** LZX block type that does not exist. */
  get faultType(): number {
    return this.#exports.faultType.value;
  }

  /** Bytes that an MSZIP block had when it had too few. */
  get mszipLength(): number {
    return this.#exports.mszipLength.value;
  }

  #output(result: number, length: number): Uint8Array | number {
    return result < firstAddress ? result : this.#memory.subarray(result, result + length);
  }
}

/** Idle instances. They belong to no reader, which is why this is state of the module. */
const idle: WasmInstance[] = [];

/** Gives back the instances of owners that were forgotten half-way. */
const forgotten = new FinalizationRegistry<WasmInstance>(keep);

function keep(instance: WasmInstance): void {
  if (idle.length < mostIdle) idle.push(instance);
}

/** An instance that is the owner's until {@link returnInstance}; should the owner be collected, it comes back by itself. */
export function leaseInstance(owner: object): WasmInstance {
  const instance = idle.pop() ?? new WasmInstance();
  forgotten.register(owner, instance, owner);
  return instance;
}

/** Takes an instance back, once. Its owner must not use it any more, nor the output it gave. */
export function returnInstance(owner: object, instance: WasmInstance): void {
  forgotten.unregister(owner);
  keep(instance);
}
