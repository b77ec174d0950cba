import { type Compression, compressionOf } from './decoder.ts';
import { CabError } from './error.ts';
import { FileTable } from './file-table.ts';
import type { Cursor, Steps } from './intake.ts';

/** One file of a cabinet, from its CFFILE entry ([MS-CAB]). */
export interface CabMember {
  /**
   * Name as stored, path separators included (Microsoft's tools write backslashes). It is decoded as UTF-8 when the
   * entry says so, else as Latin-1, since no cabinet says which code page it was written in.
   */
  readonly name: string;
  /** Unpacked length in bytes. */
  readonly size: number;
  /** Index of the folder, that is the compressed stream, that holds it. */
  readonly folder: number;
  /** First byte in the folder's unpacked stream. */
  readonly offset: number;
  /** DOS attributes (0x01 read-only, 0x02 hidden, 0x04 system, 0x20 archive, 0x40 run after extraction, 0x80 name is UTF-8). */
  readonly attributes: number;
  /** Time of last change, `undefined` when the entry's is no possible time. Cabinets state no time zone; read as UTC. */
  readonly modified: Date | undefined;
}

/** A member as `onMember` meets it: its name can be looked at without a string being made of it. */
export interface MetMember extends CabMember {
  /** Bytes of the name as stored. */
  readonly nameLength: number;
  /** One of them. @param at from 0 to `nameLength - 1` */
  nameByte(at: number): number;
}

/** One compressed stream, from its CFFOLDER entry ([MS-CAB]). */
export interface CabFolder {
  /** Byte of the cabinet at which its first CFDATA block stands. */
  readonly dataOffset: number;
  /** CFDATA blocks. */
  readonly blocks: number;
  readonly compression: Compression;
}

/** What stands before a cabinet's data. */
export interface CabHeader {
  /** Length of the cabinet in bytes (`cbCabinet`); what follows, such as a signature, is not part of it. */
  readonly size: number;
  readonly setId: number;
  /** The application's own bytes in the header (`abReserve`); in signed cabinets the place of the signature. */
  readonly reserve: Uint8Array;
  /** Bytes reserved in each CFDATA header. */
  readonly dataReserve: number;
  readonly folders: readonly CabFolder[];
  /** In the order of the file table. They are made when this is read first: who wants one by one gets them in `onMember`. */
  readonly members: readonly CabMember[];
}

const headerLength = 36;
const folderEntryLength = 8;

const hasPrevious = 0x0001;
const hasNext = 0x0002;
const hasReserve = 0x0004;

/**
 * Reads the header and both tables, and passes over gaps between them. The format's version (1.3 in every cabinet there
 * is) is not looked at; other readers do not either.
 */
export function* readHeader(cursor: Cursor): Steps<{ readonly header: CabHeader; readonly files: FileTable }> {
  const fixed = view(yield headerLength);
  if (fixed.getUint32(0, false) !== 0x4d534346) {
    throw new CabError('not-a-cabinet', 'not a cabinet: it does not begin with "MSCF"', { offset: 0 });
  }
  const size = fixed.getUint32(8, true);
  const filesOffset = fixed.getUint32(16, true);
  const folderCount = fixed.getUint16(26, true);
  const fileCount = fixed.getUint16(28, true);
  const flags = fixed.getUint16(30, true);
  const setId = fixed.getUint16(32, true);

  if ((flags & (hasPrevious | hasNext)) !== 0) {
    throw new CabError('split-set', 'the cabinet is one of a set of several; only whole cabinets can be read', {
      offset: 30,
    });
  }
  if (folderCount === 0) throw badHeader('the cabinet has no folder', 26);
  if (fileCount === 0) throw badHeader('the cabinet has no file', 28);
  if (size < headerLength) throw badHeader(`the cabinet says that it has ${size} bytes, less than its header`, 8);
  if (filesOffset >= size) {
    throw badHeader(`the file table is said to begin at byte ${filesOffset} of a cabinet of ${size}`, 16);
  }

  const reserve = yield* readReserve(flags);
  const folders = yield* readFolders(folderCount, reserve.folder);
  if (filesOffset < cursor.offset) {
    throw badHeader(`the file table at byte ${filesOffset} begins before the folder table ends`, 16);
  }
  if (filesOffset > cursor.offset) yield { what: 'skip', count: filesOffset - cursor.offset };
  const table = new FileTable(fileCount, folderCount);
  yield { what: 'entries', table };
  if (cursor.offset > size) throw badHeader(`the cabinet says that it has ${size} bytes, less than its tables`, 8);
  let members: readonly CabMember[] | undefined;
  const header: CabHeader = {
    size,
    setId,
    reserve: reserve.header,
    dataReserve: reserve.data,
    folders,
    get members() {
      members ??= table.list();
      return members;
    },
  };
  return { header, files: table };
}

function* readReserve(flags: number): Steps<{ header: Uint8Array; folder: number; data: number }> {
  if ((flags & hasReserve) === 0) return { header: new Uint8Array(0), folder: 0, data: 0 };
  const sizes = view(yield 4);
  const headerReserve = sizes.getUint16(0, true);
  const folder = sizes.getUint8(2);
  const data = sizes.getUint8(3);
  const header = headerReserve === 0 ? new Uint8Array(0) : new Uint8Array(yield headerReserve);
  return { header, folder, data };
}

function* readFolders(count: number, reserve: number): Steps<CabFolder[]> {
  const folders: CabFolder[] = [];
  while (folders.length < count) {
    const entry = view(yield folderEntryLength + reserve);
    folders.push({
      dataOffset: entry.getUint32(0, true),
      blocks: entry.getUint16(4, true),
      compression: compressionOf(entry.getUint16(6, true)),
    });
  }
  return folders;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function badHeader(reason: string, offset: number): CabError {
  return new CabError('bad-header', reason, { offset });
}
