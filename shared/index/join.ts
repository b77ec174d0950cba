import { ColumnsBuilder } from '#shared/core/catalog/columns/builder.ts';
import { type CatalogColumns, packFlags, unpackFlags } from '#shared/core/catalog/columns/columns.ts';
import { hexOf, type TextPool } from '#shared/core/catalog/columns/pools.ts';
import type { InnerCab } from '#shared/core/catalog/model.ts';
import type { FragmentReader } from './fragment-reader.ts';
import { GapCounter } from './gap-counter.ts';
import { secretHashKey } from './hash-key.ts';
import type { PackageList } from './package-list.ts';
import { kbDigits, type Values } from './values.ts';

/** Directory names of the layout at hand, so that a missing member is named as it would be called. */
export interface FragmentDirectories {
  readonly core: string;
  readonly extended: string;
  readonly localized: string;
}

interface JoinInput {
  readonly values: Values;
  readonly list: PackageList;
  readonly fragments: FragmentReader;
  readonly directories: FragmentDirectories;
  /** The inner cabinets, in the order of their numbers; none when they were not examined. */
  readonly cabs: readonly Omit<InnerCab, 'reusable'>[];
  /** Numbers of cabinets of which it is known already that nothing can be taken from them later. */
  readonly notReusable: ReadonlySet<number>;
}

/**
 * Puts the list and the fragments together, by RevisionId, and counts what does not fit. What went in is used up then:
 * its memory is freed as soon as it is.
 */
export function joinCatalog(input: JoinInput): CatalogColumns {
  return new Join(input).run();
}

/** The fragments of one update, as rows of the fragments' tables; -1 when there is none. */
interface Parts {
  readonly core: number;
  readonly extended: number;
  readonly title: number | undefined;
}

class Join {
  readonly #input: JoinInput;
  readonly #builder = new ColumnsBuilder(secretHashKey());
  readonly #gaps = new GapCounter();
  readonly #notReusable: Set<number>;
  /** Numbers in the builder's pools, plus one, by the numbers in those of the reader. */
  readonly #guids: Uint32Array;
  readonly #texts: Uint32Array;
  readonly #files: Uint32Array;
  /** SHA-1s of the payload files, in the order of their numbers in the builder. */
  readonly #sha1s: number[] = [];
  /** Name of each of them, in the reader's `texts`, plus one. */
  readonly #names: number[] = [];

  constructor(input: JoinInput) {
    this.#input = input;
    this.#notReusable = new Set(input.notReusable);
    const { guids, texts, sha1s } = input.values;
    this.#guids = new Uint32Array(guids.count);
    this.#texts = new Uint32Array(texts.count);
    this.#files = new Uint32Array(sha1s.count);
  }

