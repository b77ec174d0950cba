import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type EncodeOptions, encodeCab } from '#shared/cabinet/testing/encode.ts';

/** Contents by member name. */
export type Members = Readonly<Record<string, string | Uint8Array>>;

export interface IndexParts {
  readonly packageXml: string | Uint8Array;
  /** Fragments with `/` in their names (`c/1`, `x/1`, `l/en/1`), in ascending order of `rangeStart`. */
  readonly shards: readonly { readonly rangeStart: number; readonly members: Members }[];
}

export interface PackOptions {
  /** @default LZX with a window of 2 MB, in both layers, as in Microsoft's file */
  readonly compression?: EncodeOptions['compression'];
  /** Separator in member names. @default the backslash, as in Microsoft's file */
  readonly separator?: '/' | '\\';
  /** Order of the outer members. @default as given: index.xml, package.cab, package2.cab … */
  readonly order?: (names: readonly string[]) => readonly string[];
}

const lzx = { lzx: 21 } as const;

/** A cabinet of these members, in one folder. */
export const packCab = (members: Members, compression: EncodeOptions['compression'] = lzx): Uint8Array =>
  encodeCab({
    members: Object.entries(members).map(([name, data]) => ({ name, data: Buffer.from(data) })),
    compression,
  });

/** An index in the nesting of wsusscn2.cab: index.xml, package.cab with package.xml, and a cabinet per shard. */
export function packIndex(parts: IndexParts, options: PackOptions = {}): Uint8Array {
  const { compression = lzx, separator = '\\', order = (names) => names } = options;
  const stored = (members: Members): Members =>
    Object.fromEntries(Object.entries(members).map(([name, data]) => [name.replaceAll('/', separator), data]));
  const shardCabs = parts.shards.map(({ rangeStart, members }, index) => ({
    name: `package${index + 2}.cab`,
    // FILESDIR marks the cabinet that also carries licence files.
    entry: `RANGESTART="${rangeStart}"${index === 0 ? ' FILESDIR="1"' : ''}`,
    data: packCab(stored(members), compression),
  }));
  const cabs = shardCabs.map(({ name, entry }) => `<CAB NAME="${name}" ${entry} />`).join('');
  const outer: Members = {
    'index.xml': `<INDEX VERSION="1"><CABLIST XOR="0"><CAB NAME="package.cab" />${cabs}</CABLIST></INDEX>`,
    'package.cab': packCab({ 'package.xml': parts.packageXml }, compression),
    ...Object.fromEntries(shardCabs.map(({ name, data }) => [name, data])),
  };
  return packCab(
    Object.fromEntries(order(Object.keys(outer)).map((name) => [name, outer[name] ?? new Uint8Array()])),
    compression,
  );
}

/**
 * Packs a folder that holds package.xml and the directories c, x and l (a slice cut out of a real index) as an index
 * with one shard. What the folder lacks, the index lacks.
 */
export async function packSlice(folder: string, options: PackOptions = {}): Promise<Uint8Array> {
  const members: Record<string, Uint8Array> = {};
  for (const directory of ['c', 'x', 'l']) {
    for (const entry of await readdir(join(folder, directory), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      members[relative(folder, path).split(sep).join('/')] = await readFile(path);
    }
  }
  const packageXml = await readFile(join(folder, 'package.xml'));
  return packIndex({ packageXml, shards: [{ rangeStart: 0, members }] }, options);
}
