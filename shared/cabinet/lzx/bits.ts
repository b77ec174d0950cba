import { CabError } from '../error.ts';

/** A CFDATA block has at most 65,535 bytes of data; the rest is zeros to read ahead into. */
const capacity = 65_536 + 16;

/**
 * LZX bit stream of one CFDATA block: little-endian 16-bit words, the high bit of each first (Microsoft LZX Data
 * Compression Format, "Bitstream").
 *
 * The fields are public because the symbol loop of the decoder keeps copies of them in local variables, which is what
 * makes it fast. `bits` holds the next `left` bits left-aligned, at most 32; the bits below them are zero.
 */
export class BitReader {
  /** The block's bytes, followed by zeros. */
  readonly bytes = new Uint8Array(capacity);
  end = 0;
  at = 0;
  bits = 0;
  left = 0;

  /** Begins with the first byte of a block. */
  open(input: Uint8Array): void {
    this.bytes.set(input);
    this.bytes.fill(0, input.length, input.length + 16);
    this.end = input.length;
    this.at = 0;
    this.bits = 0;
    this.left = 0;
  }

  /** Makes at least 17 bits available; beyond the end they are zeros, which {@link assertWithin} notices. */
  fill(): void {
    while (this.left <= 16) {
      if (this.at > this.end + 2) throw this.overrun();
      this.bits |= ((this.bytes[this.at] as number) | ((this.bytes[this.at + 1] as number) << 8)) << (16 - this.left);
      this.left += 16;
      this.at += 2;
    }
  }

  /** @param count 1 to 17 */
  read(count: number): number {
    this.fill();
    const value = this.bits >>> (32 - count);
    this.bits <<= count;
    this.left -= count;
    return value;
  }

  /** Byte of the block in which the next bit lies. */
  get byteOffset(): number {
    return this.at - (this.left >>> 3);
  }

  /** Throws when more bits were consumed than the block has. */
  assertWithin(): void {
    if (this.at * 8 - this.left > this.end * 8) throw this.overrun();
  }

  /** Goes to the next 16-bit boundary, or over a whole word when it stands on one, as an uncompressed block begins. */
  alignForBytes(): void {
    if ((this.left & 15) === 0) this.read(16);
    this.at -= (this.left >>> 4) * 2;
    this.bits = 0;
    this.left = 0;
    this.assertWithin();
  }

  overrun(): CabError {
    return new CabError('bad-data', 'LZX block ends in the middle of its data', { offset: this.end });
  }
}
