import { CabWriter, type MemberName, MemoryTarget } from '#shared/cabinet/testing/cab-writer.ts';
import type { Compression } from '#shared/cabinet/testing/packers.ts';
import { extendedFragment, hasLanguage, localizedFragment, type PutText, putCore } from './fragments.ts';
import { languages } from './languages.ts';
import type { Shard, World } from './model.ts';
import { type ListCounts, putPackageXml } from './package-list.ts';

/** Window of Microsoft's own cabinets. Blocks of Microsoft's encoder are of about this length too. */
export const compression: Compression = { lzx: 21, blockLength: 150_000 };

export interface InnerCab {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly members: number;
  /** Of the members. */
  readonly unpackedBytes: number;
  /** Lengths of the core fragments. */
  readonly coreBytes: readonly number[];
}

/** `package.cab`, which holds package.xml. */
export function packageCab(world: World): InnerCab & { readonly counts: ListCounts } {
  const target = new MemoryTarget();
  const writer = new TextWriter(target, [[{ name: 'package.xml', modified: world.createdAt }]]);
  const counts = putPackageXml(world, (text) => writer.put(text));
  writer.endMember();
  return { ...writer.end(target), coreBytes: [], counts };
}

const licence = 'This is an invented licence. It allows everything and promises nothing.\r\n';

/** `package<N>.cab`: fragments in a folder for each of their kinds, a folder being a compressed stream of its own. */
export function shardCab(world: World, shard: Shard): InnerCab {
  const { entries } = shard;
  const isFirst = shard === world.shards[0];
  const names = (directory: string): MemberName[] =>
    entries.map(({ revisionId, createdAt }) => ({ name: `${directory}\\${revisionId}`, modified: createdAt }));
  const localized = languages.flatMap(([name], language) =>
    entries.flatMap((entry) => (hasLanguage(entry, language) ? [{ entry, name, language }] : [])),
  );
  const localizedNames = localized.map(({ entry, name }) => ({
    name: `l\\${name}\\${entry.revisionId}`,
    modified: entry.createdAt,
  }));
  const target = new MemoryTarget();
  const folders = [names('c'), names('x'), localizedNames].filter((folder) => folder.length > 0);
  // What index.xml calls FILESDIR.
  if (isFirst) folders.push([{ name: 'files\\licence.txt', modified: world.createdAt }]);
  const writer = new TextWriter(target, folders);
  const coreBytes: number[] = [];
  for (const entry of entries) {
    putCore(world.seed, entry, (text) => writer.put(text));
    coreBytes.push(writer.endMember());
  }
  for (const entry of entries) {
    writer.put(extendedFragment(world.seed, entry));
    writer.endMember();
  }
  for (const { entry, language } of localized) {
    writer.put(localizedFragment(entry, language));
    writer.endMember();
  }
  if (isFirst) {
    writer.put(licence);
    writer.endMember();
  }
  return { ...writer.end(target), coreBytes };
}

const bufferLength = 2 ** 18;

/** Collects text, so that the packer is given large pieces. */
class TextWriter {
  readonly #cab: CabWriter;
  readonly #buffer = Buffer.allocUnsafe(bufferLength);
  #buffered = 0;
  #members = 0;
  #memberBytes = 0;
  #bytes = 0;

  constructor(target: MemoryTarget, folders: readonly (readonly MemberName[])[]) {
    this.#cab = new CabWriter(target, { folders, compression });
  }

  put: PutText = (text) => {
    // A UTF-16 unit is at most three bytes of UTF-8.
    if (text.length * 3 > bufferLength - this.#buffered) this.#flush();
    if (text.length * 3 > bufferLength) {
      const bytes = Buffer.from(text, 'utf8');
      this.#cab.write(bytes);
      this.#memberBytes += bytes.length;
      return;
    }
    const written = this.#buffer.write(text, this.#buffered, 'utf8');
    this.#buffered += written;
    this.#memberBytes += written;
  };

  /** @returns bytes of the member */
  endMember(): number {
    const bytes = this.#memberBytes;
    this.#flush();
    this.#cab.endMember();
    this.#members += 1;
    this.#bytes += bytes;
    this.#memberBytes = 0;
    return bytes;
  }

  end(target: MemoryTarget): { bytes: Uint8Array<ArrayBuffer>; members: number; unpackedBytes: number } {
    this.#cab.end();
    // A copy, which can be handed over to another thread without the room that was left.
    return { bytes: target.bytes.slice(), members: this.#members, unpackedBytes: this.#bytes };
  }

  #flush(): void {
    this.#cab.write(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }
}
