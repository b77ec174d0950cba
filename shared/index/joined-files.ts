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
  /** The row, plus one, of the update that was found last to have the file. */
  readonly #rowOf: Uint32Array;
  /** SHA-1s of the files, in the order of their numbers in the builder. */
  readonly #sha1s: number[] = [];
  /** Name of each of them, in the reader's `texts`, plus one. */
  readonly #names: number[] = [];

  constructor(input: FilesInput, builder: ColumnsBuilder, text: (number: number) => number) {
    this.#input = input;
    this.#builder = builder;
    this.#text = text;
    this.#files = new Uint32Array(input.values.sha1s.count);
    this.#rowOf = new Uint32Array(input.values.sha1s.count);
  }

  /**
   * package.xml lists the files of every real leaf; a list cut out of a sample is made up for by the fragment. What a
   * fragment says of files that are not its update's own counts for nothing.
   *
   * @returns whether the catalogue holds all that the fragment says of files, so that a later one can take it from there
   */
  addPayload(row: number, extended: number): boolean {
    const { payload } = this.#input.list;
    const { described: files } = this.#input.extended;
    const count = payload.end(row) - payload.start(row);
    const describedCount = extended === -1 ? 0 : (files.end(extended) - files.start(extended)) / 3;
    // Bundles, categories and detectoids have no files.
    if (count === 0 && describedCount === 0) return true;
    if (count === describedCount && this.#areSame(row, extended)) {
      for (let at = files.start(extended), end = files.end(extended); at < end; at += 3) {
        const name = files.value(at + 1);
        this.#builder.pushPayload(this.#file(files.value(at), name + 1), this.#text(name) + 1, files.value(at + 2));
      }
      return true;
    }
    const listed = payload.at(row);
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

  /** Whether list and fragment name the same files in the same order, each once: so it is of almost all updates. */
  #areSame(row: number, extended: number): boolean {
    const { payload } = this.#input.list;
    const { described } = this.#input.extended;
    let from = described.start(extended);
    for (let at = payload.start(row), end = payload.end(row); at < end; at++) {
      const sha1 = payload.value(at);
      if (described.value(from) !== sha1 || this.#rowOf[sha1] === row + 1) return false;
      this.#rowOf[sha1] = row + 1;
      from += 3;
    }
    return true;
  }

  /**
   * What an extended fragment says of files, by SHA-1, in its order: their names, plus one, and whether it describes them
   * (1), and with their SHA-256 (3).
   */
  #describedBy(extended: number): ReadonlyMap<number, { readonly name: number; source: number }> {
    const described = new Map<number, { readonly name: number; source: number }>();
    if (extended === -1) return described;
    const files = this.#input.extended.described.at(extended);
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
    for (let number = 0; number < this.#sha1s.length; number++) {
      const sha1 = this.#sha1s[number] as number;
      const url = list.locationOf(sha1);
      const name = this.#names[number] as number;
      const isKnown = files.isKnown(sha1);
      this.#builder.describeFile(number, {
        sha256: files.sha256Of(sha1),
        size: isKnown ? files.sizeOf(sha1) : undefined,
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
      const number = this.#builder.newFile(this.#input.values.sha1s.raw, sha1 * 20);
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
