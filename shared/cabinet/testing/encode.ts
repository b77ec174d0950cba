import { CabWriter, type MemberName, MemoryTarget, type Reserve } from './cab-writer.ts';
import type { Compression } from './packers.ts';

/** A file to put into a cabinet. */
export interface MemberToEncode extends MemberName {
  readonly data: Uint8Array;
}

export interface EncodeOptions {
  /** 1 to 65,535 files. */
  readonly members: readonly MemberToEncode[];
  readonly compression: Compression;
  /**
   * Folder of the member with this index. The numbers used must be 0, 1, 2 … without a gap.
   * @default all members in one folder
   */
  readonly folderOf?: (index: number) => number;
  /** @default none, and no fields for it */
  readonly reserve?: Reserve;
  /** Bytes after the cabinet, where a signature would stand; they do not count in `cbCabinet`. */
  readonly trailing?: Uint8Array;
  /** Write checksums of the data blocks; without, the fields are 0. @default true */
  readonly checksums?: boolean;
}

/**
 * Makes a cabinet as [MS-CAB] describes it. A test tool: everything is in memory, and it packs less well than makecab.
 * `CabWriter` does the same piece by piece.
 *
 * @throws RangeError when the options or the data exceed what a cabinet can hold
 */
export function encodeCab(options: EncodeOptions): Uint8Array {
  const { members, folderOf, trailing, ...rest } = options;
  const folders = groupByFolder(members, folderOf ?? (() => 0));
  const target = new MemoryTarget();
  const folderLengths = folders.map((folder) => folder.reduce((sum, { data }) => sum + data.length, 0));
  const writer = new CabWriter(target, { ...rest, folders, folderLengths });
  for (const { data } of folders.flat()) {
    writer.write(data);
    writer.endMember();
  }
  writer.end();
  target.append(trailing ?? new Uint8Array(0));
  return target.bytes.slice();
}

/** Members of each folder; those of one stand together, as its stream does. */
function groupByFolder(
  members: readonly MemberToEncode[],
  folderOf: (index: number) => number,
): readonly MemberToEncode[][] {
  const folders: MemberToEncode[][] = [];
  for (const [index, member] of members.entries()) {
    const folder = folderOf(index);
    while (folders.length <= folder) folders.push([]);
    folders[folder]?.push(member);
  }
  return folders;
}