  run(): CatalogColumns {
    const { list, fragments, values } = this.#input;
    const order = Uint32Array.from({ length: list.count }, (_, row) => row).sort(
      (a, b) => list.revisionId.at(a) - list.revisionId.at(b),
    );
    for (const row of order) this.#addUpdate(row);
    for (const table of fragments.tables()) {
      for (let row = 0; row < table.cab.length; row++) {
        if (!list.rows.has(table.revisionId.at(row))) this.#notReusable.add(table.cab.at(row));
      }
    }
    fragments.free();
    list.freeUpdates();
    this.#addFiles();
    fragments.extended.files.free();
    list.freeLocations();
    values.free();
    return this.#builder.finish({
      ...(list.packageId === undefined ? {} : { packageId: list.packageId }),
      ...(list.createdAt === undefined ? {} : { createdAt: list.createdAt }),
      gaps: this.#gaps.gaps(),
      cabs: this.#input.cabs.map((cab, number) => ({ ...cab, reusable: !this.#notReusable.has(number) })),
    });
  }

  #addUpdate(row: number): void {
    const { list, fragments, values } = this.#input;
    const builder = this.#builder;
    const revisionId = list.revisionId.at(row);
    const core = fragments.core.byRevision.get(revisionId);
    const extended = fragments.extended.byRevision.get(revisionId);
    const language = values.texts.get(list.language.at(row));
    const title = fragments.titles.find(revisionId, language);
    const classification = list.classification.at(row);
    const listedKbs = extended === -1 ? none : fragments.extended.kbsAt(extended);
    const kbOfTitle = listedKbs.length > 0 ? undefined : this.#kbOf(title?.title);
    builder.openUpdate({
      revisionId,
      guid: this.#guid(list.guid.at(row)),
      revision: list.revision.at(row),
      flags:
        list.flags.at(row) |
        (core === -1 ? 0 : fragments.core.flags.at(core)) |
        (extended === -1 ? 0 : fragments.extended.flags.at(extended)) |
        packFlags({ kbFromTitle: kbOfTitle !== undefined }),
      cab: this.#input.cabs.length === 0 ? 0 : this.#cabOf(core, extended, title?.cab) + 1,
      created: this.#text(list.created.at(row)),
      title: title === undefined ? 0 : this.#text(title.title) + 1,
      classification: classification === 0 ? 0 : this.#guid(classification - 1) + 1,
    });
    this.#addClauses(list.prerequisites.at(row));
    const dangling = {
      bundles: this.#addPresent(list.bundledBy.at(row), builder.bundledBy),
      superseders: this.#addPresent(list.supersededBy.at(row), builder.supersededBy),
    };
    for (const guid of list.products.at(row)) builder.products.push(this.#guid(guid));
    for (const guid of list.families.at(row)) builder.families.push(this.#guid(guid));
    for (const guid of list.companies.at(row)) builder.companies.push(this.#guid(guid));
    this.#addPayload(row, extended);
    for (const kb of listedKbs) builder.kbs.push(this.#text(kb));
    if (kbOfTitle !== undefined) builder.kbs.push(builder.texts.intern(kbOfTitle));
    if (extended !== -1) {
      for (const bulletin of fragments.extended.bulletinsAt(extended)) builder.bulletins.push(this.#text(bulletin));
      for (const cve of fragments.extended.cvesAt(extended)) builder.cves.push(this.#text(cve));
    }
    builder.closeUpdate();
    const hasKb = listedKbs.length > 0 || kbOfTitle !== undefined;
    this.#countGaps(row, { core, extended, title: title?.title }, language, { ...dangling, hasKb });
  }

  /** Number of the cabinet that all fragments of an update came from; -1 when there is none, or not one. */
  #cabOf(core: number, extended: number, titleCab: number | undefined): number {
    const { fragments } = this.#input;
    const cabs = [
      ...(core === -1 ? [] : [fragments.core.byRevision.cab.at(core)]),
      ...(extended === -1 ? [] : [fragments.extended.byRevision.cab.at(extended)]),
      ...(titleCab === undefined ? [] : [titleCab]),
    ];
    const first = cabs[0];
    if (first === undefined) return -1;
    if (cabs.every((cab) => cab === first)) return first;
    for (const cab of cabs) this.#notReusable.add(cab);
    return -1;
  }

  #addClauses(values: Uint32Array): void {
    for (let at = 0; at < values.length; ) {
      const count = values[at++] as number;
      this.#builder.prerequisites.push(count);
      for (const end = at + count; at < end; at++) this.#builder.prerequisites.push(this.#guid(values[at] as number));
    }
  }

  /** @returns whether the publication lacks one of the ids */
  #addPresent(revisionIds: Uint32Array, lists: ColumnsBuilder['bundledBy']): boolean {
    let dangling = false;
    for (const id of revisionIds) {
      if (this.#input.list.rows.has(id)) lists.push(id);
      else dangling = true;
    }
    return dangling;
  }

  /**
   * package.xml lists the files of every real leaf; a list cut out of a sample is made up for by the fragment. What a
   * fragment says of files that are not its update's own counts for nothing.
   */
  #addPayload(row: number, extended: number): void {
    const described = this.#describedBy(extended);
    const own = new Set<number>(this.#input.list.payload.at(row));
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
    if (isWhole && inOrder.next().done === true) return;
    this.#notReusable.add(this.#input.fragments.extended.byRevision.cab.at(extended));
  }

  /**
   * What an extended fragment says of files, by SHA-1, in its order: their names, plus one, and whether it describes them
   * (1), and with their SHA-256 (3).
   */
  #describedBy(extended: number): ReadonlyMap<number, { readonly name: number; source: number }> {
    const described = new Map<number, { readonly name: number; source: number }>();
    if (extended === -1) return described;
    const files = this.#input.fragments.extended.filesAt(extended);
    for (let at = 0; at < files.length; at += 3) {
      const sha1 = files[at] as number;
      const source = files[at + 2] as number;
      const facts = described.get(sha1);
      if (facts === undefined) described.set(sha1, { name: (files[at + 1] as number) + 1, source });
      else facts.source |= source;
    }
    return described;
  }

  /** The property is what counts; titles end in `(KB5101650)` and make up for it where it is missing. */
  #kbOf(title: number | undefined): string | undefined {
    if (title === undefined) return undefined;
    return kbDigits(/\((KB\d+)\)/i.exec(this.#input.values.texts.get(title))?.[1] ?? '');
  }

  #countGaps(
    row: number,
    { core, extended, title }: Parts,
    language: string,
    facts: { readonly bundles: boolean; readonly superseders: boolean; readonly hasKb: boolean },
  ): void {
    const { list, fragments, directories } = this.#input;
    const { action } = unpackFlags(list.flags.at(row));
    const id = String(list.revisionId.at(row));
    const missing: string[] = [];
    if (core === -1) missing.push(`${directories.core}/${id}`);
    // Categories and detectoids have nothing in the other two that a decision depends on.
    if (extended === -1 && action !== 'evaluate') missing.push(`${directories.extended}/${id}`);
    if (title === undefined && action === 'install') missing.push(`${directories.localized}/${language}/${id}`);
    if (missing.length > 0) this.#gaps.add('fragment-missing', missing);
    if (core !== -1) {
      const differs =
        fragments.core.guid.at(core) !== list.guid.at(row) ||
        fragments.core.revision.at(core) !== list.revision.at(row);
      if (differs) {
        this.#gaps.add('identity-mismatch', [id]);
        // The catalogue does not keep what the fragment said instead, so a later one cannot compare.
        this.#notReusable.add(fragments.core.byRevision.cab.at(core));
      }
    }
    if (facts.superseders) this.#gaps.add('dangling-superseder', [id]);
    if (facts.bundles) this.#gaps.add('dangling-bundle', [id]);
    if (action === 'install' && !facts.hasKb) this.#gaps.add('no-kb', [id]);
  }

  #addFiles(): void {
    const { list, fragments, values } = this.#input;
    const { files } = fragments.extended;
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
      if (url === 0) this.#gaps.add('location-missing', [inWords(sha1)]);
      if (!isKnown || name === 0) this.#gaps.add('file-facts-missing', [inWords(sha1)]);
      if (files.isContradicted(sha1)) contradicted.push(sha1);
    }
    for (const sha1 of contradicted) this.#gaps.add('file-facts-conflict', [inWords(sha1)]);
    if (this.#sha1s.length > 0 && list.locations === 0) this.#gaps.add('no-file-locations', []);
  }

  /**
   * Number of the file in the builder. Several updates may call it by several names; the first one in the order of
   * their characters is taken, since it does not depend on which update is read first.
   */
  #file(sha1: number, name: number): number {
    const known = this.#files[sha1] as number;
    if (known === 0) {
      const number = this.#builder.file(this.#input.values.sha1s.view(), sha1 * 20);
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

  #guid(number: number): number {
    let known = this.#guids[number] as number;
    if (known === 0) {
      known = this.#builder.guids.intern(this.#input.values.guids.view(), number * 16) + 1;
      this.#guids[number] = known;
    }
    return known - 1;
  }

  #text(number: number): number {
    let known = this.#texts[number] as number;
    if (known === 0) {
      known = copyText(this.#input.values.texts, number, this.#builder.texts) + 1;
      this.#texts[number] = known;
    }
    return known - 1;
  }
}

function copyText(from: TextPool, number: number, into: TextPool): number {
  const { ends, bytes } = from.view();
  return into.internBytes(bytes, number === 0 ? 0 : (ends[number - 1] as number), ends[number] as number);
}

const none = new Uint32Array(0);
