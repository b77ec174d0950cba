import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { CabTarget } from './cab-writer.ts';

const bufferLength = 2 ** 20;

/** A cabinet in a new file, which replaces what was there. */
export class FileTarget implements CabTarget {
  readonly #file: number;
  readonly #buffer = new Uint8Array(bufferLength);
  #buffered = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > bufferLength) this.#flush();
    if (bytes.length > bufferLength) {
      writeAll(this.#file, bytes);
      return;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  patch(position: number, bytes: Uint8Array): void {
    this.#flush();
    const { size } = fstatSync(this.#file);
    if (position + bytes.length > size) throw new RangeError(`bytes up to ${position + bytes.length} of ${size}`);
    writeAll(this.#file, bytes, position);
  }

  /** Once; the file is closed even when its last bytes cannot be written. */
  close(): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#file);
    }
  }

  #flush(): void {
    writeAll(this.#file, this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }
}

/** @param position in the file; without it, where the last such call ended */
function writeAll(file: number, bytes: Uint8Array, position?: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(file, bytes, at, bytes.length - at, position === undefined ? null : position + at);
  }
}
