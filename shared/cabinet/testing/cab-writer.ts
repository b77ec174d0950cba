import { checksum } from '../checksum.ts';
import { type Compression, type Packer, packerFor, typeCompress } from './packers.ts';

/** Where a cabinet is written to. */
export interface CabTarget {
  append(bytes: Uint8Array): void;
  /** Overwrites bytes that were appended before. */
  patch(position: number, bytes: Uint8Array): void;
}

export interface MemberName {
  /** Stored as it is; use backslashes, as Microsoft does. At most 255 bytes; UTF-8 with its flag when not ASCII. */
  readonly name: string;
  /** Stored as UTC with a resolution of two seconds, 1980 to 2107. @default no time */
  readonly modified?: Date;
}

/** Bytes of zeros to reserve in the header (0 to 60,000), in each folder entry and in each data block (0 to 255). */
export interface Reserve {
  readonly header?: number;
  readonly folder?: number;
  readonly data?: number;
}

/** What a cabinet will hold; the contents follow. */
export interface CabPlan {
  /** Members of each folder, in the order in which their contents will be written; 1 to 65,535 in all. */
  readonly folders: readonly (readonly MemberName[])[];
  readonly compression: Compression;
  readonly reserve?: Reserve;
  /** Write checksums of the data blocks; without, the fields are 0. @default true */
  readonly checksums?: boolean;
  /** Bytes of each folder's stream when known: less memory is then taken for short ones. */
  readonly folderLengths?: readonly number[];
}

const maxBlocks = 65_535;
const maxLength = 0xffff_ffff;

/**
 * Writes a cabinet as [MS-CAB] describes it, member by member, with memory for the tables and the window of LZX only. The
 * tables stand at the front and are filled in at the end.
 */
export class CabWriter {
  readonly #target: CabTarget;
  readonly #plan: CabPlan;
  readonly #reserve: Required<Reserve>;
  /** Header, CFFOLDER and CFFILE entries. */
  readonly #tables: Uint8Array;
  readonly #view: DataView;
  readonly #foldersAt: number;
  #length: number;
  #folder = -1;
  /** Members of the folder at hand that are complete, and where the open one began in the folder's stream. */
  #members = 0;
  #memberStart = 0;
  #streamLength = 0;
  #blocks = 0;
  /** Place of the open member's CFFILE entry. */
  #entryAt: number;
  #packer: Packer | undefined;

