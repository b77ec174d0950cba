import { checksum } from './checksum.ts';
import { type BlockDecoder, type Decoders, maxBlockLength } from './decoder.ts';
import { CabError } from './error.ts';
import type { CabFolder, CabHeader, CabMember } from './header.ts';
import type { Cursor, Steps } from './intake.ts';

const blockHeaderLength = 8;

/** One CFFOLDER's stream: reads its CFDATA blocks in order, checks and unpacks them. */
export class FolderStream {
  readonly #header: CabHeader;
  readonly #folder: CabFolder;
  readonly #decoders: Decoders;
  readonly #cursor: Cursor;
  #decoder: BlockDecoder | undefined;
  #blocks = 0;
  /** Unpacked bytes of the block at hand; valid until the next one is read. */
  #block: Uint8Array = new Uint8Array(0);
  /** Where the block at hand ends in the unpacked stream. */
  #end = 0;
  /** Where the members read so far end. */
  #delivered = 0;

  constructor(header: CabHeader, folder: CabFolder, decoders: Decoders, cursor: Cursor) {
    this.#header = header;
    this.#folder = folder;
    this.#decoders = decoders;
    this.#cursor = cursor;
  }

  /**
   * Unpacks up to the end of `member` and hands its bytes over. The bytes before, which belong to no wanted member, are
   * unpacked and dropped, since there is no other way to reach a place in the stream.
   */
  *read(member: CabMember, deliver: (bytes: Uint8Array) => void): Steps<void> {
    let at = member.offset;
    const end = at + member.size;
    if (at < this.#delivered) {
      throw new CabError('bad-header', `it begins at byte ${at} of its folder, inside the member before it`, {
        offset: this.#cursor.offset,
      });
    }
    this.#delivered = end;
    const decoder = this.#decoder ?? (yield* this.#open());
    for (;;) {
      const start = this.#end - this.#block.length;
      if (at < this.#end) {
        const until = Math.min(end, this.#end);
        deliver(this.#block.subarray(at - start, until - start));
        at = until;
      }
      if (at === end) return;
      if (this.#blocks === this.#folder.blocks) {
        throw new CabError('bad-data', `its folder ends after ${this.#end} bytes, and it needs ${end}`, {
          offset: this.#cursor.offset,
        });
      }
      yield* this.#readBlock(decoder);
    }
  }

  *#readBlock(decoder: BlockDecoder): Steps<void> {
    const start = this.#cursor.offset;
    const { dataReserve, size } = this.#header;
    const headerLength = blockHeaderLength + dataReserve;
    this.#assertWithin(start + headerLength, size);
    const head = new Uint8Array(yield headerLength);
    const fields = new DataView(head.buffer);
    const declaredSum = fields.getUint32(0, true);
    const packed = fields.getUint16(4, true);
    const unpacked = fields.getUint16(6, true);
    if (unpacked === 0) {
      throw new CabError('split-set', 'its data goes on in another cabinet of a set', { offset: start + 6 });
    }
    if (unpacked > maxBlockLength) {
      const reason = `data block unpacks to ${unpacked} bytes; at most ${maxBlockLength} are possible`;
      throw new CabError('bad-data', reason, { offset: start + 6 });
    }
    const dataStart = start + headerLength;
    this.#assertWithin(dataStart + packed, size);
    const data = yield packed;
    if (declaredSum !== 0) assertChecksum(declaredSum, head, data, start);
    this.#block = unpack(decoder, data, unpacked, dataStart);
    this.#end += unpacked;
    this.#blocks++;
  }

  /** Goes to the folder's first block. */
  *#open(): Steps<BlockDecoder> {
    const { compression, dataOffset } = this.#folder;
    this.#decoder = this.#decoders.forFolder(compression, dataOffset);
    const gap = dataOffset - this.#cursor.offset;
    if (gap < 0) {
      throw new CabError('bad-header', `its folder's data at byte ${dataOffset} lies before what was read already`, {
        offset: this.#cursor.offset,
      });
    }
    this.#assertWithin(dataOffset, this.#header.size);
    if (gap > 0) yield { what: 'skip', count: gap };
    return this.#decoder;
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
 */
function assertChecksum(declared: number, head: Uint8Array, data: Uint8Array, offset: number): void {
  const sum = checksum(data);
  const found = checksum(head.subarray(4, blockHeaderLength), sum);
  if (found === declared || checksum(head.subarray(4), sum) === declared) return;
  throw new CabError('bad-checksum', `data block has checksum ${hex(found)}, and its header says ${hex(declared)}`, {
    offset,
  });
}

function hex(sum: number): string {
  return `0x${sum.toString(16).padStart(8, '0')}`;
}

function unpack(decoder: BlockDecoder, data: Uint8Array, length: number, dataStart: number): Uint8Array {
  try {
    return decoder.decodeBlock(data, length);
  } catch (error) {
    if (!(error instanceof CabError)) throw error;
    throw new CabError(error.code, error.reason, { offset: dataStart + (error.offset ?? 0), cause: error.cause });
  }
}
