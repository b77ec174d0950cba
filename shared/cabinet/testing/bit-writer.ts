/** Writes the LZX bit stream of one frame at a time: 16-bit little-endian words, the high bit first. */
export class BitWriter {
  /** A frame of 32 KiB grows by less than 6 KiB, as every reader expects. */
  readonly #bytes = new Uint8Array(65_536);
  #length = 0;
  /** The low `#count` bits are those of the word at hand; what stands above them was written already. */
  #bits = 0;
  #count = 0;

  /** Whole words of the frame at hand, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** @param count 0 to 24 */
  write(value: number, count: number): void {
    if (count > 16) {
      this.#write(value >>> 16, count - 16);
      this.#write(value & 0xffff, 16);
    } else {
      this.#write(value, count);
    }
  }

  /** Up to 15 bits wait, so that with 16 more all fit into a number of 32 bits. */
  #write(value: number, count: number): void {
    this.#bits = (this.#bits << count) | value;
    this.#count += count;
    if (this.#count < 16) return;
    this.#count -= 16;
    const word = this.#bits >>> this.#count;
    this.#bytes[this.#length++] = word;
    this.#bytes[this.#length++] = word >>> 8;
  }

  /** Fills the word at hand with zero bits. */
  align(): void {
    if (this.#count > 0) this.#write(0, 16 - this.#count);
  }

  /** The same, but writes a whole word of zeros when there is none at hand: so an uncompressed block begins. */
  alignForBytes(): void {
    this.#write(0, 16 - this.#count);
  }

  /** Only between words. */
  writeBytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Ends the frame and returns a copy of its bytes. */
  takeFrame(): Uint8Array {
    this.align();
    const frame = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return frame;
  }
}
