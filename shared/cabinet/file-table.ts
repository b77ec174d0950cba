import { CabError } from './error.ts';
import type { CabMember, MetMember } from './header.ts';
import type { Table } from './intake.ts';
import { u16, u32 } from './numbers.ts';

const entryLength = 16;
/** 255 bytes and a NUL (CB_MAX_FILENAME of the Cabinet SDK). */
const maxNameLength = 256;
/** `iFolder` values from here on mean that the member goes on in another cabinet of the set. */
const continued = 0xfffd;
const nameIsUtf8 = 0x80;

/** Entries that there is room for at first. */
const fewEntries = 64;
/** Bytes of an entry's numbers, kept together as they are: size, offset, folder, date, time, attributes. */
const numbersLength = entryLength;

/**
 * The CFFILE entries of a cabinet, at most 65,535, kept as bytes: an index has some 800,000 of them, of which objects that
 * all live until their cabinet is read would cost more than reading them. {@link member} makes one when it is asked for.
 */
export class FileTable implements Table {
  readonly maxEntryLength = entryLength + maxNameLength;
  readonly #declared: number;
  readonly #folders: number;
  #count = 0;
  #numbers = Buffer.alloc(fewEntries * numbersLength);
  #names = Buffer.alloc(fewEntries * 16);
  /** Where each entry's name ends in `names`. */
  #nameEnds = new Uint32Array(fewEntries);
  /** What {@link isInOrder} compares the next entry with. */
  #last = { folder: 0, offset: 0, size: 0 };
  #isInOrder = true;

  constructor(declared: number, folders: number) {
    this.#declared = declared;
    this.#folders = folders;
  }

  get done(): boolean {
    return this.#count === this.#declared;
  }

  /** Entries taken so far. */
  get count(): number {
    return this.#count;
  }

  /** Whether the entries taken so far stand by folder, by offset in it, and by size, as tools write them. */
  get isInOrder(): boolean {
    return this.#isInOrder;
  }

  take(bytes: Uint8Array, offset: number): number {
    const last = bytes.length;
    let at = 0;
    while (!this.done) {
      const nameAt = at + entryLength;
      const limit = Math.min(last, nameAt + maxNameLength);
      let nameEnd = nameAt;
      while (nameEnd < limit && bytes[nameEnd] !== 0) nameEnd++;
      if (nameEnd >= limit) {
        if (nameEnd < nameAt + maxNameLength) break;
        throw this.#fault(`has a name of more than ${maxNameLength - 1} bytes`, offset + nameAt);
      }
      if (nameEnd === nameAt) throw this.#fault('has an empty name', offset + nameAt);
      this.#add(bytes, at, nameEnd, offset);
      at = nameEnd + 1;
    }
    return at;
  }

  /** One of the entries, in the order of the table. Each call makes another object. */
  member(index: number): MetMember {
    return new TableMember(this, index);
  }

  /** All entries, as plain objects. */
  list(): CabMember[] {
    return Array.from({ length: this.#count }, (_, index) => {
      const { name, size, folder, offset, attributes, modified } = this.member(index);
      return { name, size, folder, offset, attributes, modified };
    });
  }

