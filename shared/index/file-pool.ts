import { float64Column, NumberColumn, uint8Column } from '#shared/core/catalog/columns/growing.ts';
import type { FileFacts } from './extended-fragment.ts';
import type { Values } from './values.ts';

const known = 1;
const hasSha256 = 2;
const contradicted = 4;

/**
 * What all extended fragments together say of each file, by the number of its SHA-1. The same file can belong to many
 * updates, and an older fragment can lack the SHA-256 that a newer one has.
 */
export class FilePool {
  readonly #values: Values;
  readonly #state = new NumberColumn();
  readonly #size = float64Column();
  readonly #sha256 = uint8Column();
  readonly #noDigest = new Uint8Array(32);
  /** Whether fragments say different things of any file. */
  hasContradictions = false;

  constructor(values: Values) {
    this.#values = values;
  }

  describe({ sha1, size, sha256 }: Pick<FileFacts, 'sha1' | 'size' | 'sha256'>): void {
    this.#reach(sha1);
    let state = this.#state.at(sha1);
    if ((state & known) === 0) this.#size.set(sha1, size);
    else if (this.#size.at(sha1) !== size) state |= contradicted;
    if (sha256 !== undefined) {
      if ((state & hasSha256) === 0) {
        const all = this.#sha256.raw;
        for (let i = 0; i < 32; i++) all[sha1 * 32 + i] = sha256[i] as number;
      } else if (!this.#sameSha256(sha1, sha256)) state |= contradicted;
      state |= hasSha256;
    }
    if ((state & contradicted) !== 0) this.hasContradictions = true;
    this.#state.set(sha1, state | known);
  }

  isKnown(sha1: number): boolean {
    return this.#has(sha1, known);
  }

  isContradicted(sha1: number): boolean {
    return this.#has(sha1, contradicted);
  }

  sizeOf(sha1: number): number {
    return this.#size.at(sha1);
  }

  /** 32 bytes, valid until the next file is described. */
  sha256Of(sha1: number): Uint8Array | undefined {
    if (!this.#has(sha1, hasSha256)) return undefined;
    return this.#sha256.raw.subarray(sha1 * 32, sha1 * 32 + 32);
  }

  free(): void {
    this.#state.free();
    this.#size.free();
    this.#sha256.free();
  }

  #has(sha1: number, bit: number): boolean {
    return sha1 < this.#state.length && (this.#state.at(sha1) & bit) !== 0;
  }

  #sameSha256(sha1: number, sha256: Uint8Array): boolean {
    const all = this.#sha256.raw;
    for (let i = 0; i < 32; i++) if (all[sha1 * 32 + i] !== sha256[i]) return false;
    return true;
  }

  #reach(sha1: number): void {
    if (sha1 < this.#state.length) return;
    while (this.#state.length < Math.max(sha1 + 1, this.#values.sha1s.count)) {
      this.#state.push(0);
      this.#size.push(0);
      this.#sha256.append(this.#noDigest);
    }
  }
}
