import type { ByteSink, CabMember } from '#shared/cabinet/index.ts';
import { CoreFacts, coreFragment } from './core-fragment.ts';
import { ExtendedFacts, extendedFragment } from './extended-fragment.ts';
import type { FragmentName } from './fragment-name.ts';
import { CoreTable, ExtendedTable, english, type RowsByRevision, TitleTable } from './fragments.ts';
import { IndexError } from './index-error.ts';
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

/** @throws IndexError when a fragment was there already: which of the two is meant nobody knows */
function once(isFirst: boolean, name: () => string): void {
  if (!isFirst) throw new IndexError('bad-layout', `${name()} is in its cabinet twice`);
}

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
    this.#core = new Parsers(coreFragment, () => new CoreFacts(values, { whole: depth === 'everything' }));
    this.#extended = new Parsers(extendedFragment, () => new ExtendedFacts(values));
    this.extended = new ExtendedTable(values);
    this.#defaultLanguageOf = defaultLanguageOf;
  }

  /**
   * A sink for the member, or `undefined` when nothing in it is wanted.
   *
   * @param cab number of the cabinet that holds it, `cabName` its name
   */
  sink(fragment: FragmentName, cab: number, cabName: string, member: Pick<CabMember, 'name'>): ByteSink | undefined {
    const { kind, revisionId, language } = fragment;
    const name = (): string => `${cabName}: ${pathOf(member)}`;
    switch (kind) {
      case 'core':
        return this.#core.begin(name, resetFacts, (facts) => once(this.core.add(revisionId, cab, facts), name));
      case 'extended':
        return this.#extended.begin(name, resetFacts, (facts) => once(this.extended.add(revisionId, cab, facts), name));
      case 'localized': {
        const wanted = this.#wantsTitle(revisionId, language);
        if (language !== english) this.titles.noteOther(revisionId, cab);
        if (!wanted && this.#depth === 'facts') return undefined;
        return this.#localized.begin(name, resetTitle, ({ title }) => {
          if (!wanted || title === '') return;
          once(this.titles.add(revisionId, cab, language, this.#values.texts.intern(title)), name);
        });
      }
    }
  }

  /**
   * To be called when all is read; see {@link RowsByRevision.settle}. `onOdd` is told of cabinets of which the catalogue
   * will not hold all that they say of it.
   */
  settle(ownerOf: (revisionId: number) => number | undefined, onOdd: (cab: number) => void): void {
    for (const rows of this.tables()) rows.settle(ownerOf, onOdd);
    this.titles.findOthers(onOdd);
    this.extended.findContradicted(onOdd);
  }

  /** The rows of all fragments that were read. */
  tables(): readonly RowsByRevision[] {
    return [this.core.byRevision, this.extended.byRevision, this.titles.byRevision];
  }

  /** Frees the tables, all but what is known of the files; the reader is of no use then. */
  free(): void {
    this.core.free();
    this.extended.free();
    this.titles.free();
  }

  #wantsTitle(revisionId: number, language: string): boolean {
    if (language === english) return true;
    if (this.titles.hasEnglish(revisionId)) return false;
    const own = this.#defaultLanguageOf(revisionId);
    return own === undefined || own === language;
  }
}
