import { CabError } from './error.ts';
import type { CabMember } from './header.ts';
import type { Table } from './intake.ts';
import { u16, u32 } from './numbers.ts';

const entryLength = 16;
/** 255 bytes and a NUL (CB_MAX_FILENAME of the Cabinet SDK). */
const maxNameLength = 256;
/** `iFolder` values from here on mean that the member goes on in another cabinet of the set. */
const continued = 0xfffd;
const nameIsUtf8 = 0x80;

/** The CFFILE entries of a cabinet, at most 65,535. An entry becomes one object. */
export class FileTable implements Table {
  readonly members: CabMember[] = [];
  readonly maxEntryLength = entryLength + maxNameLength;
  readonly #count: number;
  readonly #folders: number;

  constructor(count: number, folders: number) {
    this.#count = count;
    this.#folders = folders;
  }

  get done(): boolean {
    return this.members.length === this.#count;
  }

  take(bytes: Uint8Array, offset: number): number {
    // The same memory, with a method that decodes Latin-1.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
      this.#add(buffer, at, nameEnd, offset);
      at = nameEnd + 1;
    }
    return at;
  }

  #add(entry: Buffer, at: number, nameEnd: number, offset: number): void {
    const attributes = u16(entry, at + 14);
    const nameAt = at + entryLength;
    const name =
      (attributes & nameIsUtf8) === 0
        ? entry.toString('latin1', nameAt, nameEnd)
        : utf8.decode(entry.subarray(nameAt, nameEnd));
    const folder = u16(entry, at + 8);
    if (folder >= continued) {
      throw new CabError('split-set', 'it goes on in another cabinet of a set; only whole cabinets can be read', {
        offset: offset + at + 8,
        member: name,
      });
    }
    if (folder >= this.#folders) {
      throw new CabError('bad-header', `it is said to be in folder ${folder}, and there are ${this.#folders}`, {
        offset: offset + at + 8,
        member: name,
      });
    }
    const modified = fromDosTime(u16(entry, at + 10), u16(entry, at + 12));
    this.members.push({ name, size: u32(entry, at), folder, offset: u32(entry, at + 4), attributes, modified });
  }

  #fault(reason: string, offset: number): CabError {
    return new CabError('bad-header', `file ${this.members.length} of ${this.#count} ${reason}`, { offset });
  }
}

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
