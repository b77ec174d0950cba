import type { ColumnsBuilder } from '#shared/core/catalog/columns/builder.ts';
import { hexOf } from '#shared/core/catalog/columns/pools.ts';
import type { ExtendedTable } from './fragments.ts';
import type { GapCounter } from './gap-counter.ts';
import type { PackageList } from './package-list.ts';
import type { Values } from './values.ts';

interface FilesInput {
  readonly values: Values;
  readonly list: PackageList;
  readonly extended: ExtendedTable;
}

/** The files of a catalogue, as package.xml and all extended fragments together describe them. */
export class JoinedFiles {
  readonly #input: FilesInput;
  readonly #builder: ColumnsBuilder;
  /** Number in the builder's `texts` of one in the reader's. */
  readonly #text: (number: number) => number;
  /** Numbers in the builder, plus one, by the number of the SHA-1. */
  readonly #files: Uint32Array;
  /** SHA-1s of the files, in the order of their numbers in the builder. */
  readonly #sha1s: number[] = [];
  /** Name of each of them, in the reader's `texts`, plus one. */
  readonly #names: number[] = [];

  constructor(input: FilesInput, builder: ColumnsBuilder, text: (number: number) => number) {
    this.#input = input;
    this.#builder = builder;
    this.#text = text;
    this.#files = new Uint32Array(input.values.sha1s.count);
  }

  /**
   * package.xml lists the files of every real leaf; a list cut out of a sample is made up for by the fragment. What a
   * fragment says of files that are not its update's own counts for nothing.
   *
   * @returns whether the catalogue holds all that the fragment says of files, so that a later one can take it from there
   */
  addPayload(row: number, extended: number): boolean {
    const listed = this.#input.list.payload.at(row);
    // Bundles, categories and detectoids have no files.
    if (listed.length === 0 && (extended === -1 || this.#input.extended.filesAt(extended).length === 0)) return true;
    const described = this.#describedBy(extended);
    const own = new Set<number>(listed);
    if (own.size === 0) for (const sha1 of described.keys()) own.add(sha1);
    const inOrder = described.keys();
    let isWhole = true;
    for (const sha1 of own) {
      const facts = described.get(sha1);
      if (facts === undefined) {
        this.#builder.pushPayload(this.#file(sha1, 0), 0, 0);
        continue;
      }
      if (inOrder.next().value !== sha1) isWhole = false;
      this.#builder.pushPayload(this.#file(sha1, facts.name), this.#text(facts.name - 1) + 1, facts.source);
    }
    // The catalogue does not hold another order, nor files that it has no row for: a later publication may need them.
    return isWhole && inOrder.next().done === true;
  }

  /**
   * What an extended fragment says of files, by SHA-1, in its order: their names, plus one, and whether it describes them
   * (1), and with their SHA-256 (3).
   */
  #describedBy(extended: number): ReadonlyMap<number, { readonly name: number; source: number }> {
    const described = new Map<number, { readonly name: number; source: number }>();
    if (extended === -1) return described;
    const files = this.#input.extended.filesAt(extended);
    for (let at = 0; at < files.length; at += 3) {
      const sha1 = files[at] as number;
      const source = files[at + 2] as number;
      const facts = described.get(sha1);
      if (facts === undefined) described.set(sha1, { name: (files[at + 1] as number) + 1, source });
      else facts.source |= source;
    }
    return described;
  }

  /** Says of all files what is known of them; to be called once, when all updates are added. */
  describe(gaps: GapCounter): void {
    const { list, extended, values } = this.#input;
    const { files } = extended;
    const sha1s = values.sha1s.view();
    const inWords = (sha1: number): string => hexOf(sha1s, sha1 * 20, 20);
    const contradicted: number[] = [];
    for (const [number, sha1] of this.#sha1s.entries()) {
      const url = list.locationOf(sha1);
      const name = this.#names[number] as number;
      const isKnown = files.isKnown(sha1);
      const sha256 = files.sha256Of(sha1);
      this.#builder.describeFile(number, {
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(isKnown ? { size: files.sizeOf(sha1) } : {}),
        name: name === 0 ? 0 : this.#text(name - 1) + 1,
        url: url === 0 ? 0 : this.#text(url - 1) + 1,
      });
      if (url === 0) gaps.add('location-missing', [inWords(sha1)]);
      if (!isKnown || name === 0) gaps.add('file-facts-missing', [inWords(sha1)]);
      if (files.isContradicted(sha1)) contradicted.push(sha1);
    }
    for (const sha1 of contradicted) gaps.add('file-facts-conflict', [inWords(sha1)]);
    if (this.#sha1s.length > 0 && list.locations === 0) gaps.add('no-file-locations', []);
  }

  /**
   * Number of the file in the builder. Several updates may call it by several names; the first one in the order of
   * their characters is taken, since it does not depend on which update is read first.
   */
  #file(sha1: number, name: number): number {
    const known = this.#files[sha1] as number;
    if (known === 0) {
      const number = this.#builder.file(this.#input.values.sha1s.raw, sha1 * 20);
      this.#files[sha1] = number + 1;
      this.#sha1s.push(sha1);
      this.#names.push(name);
      return number;
    }
    const number = known - 1;
    const present = this.#names[number] as number;
    if (name !== 0 && name !== present) {
      const { texts } = this.#input.values;
      if (present === 0 || texts.get(name - 1) < texts.get(present - 1)) this.#names[number] = name;
    }
    return number;
  }
}
