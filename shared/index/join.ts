import { ColumnsBuilder } from '#shared/core/catalog/columns/builder.ts';
import { type CatalogColumns, packFlags, unpackFlags } from '#shared/core/catalog/columns/columns.ts';
import type { ListsColumn } from '#shared/core/catalog/columns/growing.ts';
import type { SizedLists } from '#shared/core/catalog/columns/sized.ts';
import type { InnerCab } from '#shared/core/catalog/model.ts';
import type { FragmentReader } from './fragment-reader.ts';
import { GapCounter } from './gap-counter.ts';
import { secretHashKey } from './hash-key.ts';
import { JoinedFiles } from './joined-files.ts';
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
  readonly #builder: ColumnsBuilder;
  readonly #gaps = new GapCounter();
  readonly #notReusable: Set<number>;
  /** Numbers in the builder's pools, plus one, by the numbers in those of the reader. */
  readonly #guids: Uint32Array;
  readonly #texts: Uint32Array;
  /** By number in `texts`. */
  readonly #languages = new Map<number, string>();
  readonly #files: JoinedFiles;

  constructor(input: JoinInput) {
    this.#input = input;
    this.#notReusable = new Set(input.notReusable);
    const { values, list, fragments } = input;
    this.#builder = builderFor(input);
    this.#guids = new Uint32Array(values.guids.count);
    // A KB number that stands in a title only is a text of its own.
    this.#texts = new Uint32Array(values.texts.count + list.count);
    this.#files = new JoinedFiles({ values, list, extended: fragments.extended }, this.#builder, (number) =>
      this.#text(number),
    );
  }

  run(): CatalogColumns {
    const { list, fragments, values } = this.#input;
    values.seal();
    for (const row of rowsInOrder(list)) this.#addUpdate(row);
    for (const table of fragments.tables()) {
      for (let row = 0; row < table.cab.length; row++) {
        if (!list.rows.has(table.revisionId.at(row))) this.#notReusable.add(table.cab.at(row));
      }
    }
    values.texts.seal();
    fragments.free();
    list.freeUpdates();
    this.#files.describe(this.#gaps);
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
    const { list, fragments } = this.#input;
    const builder = this.#builder;
    const revisionId = list.revisionId.at(row);
    const core = fragments.core.byRevision.get(revisionId);
    const extended = fragments.extended.byRevision.get(revisionId);
    const language = this.#language(list.language.at(row));
    const title = fragments.titles.find(revisionId, language);
    const classification = list.classification.at(row);
    const { kbs, bulletins, cves } = fragments.extended;
    const hasKb = extended !== -1 && kbs.start(extended) < kbs.end(extended);
    const kbOfTitle = hasKb ? undefined : this.#kbOf(title?.title);
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
    this.#addClauses(row);
    const danglingBundle = this.#addPresent(row, list.bundledBy, builder.bundledBy);
    const danglingSuperseder = this.#addPresent(row, list.supersededBy, builder.supersededBy);
    this.#addGuids(row, list.products, builder.products);
    this.#addGuids(row, list.families, builder.families);
    this.#addGuids(row, list.companies, builder.companies);
    if (!this.#files.addPayload(row, extended)) this.#notReusable.add(fragments.extended.byRevision.cab.at(extended));
    if (extended !== -1) this.#addTexts(extended, kbs, builder.kbs);
    if (kbOfTitle !== undefined) builder.kbs.push(this.#text(this.#input.values.texts.intern(kbOfTitle)));
    if (extended !== -1) {
      this.#addTexts(extended, bulletins, builder.bulletins);
      this.#addTexts(extended, cves, builder.cves);
    }
    builder.closeUpdate();
    this.#countMissing(row, { core, extended, title: title?.title }, language);
    if (danglingSuperseder) this.#gaps.add('dangling-superseder', [String(revisionId)]);
    if (danglingBundle) this.#gaps.add('dangling-bundle', [String(revisionId)]);
    if (!hasKb && kbOfTitle === undefined && isUnit(list.flags.at(row))) this.#gaps.add('no-kb', [String(revisionId)]);
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

  #addClauses(row: number): void {
    const { prerequisites } = this.#input.list;
    const into = this.#builder.prerequisites;
    for (let at = prerequisites.start(row), end = prerequisites.end(row); at < end; ) {
      const count = prerequisites.value(at++);
      into.push(count);
      for (const until = at + count; at < until; at++) into.push(this.#guid(prerequisites.value(at)));
    }
  }

  #addGuids(row: number, from: ListsColumn, into: SizedLists): void {
    for (let at = from.start(row), end = from.end(row); at < end; at++) into.push(this.#guid(from.value(at)));
  }

  #addTexts(row: number, from: ListsColumn, into: SizedLists): void {
    for (let at = from.start(row), end = from.end(row); at < end; at++) into.push(this.#text(from.value(at)));
  }

  /** @returns whether the publication lacks one of the ids */
  #addPresent(row: number, from: ListsColumn, into: SizedLists): boolean {
    let dangling = false;
    for (let at = from.start(row), end = from.end(row); at < end; at++) {
      const id = from.value(at);
      if (this.#input.list.rows.has(id)) into.push(id);
      else dangling = true;
    }
    return dangling;
  }

  /** The property is what counts; titles end in `(KB5101650)` and make up for it where it is missing. */
  #kbOf(title: number | undefined): string | undefined {
    if (title === undefined) return undefined;
    return kbDigits(/\((KB\d+)\)/i.exec(this.#input.values.texts.get(title))?.[1] ?? '');
  }

  /** Counts fragments that are not there, and a core fragment that is another update's. */
  #countMissing(row: number, { core, extended, title }: Parts, language: string): void {
    const { list, fragments, directories } = this.#input;
    const flags = list.flags.at(row);
    const lacksTitle = title === undefined && isUnit(flags);
    // Categories and detectoids have nothing in the other two that a decision depends on.
    const lacksExtended = extended === -1 && !isEvaluated(flags);
    if (core === -1 || lacksExtended || lacksTitle) {
      const id = list.revisionId.at(row);
      const missing: string[] = [];
      if (core === -1) missing.push(`${directories.core}/${id}`);
      if (lacksExtended) missing.push(`${directories.extended}/${id}`);
      if (lacksTitle) missing.push(`${directories.localized}/${language}/${id}`);
      this.#gaps.add('fragment-missing', missing);
    }
    if (core === -1) return;
    const { guid, revision, byRevision } = fragments.core;
    if (guid.at(core) === list.guid.at(row) && revision.at(core) === list.revision.at(row)) return;
    this.#gaps.add('identity-mismatch', [String(list.revisionId.at(row))]);
    // The catalogue does not keep what the fragment said instead, so a later one cannot compare.
    this.#notReusable.add(byRevision.cab.at(core));
  }

  /** There are some forty, and every update names one. */
  #language(number: number): string {
    let language = this.#languages.get(number);
    if (language === undefined) {
      language = this.#input.values.texts.get(number);
      this.#languages.set(number, language);
    }
    return language;
  }

  #guid(number: number): number {
    let known = this.#guids[number] as number;
    if (known === 0) {
      known = this.#builder.guids.push(this.#input.values.guids.raw, number * 16) + 1;
      this.#guids[number] = known;
    }
    return known - 1;
  }

  #text(number: number): number {
    let known = this.#texts[number] as number;
    if (known === 0) {
      const { texts } = this.#input.values;
      known = this.#builder.texts.push(texts.raw, texts.start(number), texts.end(number)) + 1;
      this.#texts[number] = known;
    }
    return known - 1;
  }
}

/** Rows by RevisionId, which is mostly the order of package.xml already. */
function rowsInOrder({ revisionId, count }: PackageList): Uint32Array {
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  for (let row = 1; row < count; row++) {
    if (revisionId.at(row) < revisionId.at(row - 1)) return rows.sort((a, b) => revisionId.at(a) - revisionId.at(b));
  }
  return rows;
}

const isUnit = (flags: number): boolean => unpackFlags(flags).action === 'install';
const isEvaluated = (flags: number): boolean => unpackFlags(flags).action === 'evaluate';

/** What goes in says how much comes out at most; what was read is all different, so it need not be looked up again. */
function builderFor({ list, values, fragments: { extended } }: JoinInput): ColumnsBuilder {
  return new ColumnsBuilder(secretHashKey(), {
    rows: list.count,
    guids: values.guids.count,
    files: values.sha1s.count,
    prerequisites: list.prerequisites.length,
    bundledBy: list.bundledBy.length,
    supersededBy: list.supersededBy.length,
    products: list.products.length,
    families: list.families.length,
    companies: list.companies.length,
    payload: list.payload.length,
    kbs: extended.kbs.length + list.count,
    bulletins: extended.bulletins.length,
    cves: extended.cves.length,
  });
}