  /** {@link CabMember.name} of an entry. */
  name(index: number): string {
    return nameOf(this.#names, this.#nameStart(index), this.#nameEnds[index] as number, this.attributes(index));
  }

  /** {@link MetMember.nameLength} of an entry. */
  nameLength(index: number): number {
    return (this.#nameEnds[index] as number) - this.#nameStart(index);
  }

  /** {@link MetMember.nameByte} of an entry. */
  nameByte(index: number, at: number): number {
    return this.#names[this.#nameStart(index) + at] as number;
  }

  /** {@link CabMember.attributes} of an entry. */
  attributes(index: number): number {
    return u16(this.#numbers, index * numbersLength + 14);
  }

  /** {@link CabMember.modified} of an entry. */
  modified(index: number): Date | undefined {
    const at = index * numbersLength;
    return fromDosTime(u16(this.#numbers, at + 10), u16(this.#numbers, at + 12));
  }

  /** {@link CabMember.size} of an entry. */
  size(index: number): number {
    return u32(this.#numbers, index * numbersLength);
  }

  /** {@link CabMember.offset} of an entry. */
  offset(index: number): number {
    return u32(this.#numbers, index * numbersLength + 4);
  }

  /** {@link CabMember.folder} of an entry. */
  folder(index: number): number {
    return u16(this.#numbers, index * numbersLength + 8);
  }

  #add(bytes: Uint8Array, at: number, nameEnd: number, offset: number): void {
    const nameAt = at + entryLength;
    const folder = u16(bytes, at + 8);
    if (folder >= this.#folders) throw this.#wrongFolder(bytes, at, nameEnd, offset);
    const index = this.#count;
    const start = this.#nameStart(index);
    const end = start + nameEnd - nameAt;
    this.#makeRoom(index, end);
    const numbers = this.#numbers;
    const names = this.#names;
    const to = index * numbersLength;
    for (let i = 0; i < numbersLength; i++) numbers[to + i] = bytes[at + i] as number;
    for (let i = start, from = nameAt; i < end; i++, from++) names[i] = bytes[from] as number;
    this.#nameEnds[index] = end;
    this.#count += 1;
    this.#compare(index, folder);
  }

  #nameStart(index: number): number {
    return index === 0 ? 0 : (this.#nameEnds[index - 1] as number);
  }

  #compare(index: number, folder: number): void {
    const last = this.#last;
    const size = this.size(index);
    const at = this.offset(index);
    if (folder === last.folder ? at < last.offset || (at === last.offset && size < last.size) : folder < last.folder) {
      this.#isInOrder = false;
    }
    last.folder = folder;
    last.offset = at;
    last.size = size;
  }

  #makeRoom(index: number, namesEnd: number): void {
    if (index === this.#nameEnds.length) {
      const ends = new Uint32Array(2 * index);
      ends.set(this.#nameEnds);
      this.#nameEnds = ends;
      this.#numbers = larger(this.#numbers, 2 * index * numbersLength);
    }
    if (namesEnd > this.#names.length) this.#names = larger(this.#names, 2 * namesEnd);
  }

  #wrongFolder(bytes: Uint8Array, at: number, nameEnd: number, offset: number): CabError {
    const folder = u16(bytes, at + 8);
    const entry = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const where = {
      offset: offset + at + 8,
      member: nameOf(entry, at + entryLength, nameEnd, u16(bytes, at + 14)),
    };
    return folder >= continued
      ? new CabError('split-set', 'it goes on in another cabinet of a set; only whole cabinets can be read', where)
      : new CabError('bad-header', `it is said to be in folder ${folder}, and there are ${this.#folders}`, where);
  }

  #fault(reason: string, offset: number): CabError {
    return new CabError('bad-header', `file ${this.#count} of ${this.#declared} ${reason}`, { offset });
  }
}

/** An entry. Name and time are made when they are read: most members are only passed by, and have no need of a date. */
class TableMember implements MetMember {
  readonly size: number;
  readonly folder: number;
  readonly offset: number;
  readonly #table: FileTable;
  readonly #index: number;

  constructor(table: FileTable, index: number) {
    this.size = table.size(index);
    this.folder = table.folder(index);
    this.offset = table.offset(index);
    this.#table = table;
    this.#index = index;
  }

  get name(): string {
    return this.#table.name(this.#index);
  }

  get nameLength(): number {
    return this.#table.nameLength(this.#index);
  }

  nameByte(at: number): number {
    return this.#table.nameByte(this.#index, at);
  }

  get attributes(): number {
    return this.#table.attributes(this.#index);
  }

  get modified(): Date | undefined {
    return this.#table.modified(this.#index);
  }
}

function larger(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const more = Buffer.alloc(length);
  more.set(bytes);
  return more;
}

const nameOf = (bytes: Buffer, start: number, end: number, attributes: number): string =>
  (attributes & nameIsUtf8) === 0 ? bytes.toString('latin1', start, end) : utf8.decode(bytes.subarray(start, end));

/** Date and time in the two 16-bit fields of DOS; seconds are even. */
function fromDosTime(date: number, time: number): Date | undefined {
  const year = 1980 + (date >>> 9);
  const month = (date >>> 5) & 0x0f;
  const day = date & 0x1f;
  const hours = time >>> 11;
  const minutes = (time >>> 5) & 0x3f;
  const seconds = (time & 0x1f) * 2;
  const possible = day >= 1 && day <= daysOf(month, year) && hours < 24 && minutes < 60 && seconds < 60;
  return possible ? new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds)) : undefined;
}

const days = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days of a month from 1980 to 2107; none when there is no such month. */
function daysOf(month: number, year: number): number {
  const isLeap = year % 4 === 0 && year !== 2100;
  return month === 2 && isLeap ? 29 : (days[month] ?? 0);
}

const utf8 = new TextDecoder();
