import { checksum } from './checksum.ts';
import { type Decoders, maxBlockLength } from './decoder.ts';
import { CabError } from './error.ts';
import type { CabFolder, CabHeader, CabMember } from './header.ts';
import type { Cursor, Steps } from './intake.ts';
import { u16, u32 } from './numbers.ts';

const blockHeaderLength = 8;
const nothing = new Uint8Array(0);

/** One CFFOLDER's stream: reads its CFDATA blocks in order, checks and unpacks them. */
export class FolderStream {
  readonly #header: CabHeader;
  readonly #folder: CabFolder;
  readonly #decoders: Decoders;
  readonly #cursor: Cursor;
  #isOpen = false;
  #blocks = 0;
  /** Unpacked bytes of the block at hand; valid until the next one is read. */
  #block: Uint8Array = nothing;
  /** Where the block at hand begins and ends in the unpacked stream. */
  #start = 0;
  #end = 0;
  /** The member that is read: the next byte wanted, and the first one behind it. */
  #at = 0;
  #until = 0;

  constructor(header: CabHeader, folder: CabFolder, decoders: Decoders, cursor: Cursor) {
    this.#header = header;
    this.#folder = folder;
    this.#decoders = decoders;
    this.#cursor = cursor;
  }

  /** Turns to a member; call {@link next} for its bytes. Members are read in the order of their places. */
  begin(member: CabMember): void {
    if (member.offset < this.#until) {
      throw new CabError(
        'bad-header',
        `it begins at byte ${member.offset} of its folder, inside the member before it`,
        {
          offset: this.#cursor.offset,
        },
      );
    }
    this.#at = member.offset;
    this.#until = member.offset + member.size;
  }

  /** True when the member was handed over to its end. */
  get isComplete(): boolean {
    return this.#at === this.#until;
  }

  /**
   * Next bytes of the member, as many as the block at hand has; none when another block must be read. They are valid
   * until the next block is read.
   */
  next(): Uint8Array {
    if (this.#at >= this.#end) return nothing;
    const from = this.#at - this.#start;
    const until = Math.min(this.#until, this.#end);
    this.#at = until;
    return this.#block.subarray(from, until - this.#start);
  }

  /**
   * Unpacks the folder's next block. Blocks that hold nothing of a wanted member are unpacked as well, since there is no
   * other way to reach a place in the stream.
   */
  *readBlock(): Steps<void> {
    if (!this.#isOpen) yield* this.#open();
    if (this.#blocks === this.#folder.blocks) {
      throw new CabError('bad-data', `its folder ends after ${this.#end} bytes, and it needs ${this.#until}`, {
        offset: this.#cursor.offset,
      });
    }
    const start = this.#cursor.offset;
    const { dataReserve, size } = this.#header;
    const headerLength = blockHeaderLength + dataReserve;
    this.#assertWithin(start + headerLength, size);
    const head = yield headerLength;
    const declaredSum = u32(head, 0);
    const packed = u16(head, 4);
    const unpacked = u16(head, 6);
    // Copied, since the bytes are valid until the next ones are asked for.
    const reserve = dataReserve === 0 ? nothing : Uint8Array.from(head.subarray(blockHeaderLength));
    if (unpacked === 0) {
      throw new CabError('split-set', 'its data goes on in another cabinet of a set', { offset: start + 6 });
    }
    if (unpacked > maxBlockLength) {
      const reason = `data block unpacks to ${unpacked} bytes; at most ${maxBlockLength} are possible`;
      throw new CabError('bad-data', reason, { offset: start + 6 });
    }
    const dataStart = start + headerLength;
    this.#assertWithin(dataStart + packed, size);
    const sum = this.#decoders.load(yield packed);
    // The two lengths are the one word of the header that counts.
    if (declaredSum !== 0) assertChecksum(declaredSum, (sum ^ (packed | (unpacked << 16))) >>> 0, reserve, start);
    this.#block = unpack(this.#decoders, unpacked, dataStart);
    this.#start = this.#end;
    this.#end += unpacked;
    this.#blocks++;
  }

  /** Goes to the folder's first block. */
  *#open(): Steps<void> {
    const { compression, dataOffset } = this.#folder;
    this.#decoders.open(compression, dataOffset);
    this.#isOpen = true;
    const gap = dataOffset - this.#cursor.offset;
    if (gap < 0) {
      throw new CabError('bad-header', `its folder's data at byte ${dataOffset} lies before what was read already`, {
        offset: this.#cursor.offset,
      });
    }
    this.#assertWithin(dataOffset, this.#header.size);
    if (gap > 0) yield { what: 'skip', count: gap };
  }

  #assertWithin(end: number, size: number): void {
    if (end <= size) return;
    throw new CabError('bad-data', `its data goes up to byte ${end}, and the cabinet says that it has ${size}`, {
      offset: this.#cursor.offset,
    });
  }
}

/**
 * The header's fields count after the data. Whether bytes reserved in the block's header count is where other readers
 * differ (libarchive: yes, libmspack: no), so both sums are right.
 *
 * @param found checksum of data and lengths
 */
function assertChecksum(declared: number, found: number, reserve: Uint8Array, offset: number): void {
  if (found === declared || checksum(reserve, found) === declared) return;
  throw new CabError('bad-checksum', `data block has checksum ${hex(found)}, and its header says ${hex(declared)}`, {
    offset,
  });
}

function hex(sum: number): string {
  return `0x${sum.toString(16).padStart(8, '0')}`;
}

function unpack(decoders: Decoders, length: number, dataStart: number): Uint8Array {
  try {
    return decoders.decodeBlock(length);
  } catch (error) {
    if (!(error instanceof CabError)) throw error;
    throw new CabError(error.code, error.reason, { offset: dataStart + (error.offset ?? 0), cause: error.cause });
  }
}
