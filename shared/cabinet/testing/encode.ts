import { deflateRawSync } from 'node:zlib';
import { checksum } from '../checksum.ts';
import { encodeLzx, type LzxOptions } from './lzx-encoder.ts';

/** A file to put into a cabinet. */
export interface MemberToEncode {
  /** Stored as it is; use backslashes, as Microsoft does. At most 255 bytes; UTF-8 with its flag when not ASCII. */
  readonly name: string;
  readonly data: Uint8Array;
  /** Stored as UTC with a resolution of two seconds, 1980 to 2107. @default no time */
  readonly modified?: Date;
}

/** LZX with the binary logarithm of the window's size, and optionally how blocks are made. */
type LzxCompression = { readonly lzx: 15 | 16 | 17 | 18 | 19 | 20 | 21 } & Omit<LzxOptions, 'windowBits'>;

export interface EncodeOptions {
  /** 1 to 65,535 files. */
  readonly members: readonly MemberToEncode[];
  readonly compression: 'stored' | 'mszip' | LzxCompression;
  /**
   * Folder of the member with this index. The numbers used must be 0, 1, 2 … without a gap.
   * @default all members in one folder
   */
  readonly folderOf?: (index: number) => number;
  /** Bytes of zeros to reserve in the header (0 to 60,000), in each folder entry and in each data block (0 to 255). */
  readonly reserve?: { readonly header?: number; readonly folder?: number; readonly data?: number };
  /** Bytes after the cabinet, where a signature would stand; they do not count in `cbCabinet`. */
  readonly trailing?: Uint8Array;
  /** Write checksums of the data blocks; without, the fields are 0. @default true */
  readonly checksums?: boolean;
}

const blockLength = 32_768;
const maxBlocks = 65_535;

/** A CFDATA block: packed bytes and unpacked length. */
interface Block {
  readonly data: Uint8Array;
  readonly unpacked: number;
}

/**
 * Makes a cabinet as [MS-CAB] describes it. A test tool: everything is in memory, and it packs less well than makecab.
 *
 * @throws RangeError when the options or the data exceed what a cabinet can hold
 */
export function encodeCab(options: EncodeOptions): Uint8Array {
  const { members } = options;
  if (members.length < 1 || members.length > 65_535) throw new RangeError(`${members.length} files; 1 to 65,535 go`);
  const reserve = { header: 0, folder: 0, data: 0, ...options.reserve };
  const hasReserve = options.reserve !== undefined;
  assertRange('reserve.header', reserve.header, 60_000);
  assertRange('reserve.folder', reserve.folder, 255);
  assertRange('reserve.data', reserve.data, 255);
  const folders = groupByFolder(members, options.folderOf ?? (() => 0));
  const packed = folders.map((indexes) => packFolder(concat(indexes.map((i) => dataOf(members, i))), options));

  const foldersAt = 36 + (hasReserve ? 4 + reserve.header : 0);
  const filesAt = foldersAt + folders.length * (8 + reserve.folder);
  const files = fileEntries(members, folders);
  const dataAt = filesAt + files.length;

  const dataParts: Uint8Array[] = [];
  const folderTable = new DataView(new ArrayBuffer(folders.length * (8 + reserve.folder)));
  let at = dataAt;
  for (const [i, blocks] of packed.entries()) {
    if (blocks.length > maxBlocks) throw new RangeError(`folder ${i} has ${blocks.length} blocks; ${maxBlocks} go`);
    const entry = i * (8 + reserve.folder);
    folderTable.setUint32(entry, at, true);
    folderTable.setUint16(entry + 4, blocks.length, true);
    folderTable.setUint16(entry + 6, typeCompress(options.compression), true);
    for (const block of blocks) {
      const head = blockHeader(block, reserve.data, options.checksums ?? true);
      dataParts.push(head, block.data);
      at += head.length + block.data.length;
    }
  }
  if (at > 0xffffffff) throw new RangeError(`a cabinet of ${at} bytes; less than 4 GiB go`);

  const header = new DataView(new ArrayBuffer(foldersAt));
  header.setUint32(0, 0x4d534346, false);
  header.setUint32(8, at, true);
  header.setUint32(16, filesAt, true);
  header.setUint8(24, 3);
  header.setUint8(25, 1);
  header.setUint16(26, folders.length, true);
  header.setUint16(28, members.length, true);
  header.setUint16(30, hasReserve ? 4 : 0, true);
  if (hasReserve) {
    header.setUint16(36, reserve.header, true);
    header.setUint8(38, reserve.folder);
    header.setUint8(39, reserve.data);
  }
  const tables = [new Uint8Array(header.buffer), new Uint8Array(folderTable.buffer), files];
  return concat([...tables, ...dataParts, options.trailing ?? new Uint8Array(0)]);
}

function assertRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new RangeError(`${name} is ${value}; 0 to ${most} go`);
}

function dataOf(members: readonly MemberToEncode[], index: number): Uint8Array {
  return members[index]?.data ?? new Uint8Array(0);
}

/** Indexes of the members of each folder. */
function groupByFolder(members: readonly MemberToEncode[], folderOf: (index: number) => number): number[][] {
  const folders: number[][] = [];
  for (const index of members.keys()) {
    const folder = folderOf(index);
    while (folders.length <= folder) folders.push([]);
    folders[folder]?.push(index);
  }
  const empty = folders.findIndex((indexes) => indexes.length === 0);
  if (empty !== -1) throw new RangeError(`folder ${empty} has no file`);
  return folders;
}

/** CFFILE entries; the members of one folder stand together, as its stream does. */
function fileEntries(members: readonly MemberToEncode[], folders: readonly number[][]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [folder, indexes] of folders.entries()) {
    let offset = 0;
    for (const index of indexes) {
      const member = members[index];
      if (member === undefined) continue;
      const name = new TextEncoder().encode(member.name);
      if (name.length < 1 || name.length > 255 || name.includes(0)) {
        throw new RangeError(`a file name of ${name.length} bytes; 1 to 255 without NUL go`);
      }
      const entry = new DataView(new ArrayBuffer(16));
      const time = dosTime(member.modified);
      entry.setUint32(0, member.data.length, true);
      entry.setUint32(4, offset, true);
      entry.setUint16(8, folder, true);
      entry.setUint16(10, time.date, true);
      entry.setUint16(12, time.time, true);
      entry.setUint16(14, name.some((byte) => byte >= 0x80) ? 0xa0 : 0x20, true);
      parts.push(new Uint8Array(entry.buffer), name, new Uint8Array(1));
      offset += member.data.length;
    }
  }
  return concat(parts);
}

function dosTime(modified: Date | undefined): { date: number; time: number } {
  if (modified === undefined) return { date: 0, time: 0 };
  const year = modified.getUTCFullYear();
  if (!(year >= 1980 && year <= 2107)) throw new RangeError(`a file of the year ${year}; 1980 to 2107 go`);
  return {
    date: ((year - 1980) << 9) | ((modified.getUTCMonth() + 1) << 5) | modified.getUTCDate(),
    time: (modified.getUTCHours() << 11) | (modified.getUTCMinutes() << 5) | (modified.getUTCSeconds() >>> 1),
  };
}

function packFolder(stream: Uint8Array, { compression }: EncodeOptions): Block[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += blockLength) chunks.push(stream.subarray(at, at + blockLength));
  if (typeof compression === 'object') {
    const { lzx: windowBits, ...rest } = compression;
    return encodeLzx(stream, { windowBits, ...rest }).map((data, i) => ({ data, unpacked: chunks[i]?.length ?? 0 }));
  }
  return chunks.map((chunk, i) => ({
    data: compression === 'mszip' ? mszip(chunk, chunks[i - 1]) : chunk,
    unpacked: chunk.length,
  }));
}

function mszip(chunk: Uint8Array, before: Uint8Array | undefined): Uint8Array {
  const deflated = deflateRawSync(chunk, before === undefined ? {} : { dictionary: before });
  return concat([Uint8Array.of(0x43, 0x4b), deflated]);
}

function typeCompress(compression: EncodeOptions['compression']): number {
  if (compression === 'stored') return 0;
  return compression === 'mszip' ? 1 : 3 | (compression.lzx << 8);
}

function blockHeader(block: Block, reserve: number, checksums: boolean): Uint8Array {
  const header = new DataView(new ArrayBuffer(8 + reserve));
  header.setUint16(4, block.data.length, true);
  header.setUint16(6, block.unpacked, true);
  const bytes = new Uint8Array(header.buffer);
  if (checksums) header.setUint32(0, checksum(bytes.subarray(4), checksum(block.data)), true);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
