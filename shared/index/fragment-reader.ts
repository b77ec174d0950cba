import type { ByteSink } from '#shared/cabinet/index.ts';
import { CoreFacts, coreFacts, wholeCoreFacts } from './core-fragment.ts';
import { ExtendedFacts, extendedFragment } from './extended-fragment.ts';
import type { FragmentName } from './fragment-name.ts';
import { CoreTable, ExtendedTable, TitleTable } from './fragments.ts';
import { pathOf } from './inner-cab.ts';
import { type LocalizedFacts, localizedFacts } from './localized-fragment.ts';
import { Parsers } from './parsers.ts';
import type { Values } from './values.ts';

/**
 * How much of an index is read.
 *
 * - `facts`: what the catalogue holds: all of package.xml and of the extended fragments, English titles (others where
 *   there is no English one), and of the core fragments the front.
 * - `everything`: besides, every fragment to its end and in every language, so that a fault anywhere is noticed.
 */
export type Depth = 'facts' | 'everything';

const english = 'en';

const resetFacts = (facts: { reset(): void }): void => facts.reset();
const resetTitle = (facts: LocalizedFacts): void => {
  facts.title = '';
};

/** Reads the fragments of one index as they stream by, and keeps what they say in tables. */
export class FragmentReader {
  readonly core = new CoreTable();
  readonly extended: ExtendedTable;
  readonly titles = new TitleTable();
  readonly #values: Values;
  readonly #depth: Depth;
  readonly #core: Parsers<CoreFacts>;
  readonly #extended: Parsers<ExtendedFacts>;
  readonly #localized = new Parsers<LocalizedFacts>(localizedFacts, () => ({ title: '' }));
  /** The language of an update's own title, once package.xml is known. */
  readonly #defaultLanguageOf: (revisionId: number) => string | undefined;

  constructor(values: Values, depth: Depth, defaultLanguageOf: (revisionId: number) => string | undefined) {
    this.#values = values;
    this.#depth = depth;
    this.#core = new Parsers(depth === 'everything' ? wholeCoreFacts : coreFacts, () => new CoreFacts(values));
    this.#extended = new Parsers(extendedFragment, () => new ExtendedFacts(values));
    this.extended = new ExtendedTable(values);
    this.#defaultLanguageOf = defaultLanguageOf;
  }

  /**
   * A sink for the member, or `undefined` when nothing in it is wanted.
   *
   * @param cab number of the cabinet that holds it, `cabName` its name
   */
  sink(fragment: FragmentName, cab: number, cabName: string, member: string): ByteSink | undefined {
    const { kind, revisionId, language } = fragment;
    const name = (): string => `${cabName}: ${pathOf({ name: member })}`;
    switch (kind) {
      case 'core':
        return this.#core.begin(name, resetFacts, (facts) => this.core.add(revisionId, cab, facts));
      case 'extended':
        return this.#extended.begin(name, resetFacts, (facts) => this.extended.add(revisionId, cab, facts));
      case 'localized': {
        const wanted = this.#wantsTitle(revisionId, language);
        if (!wanted && this.#depth === 'facts') return undefined;
        return this.#localized.begin(name, resetTitle, ({ title }) => {
          if (wanted && title !== '') this.titles.add(revisionId, cab, language, this.#values.texts.intern(title));
        });
      }
    }
  }

  /** The English title, or the one in the update's own language; its number in `texts`, and its cabinet's. */
  titleOf(revisionId: number, defaultLanguage: string): { readonly title: number; readonly cab: number } | undefined {
    return this.titles.find(revisionId, english) ?? this.titles.find(revisionId, defaultLanguage);
  }

  /** Adds a title that was found in an earlier catalogue, where it took the place that the English one has. */
  addReusedTitle(revisionId: number, cab: number, title: number): void {
    this.titles.add(revisionId, cab, english, title);
  }

  /** To be called when all is read; see {@link RowsByRevision.settle}. */
  settle(ownerOf: (revisionId: number) => number | undefined, onDouble: (cab: number) => void): void {
    for (const rows of [this.core.byRevision, this.extended.byRevision, ...this.titles.tables()]) {
      rows.settle(ownerOf, onDouble);
    }
  }

  /** Frees the tables, all but what is known of the files; the reader is of no use then. */
  free(): void {
    this.core.free();
    this.extended.free();
    this.titles.free();
  }

  #wantsTitle(revisionId: number, language: string): boolean {
    if (language === english) return true;
    if (this.titles.has(revisionId, english)) return false;
    const own = this.#defaultLanguageOf(revisionId);
    return own === undefined || own === language;
  }
}
