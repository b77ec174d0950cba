import { closeSync, openSync, writeSync } from 'node:fs';
import type { CabHeader } from '#shared/cabinet/index.ts';
import { CabReader } from '#shared/cabinet/index.ts';

/** A folder of a cabinet: its data as they stand there, and its members. */
interface PackedFolder {
  readonly data: Uint8Array;
  readonly blocks: number;
  readonly typeCompress: number;
  readonly members: readonly { readonly entry: Uint8Array; readonly name: string }[];
}

/**
 * Writes one large cabinet with the folders of others, each several times, without packing anything again: so it holds
 * what Microsoft's encoder made, and a run over it takes long enough to be measured.
 *
 * @param times how often each of the cabinets goes in
 * @returns bytes of the cabinet, and bytes that it unpacks to
 */
export function joinCabs(
  file: string,
  cabs: readonly Uint8Array[],
  times: number,
): { readonly packed: number; readonly unpacked: number } {
  const originals = cabs.flatMap(foldersOf);
  const folders = Array.from({ length: times }, () => originals).flat();
  const tables = folders.map(({ members }, folder) =>
    members.map(({ entry, name }) => fileEntry(entry, folder, `${folder}\\${name}`)),
  );
  const entries = Buffer.concat(tables.flat());
  const count = tables.reduce((sum, { length }) => sum + length, 0);
  if (count > 65_535 || folders.length > 65_535) {
    throw new RangeError(`${count} members in ${folders.length} folders; 65,535 of each go`);
  }
  const filesAt = 36 + 8 * folders.length;
  const size = filesAt + entries.length + folders.reduce((sum, { data }) => sum + data.length, 0);
  const head = Buffer.alloc(filesAt);
  head.write('MSCF');
  head.writeUInt32LE(size, 8);
  head.writeUInt32LE(filesAt, 16);
  head.writeUInt16LE(0x0103, 24);
  head.writeUInt16LE(folders.length, 26);
  head.writeUInt16LE(count, 28);
  let at = filesAt + entries.length;
  for (const [i, { data, blocks, typeCompress }] of folders.entries()) {
    head.writeUInt32LE(at, 36 + 8 * i);
    head.writeUInt16LE(blocks, 40 + 8 * i);
    head.writeUInt16LE(typeCompress, 42 + 8 * i);
    at += data.length;
  }
  const target = openSync(file, 'w');
  try {
    for (const part of [head, entries, ...folders.map(({ data }) => data)]) {
      for (let written = 0; written < part.length; ) written += writeSync(target, part, written);
    }
  } finally {
    closeSync(target);
  }
  const unpacked = tables.flat().reduce((sum, entry) => sum + entry.readUInt32LE(0), 0);
  return { packed: size, unpacked };
}

/** The same entry in another folder and under another name. */
function fileEntry(entry: Uint8Array, folder: number, name: string): Buffer {
  const fixed = Buffer.from(entry);
  fixed.writeUInt16LE(folder, 8);
  return Buffer.concat([fixed, Buffer.from(`${name}\0`, 'latin1')]);
}

function foldersOf(cab: Uint8Array): PackedFolder[] {
  const headers: CabHeader[] = [];
  const reader = new CabReader({ onHeader: (header) => void headers.push(header), onMember: () => undefined });
  reader.write(cab);
  reader.end();
  const [header] = headers;
  if (header === undefined || header.dataReserve !== 0)
    throw new RangeError('a cabinet with reserved bytes in its blocks');
  const view = Buffer.from(cab.buffer, cab.byteOffset, cab.byteLength);
  return header.folders.map(({ dataOffset, blocks, compression }, index) => {
    let end = dataOffset;
    for (let i = 0; i < blocks; i++) end += 8 + view.readUInt16LE(end + 4);
    const members = header.members.filter(({ folder }) => folder === index);
    return {
      data: cab.subarray(dataOffset, end),
      blocks,
      typeCompress: compression.method === 'lzx' ? 3 | (compression.windowBits << 8) : 1,
      members: members.map(({ name, size, offset, attributes }) => {
        const entry = Buffer.alloc(16);
        entry.writeUInt32LE(size, 0);
        entry.writeUInt32LE(offset, 4);
        entry.writeUInt16LE(attributes, 14);
        return { entry, name };
      }),
    };
  });
}
