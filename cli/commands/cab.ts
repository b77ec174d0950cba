import { createHash } from 'node:crypto';
import type { CabFolder, CabHeader } from '#shared/cabinet/index.ts';
import { exitCodes, formatBytes, printTable } from '../io.ts';
import { printable } from '../printable.ts';
import { type CabIo, readCabFile, reportFault } from './cab-read.ts';

export interface CabOptions {
  /** Path of the cabinet. */
  readonly file: string;
  readonly json: boolean;
}

/** Lines are printed in pieces of about this many characters, since there may be 65,535 of them. */
const PIECE_LENGTH = 1 << 16;

/**
 * `kbroker cab list`: what the file table of a cabinet names. Only the header is read, so a list says nothing of the data.
 *
 * @returns the exit code
 */
export async function listCab({ file, json }: CabOptions, io: CabIo): Promise<number> {
  let header: CabHeader | undefined;
  const handlers = {
    onHeader(read: CabHeader) {
      header = read;
    },
    onMember: () => undefined,
  };
  const fault = await readCabFile(file, handlers, io, () => header !== undefined);
  if (header === undefined) {
    if (fault !== undefined) reportFault(file, fault, io);
    if (json) io.stdout.write(`${JSON.stringify({ file, error: fault ?? null })}\n`);
    return exitCodes.failed;
  }
  const { size, folders, members } = header;
  if (json) {
    const plain = members.map(({ name, size, folder, offset, attributes, modified }) => ({
      ...{ name, size, folder, offset, attributes, modified: modified?.toISOString() ?? null },
    }));
    const packed = folders.map((folder) => ({ compression: compressionName(folder), blocks: folder.blocks }));
    io.stdout.write(`${JSON.stringify({ file, size, folders: packed, members: plain })}\n`);
    return exitCodes.ok;
  }
  printTable(
    io,
    ['size', 'modified', 'packed', 'name'],
    members.map(({ name, size, modified, folder }) => [
      String(size),
      modified?.toISOString().slice(0, 19).replace('T', ' ') ?? '',
      compressionName(folders[folder]),
      name,
    ]),
  );
  io.stdout.write(`${members.length} members in ${folders.length} folders, cabinet of ${formatBytes(size)}\n`);
  return exitCodes.ok;
}

function compressionName(folder: CabFolder | undefined): string {
  const compression = folder?.compression;
  switch (compression?.method) {
    case undefined:
      return '';
    case 'lzx':
      return `LZX:${compression.windowBits}`;
    case 'unknown':
      return `type 0x${compression.type.toString(16).padStart(4, '0')}`;
    case 'mszip':
      return 'MSZIP';
    case 'quantum':
      return 'Quantum';
    case 'stored':
      return 'stored';
  }
}

interface HashedMember {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * `kbroker cab hash`: `sha256  name` of each member, in the order of the data. Of a bad cabinet the members that were
 * right come first; then one line on stderr says what is wrong and where.
 *
 * @returns the exit code
 */
export async function hashCab({ file, json }: CabOptions, io: CabIo): Promise<number> {
  const members: HashedMember[] = [];
  let lines = '';
  const flush = (): void => {
    if (lines !== '') io.stdout.write(lines);
    lines = '';
  };
  const add = (member: HashedMember): void => {
    if (json) {
      members.push(member);
      return;
    }
    lines += `${member.sha256}  ${printable(member.name)}\n`;
    if (lines.length >= PIECE_LENGTH) flush();
  };
  const fault = await readCabFile(
    file,
    {
      onMember({ name, size }) {
        const hash = createHash('sha256');
        return {
          write: (chunk) => void hash.update(chunk),
          end: () => add({ name, size, sha256: hash.digest('hex') }),
        };
      },
    },
    io,
    () => io.stdout.isClosed === true,
  );
  flush();
  if (json) io.stdout.write(`${JSON.stringify({ file, members, error: fault ?? null })}\n`);
  if (fault === undefined) return exitCodes.ok;
  reportFault(file, fault, io);
  return exitCodes.failed;
}
