import { release } from '#shared/core/catalog/columns/growing.ts';
import type { HashKey } from '#shared/core/catalog/columns/keyed-hash.ts';
import { secretHashKey } from './hash-key.ts';

/** Rows by a 32-bit number: an open-addressing hash table in two typed arrays, a quarter of the size of a Map. */
export class NumberTable {
  #keys = new Uint32Array(1 << 10);
  /** Row plus one; 0 is an empty slot. */
  #rows = new Uint32Array(1 << 10);
  #size = 0;
  readonly #key0: number;
  readonly #key1: number;

  constructor([key0, key1]: HashKey = secretHashKey()) {
    this.#key0 = key0;
    this.#key1 = key1;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns the row, or -1 */
  get(key: number): number {
    return (this.#rows[this.#slotOf(key)] as number) - 1;
  }

  has(key: number): boolean {
    return this.get(key) !== -1;
  }

  set(key: number, row: number): void {
    const slot = this.#slotOf(key);
    if (this.#rows[slot] === 0) {
      this.#size += 1;
      if (this.#size * 2 > this.#keys.length) {
        this.#grow();
        this.#put(this.#slotOf(key), key, row);
        return;
      }
    }
    this.#put(slot, key, row);
  }

  /** Frees the memory now. The table must not be used then. */
  free(): void {
    release(this.#keys);
    release(this.#rows);
  }

  #put(slot: number, key: number, row: number): void {
    this.#keys[slot] = key;
    this.#rows[slot] = row + 1;
  }

  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    // Multiplying and shifting as MurmurHash3 ends (A. Appleby) spreads the long runs that RevisionIds come in; with a
    // secret before each multiplication nobody can choose numbers that fall on one slot.
    let mixed = Math.imul(key ^ this.#key0, 0x9e3779b1);
    mixed = Math.imul((mixed ^ (mixed >>> 15)) + this.#key1, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 13)) & mask;
    while (this.#rows[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const rows = this.#rows;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#rows = new Uint32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      if (rows[i] !== 0) this.#put(this.#slotOf(keys[i] as number), keys[i] as number, (rows[i] as number) - 1);
    }
    release(keys);
    release(rows);
  }
}