  /** @throws RangeError when the plan exceeds what a cabinet can hold */
  constructor(target: CabTarget, plan: CabPlan) {
    this.#target = target;
    this.#plan = plan;
    const members = plan.folders.flat();
    if (members.length < 1 || members.length > 65_535) throw new RangeError(`${members.length} files; 1 to 65,535 go`);
    const reserve = { header: 0, folder: 0, data: 0, ...plan.reserve };
    assertRange('reserve.header', reserve.header, 60_000);
    assertRange('reserve.folder', reserve.folder, 255);
    assertRange('reserve.data', reserve.data, 255);
    this.#reserve = reserve;
    const empty = plan.folders.findIndex((names) => names.length === 0);
    if (empty !== -1) throw new RangeError(`folder ${empty} has no file`);
    this.#foldersAt = 36 + (plan.reserve === undefined ? 0 : 4 + reserve.header);
    const filesAt = this.#foldersAt + plan.folders.length * (8 + reserve.folder);
    const entries = Buffer.concat(
      plan.folders.flatMap((names, folder) => names.map((name) => fileEntry(name, folder))),
    );
    this.#tables = new Uint8Array(filesAt + entries.length);
    this.#tables.set(entries, filesAt);
    this.#view = new DataView(this.#tables.buffer);
    this.#entryAt = filesAt;
    this.#writeHeader(filesAt, members.length);
    target.append(this.#tables);
    this.#length = this.#tables.length;
    this.#nextFolder();
  }

  /** Bytes of the open member, in pieces of any size. */
  write(bytes: Uint8Array): void {
    if (this.#packer === undefined) throw new RangeError('all files of the plan are complete');
    this.#streamLength += bytes.length;
    this.#packer.write(bytes);
  }

  /** The open member is complete; the next one of the plan, if any, is open now. */
  endMember(): void {
    const names = this.#plan.folders[this.#folder];
    if (names === undefined) throw new RangeError('all files of the plan are complete');
    if (this.#streamLength > maxLength) throw new RangeError(`folder ${this.#folder} has 4 GiB or more`);
    this.#view.setUint32(this.#entryAt, this.#streamLength - this.#memberStart, true);
    this.#view.setUint32(this.#entryAt + 4, this.#memberStart, true);
    this.#memberStart = this.#streamLength;
    this.#entryAt = this.#tables.indexOf(0, this.#entryAt + 16) + 1;
    this.#members += 1;
    if (this.#members < names.length) return;
    this.#packer?.end();
    this.#view.setUint16(this.#foldersAt + this.#folder * (8 + this.#reserve.folder) + 4, this.#blocks, true);
    this.#nextFolder();
  }

  /**
   * Fills in the tables, when all members are complete.
   *
   * @returns length of the cabinet
   */
  end(): number {
    if (this.#folder < this.#plan.folders.length) throw new RangeError('not all files of the plan are complete');
    this.#view.setUint32(8, this.#length, true);
    this.#target.patch(0, this.#tables);
    return this.#length;
  }

  #nextFolder(): void {
    this.#folder += 1;
    this.#members = 0;
    this.#memberStart = 0;
    this.#streamLength = 0;
    this.#blocks = 0;
    this.#packer = undefined;
    if (this.#folder >= this.#plan.folders.length) return;
    const entry = this.#foldersAt + this.#folder * (8 + this.#reserve.folder);
    this.#view.setUint32(entry, this.#length, true);
    this.#view.setUint16(entry + 6, typeCompress(this.#plan.compression), true);
    const length = this.#plan.folderLengths?.[this.#folder];
    this.#packer = packerFor(this.#plan.compression, (data, unpacked) => this.#writeBlock(data, unpacked), length);
  }

  #writeBlock(data: Uint8Array, unpacked: number): void {
    this.#blocks += 1;
    if (this.#blocks > maxBlocks) throw new RangeError(`folder ${this.#folder} has more than ${maxBlocks} blocks`);
    const header = new DataView(new ArrayBuffer(8 + this.#reserve.data));
    header.setUint16(4, data.length, true);
    header.setUint16(6, unpacked, true);
    const bytes = new Uint8Array(header.buffer);
    if (this.#plan.checksums ?? true) header.setUint32(0, checksum(bytes.subarray(4), checksum(data)), true);
    this.#target.append(bytes);
    this.#target.append(data);
    this.#length += bytes.length + data.length;
    if (this.#length > maxLength) throw new RangeError(`a cabinet of ${this.#length} bytes; less than 4 GiB go`);
  }

  #writeHeader(filesAt: number, members: number): void {
    const header = this.#view;
    header.setUint32(0, 0x4d534346, false);
    header.setUint32(16, filesAt, true);
    header.setUint8(24, 3);
    header.setUint8(25, 1);
    header.setUint16(26, this.#plan.folders.length, true);
    header.setUint16(28, members, true);
    if (this.#plan.reserve === undefined) return;
    header.setUint16(30, 4, true);
    header.setUint16(36, this.#reserve.header, true);
    header.setUint8(38, this.#reserve.folder);
    header.setUint8(39, this.#reserve.data);
  }
}

/** A cabinet in memory. */
export class MemoryTarget implements CabTarget {
  #bytes = new Uint8Array(65_536);
  #length = 0;

  /** What was written, as a view. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }

  patch(position: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, position);
  }
}

function assertRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new RangeError(`${name} is ${value}; 0 to ${most} go`);
}

/** CFFILE entry without size and offset. */
function fileEntry({ name, modified }: MemberName, folder: number): Uint8Array {
  const text = Buffer.from(name, 'utf8');
  if (text.length < 1 || text.length > 255 || text.includes(0)) {
    throw new RangeError(`a file name of ${text.length} bytes; 1 to 255 without NUL go`);
  }
  const bytes = new Uint8Array(16 + text.length + 1);
  const entry = new DataView(bytes.buffer);
  const time = dosTime(modified);
  entry.setUint16(8, folder, true);
  entry.setUint16(10, time.date, true);
  entry.setUint16(12, time.time, true);
  entry.setUint16(14, text.some((byte) => byte >= 0x80) ? 0xa0 : 0x20, true);
  bytes.set(text, 16);
  return bytes;
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
